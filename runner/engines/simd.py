"""SIMD code for elementwise graphs: many restarts in step, every lane on its own, by LLVM.

The graph of a step in layout lanes is elementwise throughout. An array compiler makes some thirty
loops of it, each of which carries its vectors through memory. Here the whole graph is one straight
line of vector instructions and the loop over steps is around that, so a block of lanes stays in
registers, or next to them, until one of its restarts is done. Compiling takes tenths of a second.

Training takes nothing from the processor but additions, multiplications, divisions, square roots
and fused multiply-adds, which IEEE 754 rounds exactly. So its bits depend neither on the width of
the vectors nor on a mathematical library.
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

from runner.engines.line import UnknownOperation
from runner.engines.loops import NAME, once, scratch_bytes, until_done, width
from runner.engines.vectors import BLOCK_BYTES

__all__ = ["Function", "Loop", "UnknownOperation"]


class Function:
    """A compiled elementwise graph.

    Parameters
    ----------
    inputs : sequence of tensor variables
        Vectors over lanes.
    outputs : sequence of sequences of tensor variables
        Vectors over lanes, elementwise functions of the inputs; those of a group have one dtype.

    Raises
    ------
    UnknownOperation
        If the graph holds anything but elementwise operations that are known here.
    """

    def __init__(self, inputs: Sequence[Any], outputs: Sequence[Sequence[Any]]) -> None:
        graph = _graph(inputs, [variable for group in outputs for variable in group])
        self._kinds = [(len(group), group[0].type.dtype) for group in outputs]
        self._width = width(graph)
        self._code, self._run = _compiled(once(graph), 1)

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """Compute the outputs.

        Parameters
        ----------
        *inputs : ndarray
            Each (n,), or (rows, n) for as many variables, of their dtypes; any n.

        Returns
        -------
        list of ndarray
            Each (variables of the group, n).
        """
        n = inputs[0].shape[-1]
        if not n:
            return [np.empty((rows, 0), dtype) for rows, dtype in self._kinds]
        more = -n % self._width  # lanes that fill the last block
        if more:
            inputs = tuple(
                np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, more)], mode="edge") for a in inputs
            )
        kept = [np.ascontiguousarray(a) for a in inputs]
        outputs = [np.empty((rows, n + more), dtype) for rows, dtype in self._kinds]
        sources, targets = _addresses(kept), _addresses(outputs)
        self._run(sources.ctypes.data, targets.ctypes.data, n + more)
        return [output[:, :n] for output in outputs]


class Loop:
    """A compiled step that is repeated in every column until it halts there.

    Parameters
    ----------
    carried, fixed : sequence of tensor variables
        The step's inputs, vectors over lanes: what it moves, and what it only reads.
    moved : sequence of tensor variables
        What takes the place of the carried inputs in the next step.
    halts : tensor variable
        Bool: where the step is not taken, so that the column has halted.
    others : sequence of tensor variables
        What else is told of a column's last step, taken or not.

    Raises
    ------
    UnknownOperation
        If the graph holds anything but elementwise operations that are known here.
    """

    def __init__(
        self,
        carried: Sequence[Any],
        fixed: Sequence[Any],
        moved: Sequence[Any],
        halts: Any,
        others: Sequence[Any],
    ) -> None:
        graph = _graph([*carried, *fixed], [*moved, halts, *others])
        self._scratch_bytes = scratch_bytes(graph)
        self._code, self._run = _compiled(until_done(graph, len(carried)), 4)

    def __call__(
        self,
        carried: np.ndarray,
        steps: np.ndarray,
        limit: np.ndarray,
        fixed: Sequence[np.ndarray],
        others: Sequence[np.ndarray],
    ) -> None:
        """Repeat the step.

        Parameters
        ----------
        carried : ndarray, shape (variables, n)
            Any n; C-contiguous. Overwritten.
        steps : ndarray, shape (n,), int32
            Steps taken before; overwritten.
        limit : ndarray, shape (n,), int32
            The number of steps at which a column halts, whatever it holds.
        fixed : sequence of ndarray
            Each (n,), or (rows, n) for as many variables.
        others : sequence of ndarray
            Each (n,); overwritten, but not where ``steps`` was at its limit from the beginning.

        Raises
        ------
        ValueError
            If what is overwritten is not C-contiguous.
        """
        if not all(array.flags.c_contiguous for array in (carried, steps, *others)):
            message = "an output is not C-contiguous; expected rows that lie one after the other"
            raise ValueError(message)
        if not len(steps):
            return
        kept = [np.ascontiguousarray(array) for array in (limit, *fixed)]
        halted = np.empty(len(steps), bool)
        sources = _addresses([carried, *kept[1:]])
        targets = _addresses([carried, halted, *others])
        clock, until = _addresses([steps, kept[0]])
        scratch = np.empty(self._scratch_bytes + BLOCK_BYTES, np.uint8)
        aligned = -(-scratch.ctypes.data // BLOCK_BYTES) * BLOCK_BYTES
        self._run(sources.ctypes.data, targets.ctypes.data, len(steps), clock, until, aligned)


def _graph(inputs: Sequence[Any], outputs: Sequence[Any]) -> FunctionGraph:
    """A graph in which equal terms are one, and constants are gathered."""
    graph = FunctionGraph(list(inputs), list(outputs), clone=True)
    optdb.query(RewriteDatabaseQuery(include=("merge", "canonicalize"))).rewrite(graph)
    return graph


def _addresses(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Addresses of the rows of C-contiguous arrays."""
    rows: list[int] = []
    for array in arrays:
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


def _compiled(text: str, n_numbers: int) -> tuple[Any, Any]:
    """Compile a program whose function takes two tables and so many numbers.

    Returns what owns the machine code, and the function.
    """
    machine = _machine()
    module = binding.parse_assembly(text)
    module.verify()
    # The code is written as it is to be. To combine instructions anew would only pack masks again.
    passes = binding.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    options = binding.create_pipeline_tuning_options()
    passes.run(module, binding.create_pass_builder(machine, options))
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * n_numbers)
    return engine, kind(engine.get_function_address(NAME))
