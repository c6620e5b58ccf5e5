"""SIMD code: graphs of PyTensor written as LLVM's vector instructions, one restart per lane.

Comes in: a graph. Goes out: machine code behind a Python callable. It never knows what the graph is
of. The way through the files::

    lowering        graph ─> Program ─> Artifact ─> Function or Loop
      loops           the loops over blocks of lanes and over steps, around a body
        turns         between steps: a lane that is done takes the next restart
      frame           the function, the caller's arrays, the scratch memory
      bodies          a block of lanes: vectors in registers, or matrices in memory
        exponents       vectors, first pass: a graph's annotated expressions
        elementwise     second pass: their instructions
        loop_nests      matrices: which operation is written when and where
        matrix_operations, products   each as loops over a matrix
        cubes, slabs    in training, a sigmoid layer whose patterns are a cube's corners
        slab_loops, corners   that layer, some patterns after the others
      scalar_operations, math_functions, vectors   the instructions themselves
    machine_code    LLVM: Program ─> Artifact, and how it is called
    ptx             LLVM: a Program of threads ─> what a GPU's driver compiles
"""
