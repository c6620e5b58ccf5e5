"""A step becomes machine code: through PyTensor to SIMD code, JAX or Numba; or through Theano.

Comes in: a `Signature`. Goes out: compiled functions that train lanes (`Compiled`) or evaluate
endpoints (`Measured`), whose machine code is cached on disk. The only room that imports PyTensor or
Theano; it never knows experiments, batches or files of a study.
"""

from runner.lazy import attach

__getattr__, __all__ = attach(
    __name__,
    {
        "Compiled": "runner.engines.base",
        "Measured": "runner.engines.base",
        "compiled": "runner.engines.registry",
        "measured": "runner.engines.registry",
    },
)
