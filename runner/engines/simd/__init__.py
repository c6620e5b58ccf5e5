"""SIMD code: graphs of PyTensor written as LLVM's vector instructions, one restart per lane.

Comes in: a graph. Goes out: machine code behind a Python callable. It never knows what the graph is
of.
"""
