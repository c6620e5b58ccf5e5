"""SIMD code: graphs of PyTensor written as LLVM's vector instructions, one restart per lane.

Comes in: a graph. Goes out: machine code behind a Python callable. It never knows what the graph is
of. The way through the files::

    lowering            graph ─> Program ─> Artifact ─> Function or Loop
      control_flow        the loops over blocks of lanes and over steps, around a body
        lane_refills        between steps: a lane that is done takes the next restart
        lane_state, bulk_copy   what a refill remembers; columns it copies together
        lane_recording      between steps: points of a lane's way, for curves
      function_frame      the function, the caller's arrays, the scratch memory
      registers           what a program is written for; no bit depends on them
      loop_bodies         a block of lanes: vectors in registers, or matrices in memory
        exponents           vectors, first pass: a graph's annotated expressions
        elementwise         second pass: their instructions
        loop_nests          matrices: which operation is written when and where
        matrix_operations   each operation; elementwise_loops and matrix_multiplication most
        buffers, memory     where variables lie, and the loops over them; fusion, which share one
        hypercube_layers    in training, a sigmoid layer whose patterns are a hypercube's corners
        hypercube_writer    that layer, strip by strip: strip_mining cuts, strip_loop writes
      scalar_operations, math_functions, vectors   the instructions themselves
    machine_code        LLVM: Program ─> Artifact, and how it is called; row_memory, its arrays
    eigenvectors        a Program that is of no graph: of symmetric matrices, one in every lane
      reflections, ql_steps   make them tridiagonal, then diagonal; lane_arrays has what both need
    ptx, thread_block, gpu_loop   a Program of threads ─> what a GPU's driver compiles
"""
