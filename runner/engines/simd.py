"""SIMD code for elementwise graphs: many restarts in step, every lane on its own, by LLVM.

The graph of a step in layout lanes is elementwise throughout. An array compiler makes some thirty
loops of it, each of which carries its vectors through memory. Here the whole graph is one straight
line of vector instructions and the loop over steps is around that, so a block of lanes stays in
registers, or next to them, for as long as a call lasts. Compiling takes tenths of a second.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np
from llvmlite import binding
from pytensor.compile.mode import optdb
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.rewriting.db import RewriteDatabaseQuery

from runner.engines.program import NAME, Program, UnknownOperation

__all__ = ["Function", "UnknownOperation"]


class Function:
    """A compiled elementwise graph.

    Parameters
    ----------
    inputs : sequence of tensor variables
        Vectors over lanes.
    outputs : sequence of tensor variables
        Vectors over lanes, elementwise functions of the inputs.
    n_lanes : int
        Length of every vector.
    n_carried : int
        The first so many outputs take the place of the first inputs in the next step.
    clock : int, optional
        The carried variable that stands still only where a step has changed nothing: a block of
        lanes in which it does is left early.

    Raises
    ------
    UnknownOperation
        If the graph holds anything but elementwise operations that are known here.

    Notes
    -----
    Training takes nothing from the processor but additions, multiplications, divisions, square
    roots and fused multiply-adds, which IEEE 754 rounds exactly. So its bits depend neither on the
    width of the vectors nor on a mathematical library. (Logarithms, which are part of losses and
    not of their gradients, are the C library's.)
    """

    def __init__(
        self,
        inputs: Sequence[Any],
        outputs: Sequence[Any],
        n_lanes: int,
        n_carried: int = 0,
        clock: int | None = None,
    ) -> None:
        graph = FunctionGraph(list(inputs), list(outputs), clone=True)
        # Merging equal terms and gathering constants is what PyTensor does better than LLVM.
        optdb.query(RewriteDatabaseQuery(include=("merge", "canonicalize"))).rewrite(graph)
        self._code = _compiled(Program(graph, n_lanes, n_carried, clock).text)
        kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
        self._call = kind(self._code.get_function_address(NAME))

    def __call__(
        self, inputs: Sequence[np.ndarray], outputs: Sequence[np.ndarray], n_steps: int = 1
    ) -> None:
        """Run every lane for some steps.

        Parameters
        ----------
        inputs : sequence of ndarray
            Each (n_lanes,), or (rows, n_lanes) for as many variables, of their dtypes.
        outputs : sequence of ndarray
            Likewise, C-contiguous; overwritten.
        n_steps : int
            1 or more.

        Raises
        ------
        ValueError
            If an output is not C-contiguous.
        """
        if not all(array.flags.c_contiguous for array in outputs):
            message = "an output is not C-contiguous; expected rows that lie one after the other"
            raise ValueError(message)
        kept = [np.ascontiguousarray(array) for array in inputs]
        sources, targets = _addresses(kept), _addresses(outputs)
        self._call(sources.ctypes.data, targets.ctypes.data, n_steps)


def _addresses(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Addresses of the rows of C-contiguous arrays."""
    rows: list[int] = []
    for array in arrays:
        # not array.ctypes.data: this is called so often that making ctypes' object would show
        first = array.__array_interface__["data"][0]
        rows += range(first, first + array.nbytes, array.shape[-1] * array.itemsize)
    return np.array(rows, np.int64)


def _machine() -> Any:
    """LLVM for the processor of this machine; compiled code takes it into its own."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=2,
        jit=True,
    )


def _compiled(text: str) -> Any:
    """Compile a module's text; what comes back owns the machine code."""
    machine = _machine()
    module = binding.parse_assembly(text)
    module.verify()
    builder = binding.create_pass_builder(machine, binding.create_pipeline_tuning_options(2))
    builder.getModulePassManager().run(module, builder)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    return engine
