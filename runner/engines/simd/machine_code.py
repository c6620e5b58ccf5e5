"""Machine code by LLVM: a program's text becomes an `Artifact`, and that a Python callable.

An array compiler makes a loop of every few operations of a step, each of which carries its vectors
through memory. Here the loop over steps is outside: a block of lanes stays in registers, or in the
cache, until one of its restarts is done. Compiling takes tenths of a second.

Training takes nothing from the processor but additions, multiplications, divisions, square roots
and fused multiply-adds, which IEEE 754 rounds exactly. So its bits depend neither on the width of
the vectors nor on a mathematical library.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from llvmlite import binding

from runner.engines.simd.artifact import NEVER, Artifact, Interface, Kind, Program
from runner.engines.simd.row_memory import addresses, has_no_gaps, in_rows, spaced
from runner.engines.simd.scratch import Scratch
from runner.engines.simd.vectors import NAME


class Function:
    """Machine code that computes outputs from inputs, in every lane.

    Parameters
    ----------
    artifact : Artifact
        Of the kind ``function``.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._interface = _of_kind(("function",), artifact)
        self._owner, self._run = _loaded(artifact.code, n_numbers=2)
        self._scratch = Scratch(self._interface.scratch_bytes)

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
        _check(inputs, self._interface.inputs)
        n = inputs[0].shape[-1]
        if not n:
            return self._outputs(0)
        width = self._interface.width
        if n < width:  # a block of its own, filled with copies of the last lane
            filled = [_padded(array, width - n) for array in inputs]
            return [np.ascontiguousarray(output[:, :n]) for output in self(*filled)]
        given, outputs = [in_rows(array) for array in inputs], self._outputs(n)
        sources, targets = addresses(given), addresses(outputs)
        whole = n - n % width
        with self._scratch.lent() as scratch:
            memory = scratch.ctypes.data
            self._run(sources.ctypes.data, targets.ctypes.data, whole, memory)
            if n > whole:  # the last block overlaps the one before, and computes the same there
                sources = sources + (n - width) * _row_bytes(given)
                targets = targets + (n - width) * _row_bytes(outputs)
                self._run(sources.ctypes.data, targets.ctypes.data, width, memory)
        return outputs

    def _outputs(self, n: int) -> list[np.ndarray]:
        """Memory for all groups of outputs."""
        return [np.empty((rows, n), dtype) for rows, dtype in self._interface.outputs]


@dataclass(frozen=True)
class Recording:
    """What a loop writes down of some columns on its way: the first rows of what is carried."""

    at: np.ndarray
    """(m,) int64: after how many steps of the call, rising from 0 or more."""
    places: np.ndarray
    """(n,) int32: which column of ``points`` each column has; -1 for none."""
    points: np.ndarray
    """(m, rows, k), of the dtype of these rows: overwritten, but not where a column halts before,
    or has no steps left then."""


class Loop:
    """Machine code that repeats a step in every column until it halts there.

    Parameters
    ----------
    artifact : Artifact
        Of the kind ``loop`` or ``recording``, or ``threads``, of which one thread then serves all
        columns.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._interface = _of_kind(("loop", "recording", "threads"), artifact)
        self._records = self._interface.kind == "recording"
        self._owner, self._run = _loaded(artifact.code, n_numbers=5 if self._records else 4)
        # threads have theirs on their stacks
        needed = 0 if self._interface.kind == "threads" else self._interface.scratch_bytes
        self._scratch = Scratch(needed)

    def __call__(
        self,
        carried: np.ndarray,
        steps: np.ndarray,
        limit: np.ndarray,
        fixed: Sequence[np.ndarray],
        others: Sequence[np.ndarray],
        recording: Recording | None = None,
    ) -> None:
        """Repeat the step.

        Parameters
        ----------
        carried : ndarray, shape (n_carried, n)
            Any n; the numbers of a row follow each other. Overwritten. See `apart`.
        steps : ndarray, shape (n,), int32
            Steps taken before; overwritten.
        limit : ndarray, shape (n,), int32
            The number of steps at which a column halts, whatever it holds.
        fixed : sequence of ndarray
            Each (n,), or (rows, n).
        others : sequence of ndarray
            Each (n,); overwritten, but not where ``steps`` was at its limit from the beginning.
        recording : Recording, optional
            For the kind ``recording``.

        Raises
        ------
        ValueError
            If rows of what is overwritten have gaps, or what is given is not as compiled.
        """
        check_loop(self._interface, carried, steps, limit, fixed, others)
        if recording is not None:
            self._check_recording(recording, carried)
        if not len(steps):
            return
        given = [in_rows(limit), *map(spaced, fixed)]
        halted = np.empty(len(steps), bool)
        sources = addresses([carried, *given[1:]])
        targets = addresses([carried, halted, *others])
        clock, until = addresses([steps, given[0]])
        next_column = np.zeros(1, np.int64)  # which threads share
        tables = sources.ctypes.data, targets.ctypes.data
        told = _told(recording or _nothing(len(steps))) if self._records else ()
        with self._scratch.lent() as scratch:
            memory = next_column if self._interface.kind == "threads" else scratch
            more = (array.ctypes.data for array in (*told[:1], memory))
            self._run(*tables, len(steps), clock, until, *more)

    def _check_recording(self, recording: Recording, carried: np.ndarray) -> None:
        """Refuse what would be written elsewhere: machine code looks at nothing."""
        at, places, points = recording.at, recording.places, recording.points
        _, rows, k = points.shape
        if not (
            self._records
            and at.dtype == np.int64
            and len(at) == len(points)
            and (np.diff(at, prepend=0)[1:] > 0).all()
            and (at >= 0).all()
            and places.dtype == np.int32
            and places.shape == carried.shape[1:]
            and (places < k).all()
            and points.dtype == carried.dtype
            and 0 < rows <= len(carried)
            and has_no_gaps(points)
        ):
            message = (
                f"{len(points)} points of {rows} rows for {k} of {len(places)} columns are to be "
                f"recorded at {at}; expected a loop that records, rising steps and places for all"
            )
            raise ValueError(message)


def _told(recording: Recording) -> tuple[np.ndarray, ...]:
    """What `runner.engines.simd.lane_recording` is told, and the arrays that it points to."""
    rows = recording.points.shape[1]
    steps = np.append(np.diff(recording.at, prepend=0), NEVER)
    rows_of_points = addresses(list(recording.points)) if recording.points.size else np.zeros(1)
    kept = steps, np.ascontiguousarray(recording.places), rows_of_points
    return np.array([rows, *(array.ctypes.data for array in kept)], np.int64), *kept


def _nothing(n: int) -> Recording:
    """A recording of none of n columns."""
    return Recording(np.zeros(0, np.int64), np.full(n, -1, np.int32), np.zeros((0, 0, 0)))


def check_loop(
    interface: Interface,
    carried: np.ndarray,
    steps: np.ndarray,
    limit: np.ndarray,
    fixed: Sequence[np.ndarray],
    others: Sequence[np.ndarray],
) -> None:
    """Raise ValueError as `Loop` says."""
    if not all(has_no_gaps(array) for array in (carried, steps, *others)):
        message = "rows of an output have gaps; expected numbers that lie one after the other"
        raise ValueError(message)
    kinds = [(2, "int32"), *interface.inputs, *interface.outputs]
    _check([steps, limit, carried, *fixed, *others], kinds)
    if len(carried) != interface.n_carried:
        message = f"{len(carried)} rows are carried; expected {interface.n_carried}"
        raise ValueError(message)


def _check(arrays: Sequence[np.ndarray], rows: Sequence[tuple[int, str]]) -> None:
    """Refuse arrays of other dtypes, numbers of rows or lengths: machine code looks at none."""
    given = tuple((1 if a.ndim == 1 else len(a), a.dtype.str) for a in arrays)
    if not _agree(given, tuple(rows)) or len({a.shape[-1] for a in arrays}) > 1:
        dtypes = [str(a.dtype) for a in arrays for _ in range(1 if a.ndim == 1 else len(a))]
        wanted = [dtype for count, dtype in rows for _ in range(count)]
        message = (
            f"{len(dtypes)} rows of {', '.join(sorted(set(dtypes)))} and lengths "
            f"{sorted({a.shape[-1] for a in arrays})}; expected {len(wanted)} of "
            f"{', '.join(sorted(set(wanted)))} and one length, in the order that was compiled"
        )
        raise ValueError(message)


@lru_cache(maxsize=256)
def _agree(given: tuple[tuple[int, str], ...], expected: tuple[tuple[int, str], ...]) -> bool:
    """Whether rows of coded dtypes are the expected ones of named dtypes."""
    return _runs(given) == _runs((count, np.dtype(dtype).str) for count, dtype in expected)


def _runs(rows: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return numbers of rows, those of one dtype that follow each other counted together."""
    runs: list[tuple[int, str]] = []
    for count, dtype in rows:
        if runs and runs[-1][1] == dtype:
            runs[-1] = (runs[-1][0] + count, dtype)
        elif count:
            runs.append((count, dtype))
    return runs


def _padded(array: np.ndarray, more: int) -> np.ndarray:
    """Repeat the last column; what `numpy.pad` does, in a tenth of the time."""
    n = array.shape[-1]
    wide = np.empty((*array.shape[:-1], n + more), array.dtype)
    wide[..., :n], wide[..., n:] = array, array[..., -1:]
    return wide


def _row_bytes(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Bytes of a number of each row of arrays."""
    counts = [1 if array.ndim == 1 else len(array) for array in arrays]
    return np.repeat([array.itemsize for array in arrays], counts)


def _machine() -> binding.TargetMachine:
    """LLVM for the processor of this machine; an execution engine becomes its owner."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    return binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(),
        features=binding.get_host_cpu_features().flatten(),
        opt=2,
        jit=True,
    )


@lru_cache(maxsize=16)
def assemble(program: Program) -> Artifact:
    """Compile a program for the processor of this machine.

    Kept, as networks that differ in their optimizer or dtype alone have most programs in common.
    """
    return Artifact(assembled(program.text), program.interface, program.fingerprint)


def assembled(text: str, machine: binding.TargetMachine | None = None) -> bytes:
    """Compile a program's text to an object file: for this processor, if for no other."""
    machine = machine or _machine()
    module = binding.parse_assembly(text)
    module.verify()
    # The code is written as it is to be. To combine instructions anew would only pack masks again.
    passes = binding.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_simplify_cfg_pass()
    options = binding.create_pipeline_tuning_options()
    passes.run(module, binding.create_pass_builder(machine, options))
    return bytes(machine.emit_object(module))


def _of_kind(kinds: tuple[Kind, ...], artifact: Artifact) -> Interface:
    """The interface of an artifact; calling machine code in another way would crash the process."""
    if artifact.interface.kind not in kinds:
        message = f"the machine code is a {artifact.interface.kind}; expected a {kinds[0]}"
        raise ValueError(message)
    return artifact.interface


def _loaded(code: bytes, n_numbers: int) -> tuple[object, Callable[..., None]]:
    """Load an object file whose function takes two tables and so many numbers.

    Returns what owns the machine code, and the function.
    """
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), _machine())
    engine.add_object_file(binding.ObjectFileRef.from_data(code))
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, *[ctypes.c_int64] * n_numbers)
    return engine, kind(engine.get_function_address(NAME))


def processor() -> tuple[str, str]:
    """Return the name and the features of this machine's processor, which decide machine code."""
    return binding.get_host_cpu_name(), binding.get_host_cpu_features().flatten()
