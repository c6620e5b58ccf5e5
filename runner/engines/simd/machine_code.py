"""SIMD code: many restarts in step, every lane on its own, by LLVM.

An array compiler makes a loop of every few operations of a step, each of which carries its vectors
through memory. Here the loop over steps is outside: a block of lanes stays in registers, or in the
cache, until one of its restarts is done. Compiling takes tenths of a second.

Training takes nothing from the processor but additions, multiplications, divisions, square roots
and fused multiply-adds, which IEEE 754 rounds exactly. So its bits depend neither on the width of
the vectors nor on a mathematical library.
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from llvmlite import binding

from runner.engines import code_cache
from runner.engines.registry import Compiled, Evaluation, Measured
from runner.engines.simd.vectors import CACHE_LINE, NAME
from runner.network.model import Model
from runner.network.step import Signature


def compiled(signature: Signature, *, loop: Loop, look: Function, moves: Function) -> Compiled:
    """The functions that train a signature.

    Parameters
    ----------
    signature : Signature
    loop : Loop
        A training step; tells what is solved.
    look : Function
        Loss, gradient, outputs and what is solved, at parameters; float64.
    moves : Function
        Parameters after a step, from a state and a gradient; float64.
    """

    def advance(
        state: np.ndarray,
        steps: np.ndarray,
        limit: np.ndarray,
        hyper: np.ndarray,
        targets: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        state, steps = state.copy(order="C"), steps.copy()
        solved = np.zeros(len(steps), bool)
        loop(state, steps, limit, [hyper, targets], [solved])
        return state, steps, solved

    evaluate = _evaluating(signature, look, moves)
    return Compiled(signature, advance, evaluate, 0.0, any_lanes=True)


def measured(
    signature: Signature, *, look: Function, moves: Function, product: Function
) -> Measured:
    """The functions that look at endpoints of a signature; see `compiled` and `Measured`."""

    def multiply(*arrays: np.ndarray) -> np.ndarray:
        return product(*arrays)[0]

    return Measured(signature, _evaluating(signature, look, moves), multiply, any_lanes=True)


def _evaluating(signature: Signature, look: Function, moves: Function) -> Any:
    n = signature.architecture.n_parameters

    def evaluate(state: np.ndarray, hyper: np.ndarray, targets: np.ndarray) -> Evaluation:
        (loss,), gradient, outputs, (solved,) = look(state[:n], hyper, targets)
        (moved,) = moves(state, gradient, hyper, targets)
        (next_loss,), *_ = look(moved, hyper, targets)
        return Evaluation(loss, gradient, outputs, solved, moved, next_loss)

    return evaluate


def keep(make: Any, signature: Signature, parts: Mapping[str, Function | Loop]) -> None:
    """Keep what `compiled` or `measured` was made of for other processes."""
    code_cache.write(_names(make, signature), {name: part.made_of for name, part in parts.items()})


def recalled(make: Any, signature: Signature) -> Any:
    """What `compiled` or `measured` makes of kept parts; None where there are none."""
    found = code_cache.read(_names(make, signature))
    if found is None:
        return None
    parts = {
        name: Loop(**part) if "n_carried" in part else Function(**part)
        for name, part in found.items()
    }
    return make(signature, **parts)


def _names(make: Any, signature: Signature) -> tuple[str, ...] | None:
    """All that decides the machine code; None if that is not known."""
    if isinstance(signature.architecture, Model):
        return None  # its file may import others
    same = replace(signature, n_lanes=1, n_steps=1)
    features = binding.get_host_cpu_features().flatten()
    return make.__name__, repr(same), binding.get_host_cpu_name(), features


Kinds = Sequence[Sequence[Any]]  # pairs of a count and a dtype, as they also come from JSON


class Function:
    """Machine code that computes outputs from inputs, in every lane.

    Parameters
    ----------
    code : bytes
        An object file.
    inputs : sequence of (int, str)
        How many rows of inputs of one dtype follow each other, and the dtype.
    groups : sequence of (int, str)
        Rows and dtype of each group of outputs.
    width : int
        Lanes of a block.
    scratch_bytes : int
        Bytes of memory that it needs.
    """

    def __init__(
        self, code: bytes, inputs: Kinds, groups: Kinds, width: int, scratch_bytes: int
    ) -> None:
        self.made_of = {
            "code": code,
            "inputs": inputs,
            "groups": groups,
            "width": width,
            "scratch_bytes": scratch_bytes,
        }
        self._inputs, self._groups, self._width = inputs, groups, width
        self._scratch_bytes = scratch_bytes
        self._code, self._run = _loaded(code, 2)

    def __call__(self, *inputs: np.ndarray) -> list[np.ndarray]:
        """Compute the outputs.

        Parameters
        ----------
        *inputs : ndarray
            Each (n,), or (rows, n), of the dtypes that were compiled; any n.

        Returns
        -------
        list of ndarray
            Each (rows of the group, n).

        Raises
        ------
        ValueError
            If the inputs are not those that were compiled.
        """
        _check(inputs, self._inputs)
        n = inputs[0].shape[-1]
        if not n:
            return [np.empty((rows, 0), dtype) for rows, dtype in self._groups]
        more = -n % self._width  # lanes that fill the last block
        if more:
            inputs = tuple(
                np.pad(a, [(0, 0)] * (a.ndim - 1) + [(0, more)], mode="edge") for a in inputs
            )
        given = [np.ascontiguousarray(a) for a in inputs]
        outputs = [np.empty((rows, n + more), dtype) for rows, dtype in self._groups]
        sources, targets = _addresses(given), _addresses(outputs)
        scratch = _scratch(self._scratch_bytes)
        self._run(sources.ctypes.data, targets.ctypes.data, n + more, scratch.ctypes.data)
        return [output[:, :n] for output in outputs]


class Loop:
    """Machine code that repeats a step in every column until it halts there.

    Parameters
    ----------
    code : bytes
        An object file.
    inputs : sequence of (int, str)
        How many rows of inputs of one dtype follow each other, the carried ones first, and the
        dtype.
    others : sequence of (int, str)
        The same of the outputs that are not carried, without which columns halt.
    n_carried : int
        Rows that are carried.
    scratch_bytes : int
        Bytes of memory that it needs.
    """

    def __init__(
        self, code: bytes, inputs: Kinds, others: Kinds, n_carried: int, scratch_bytes: int
    ) -> None:
        self.made_of = {
            "code": code,
            "inputs": inputs,
            "others": others,
            "n_carried": n_carried,
            "scratch_bytes": scratch_bytes,
        }
        self._inputs, self._others, self._n_carried = inputs, others, n_carried
        self._scratch_bytes = scratch_bytes
        self._code, self._run = _loaded(code, 4)

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
        carried : ndarray, shape (n_carried, n)
            Any n; C-contiguous. Overwritten.
        steps : ndarray, shape (n,), int32
            Steps taken before; overwritten.
        limit : ndarray, shape (n,), int32
            The number of steps at which a column halts, whatever it holds.
        fixed : sequence of ndarray
            Each (n,), or (rows, n).
        others : sequence of ndarray
            Each (n,); overwritten, but not where ``steps`` was at its limit from the beginning.

        Raises
        ------
        ValueError
            If what is overwritten is not C-contiguous, or what is given is not as compiled.
        """
        if not all(array.flags.c_contiguous for array in (carried, steps, *others)):
            message = "an output is not C-contiguous; expected rows that lie one after the other"
            raise ValueError(message)
        kinds = [[2, "int32"], *self._inputs, *self._others]
        _check([steps, limit, carried, *fixed, *others], kinds)
        if len(carried) != self._n_carried:
            message = f"{len(carried)} rows are carried; expected {self._n_carried}"
            raise ValueError(message)
        if not len(steps):
            return
        given = [np.ascontiguousarray(array) for array in (limit, *fixed)]
        halted = np.empty(len(steps), bool)
        sources = _addresses([carried, *given[1:]])
        targets = _addresses([carried, halted, *others])
        clock, until = _addresses([steps, given[0]])
        scratch = _scratch(self._scratch_bytes)
        tables = sources.ctypes.data, targets.ctypes.data
        self._run(*tables, len(steps), clock, until, scratch.ctypes.data)


def _check(arrays: Sequence[np.ndarray], kinds: Kinds) -> None:
    """Refuse arrays of other dtypes, numbers of rows or lengths: machine code looks at none."""
    dtypes, wanted = [], []
    for a in arrays:
        dtypes += [str(a.dtype)] * (1 if a.ndim == 1 else len(a))
    for count, dtype in kinds:
        wanted += [dtype] * count
    if dtypes != wanted or len({a.shape[-1] for a in arrays}) > 1:
        message = (
            f"{len(dtypes)} rows of {', '.join(sorted(set(dtypes)))} and lengths "
            f"{sorted({a.shape[-1] for a in arrays})}; expected {len(wanted)} of "
            f"{', '.join(sorted(set(wanted)))} and one length, in the order that was compiled"
        )
        raise ValueError(message)


def _addresses(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Addresses of the rows of C-contiguous arrays."""
    rows = []
    for array in arrays:
        first = array.__array_interface__["data"][0]
        step = array.shape[-1] * array.itemsize
        rows.append(np.arange(first, first + array.nbytes, step, dtype=np.int64))
    return np.concatenate(rows)


def _scratch(n_bytes: int) -> np.ndarray:
    """Memory that begins with a cache line."""
    scratch = np.empty(n_bytes + CACHE_LINE, np.uint8)
    return scratch[-scratch.ctypes.data % CACHE_LINE :]


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


def assembled(text: str) -> bytes:
    """Compile a program to an object file for the processor of this machine."""
    machine = _machine()
    module = binding.parse_assembly(text)
    module.verify()
    # The code is written as it is to be. To combine instructions anew would only pack masks again.
    passes = binding.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    options = binding.create_pipeline_tuning_options()
    passes.run(module, binding.create_pass_builder(machine, options))
    return bytes(machine.emit_object(module))


def _loaded(code: bytes, n_numbers: int) -> tuple[Any, Any]:
    """Load an object file whose function takes two tables and so many numbers.

    Returns what owns the machine code, and the function.
    """
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * n_numbers)
    return engine, kind(engine.get_function_address(NAME))
