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
from functools import lru_cache

import numpy as np
from llvmlite import binding

from runner.engines.simd.artifact import Artifact, Interface, Kind, Program
from runner.engines.simd.memory import PERIOD
from runner.engines.simd.scratch import Scratch
from runner.engines.simd.vectors import CACHE_LINE, NAME


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
        given, outputs = [_in_rows(array) for array in inputs], self._outputs(n)
        sources, targets = _addresses(given), _addresses(outputs)
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


class Loop:
    """Machine code that repeats a step in every column until it halts there.

    Parameters
    ----------
    artifact : Artifact
        Of the kind ``loop``, or ``threads``, of which one thread then serves all columns.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._interface = _of_kind(("loop", "threads"), artifact)
        self._owner, self._run = _loaded(artifact.code, n_numbers=4)
        # threads have theirs on their stacks
        needed = self._interface.scratch_bytes if self._interface.kind == "loop" else 0
        self._scratch = Scratch(needed)

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
            Any n; the numbers of a row follow each other. Overwritten. See `apart`.
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
            If rows of what is overwritten have gaps, or what is given is not as compiled.
        """
        check_loop(self._interface, carried, steps, limit, fixed, others)
        if not len(steps):
            return
        given = [_in_rows(limit), *map(_spaced, fixed)]
        halted = np.empty(len(steps), bool)
        sources = _addresses([carried, *given[1:]])
        targets = _addresses([carried, halted, *others])
        clock, until = _addresses([steps, given[0]])
        next_column = np.zeros(1, np.int64)  # which threads share
        tables = sources.ctypes.data, targets.ctypes.data
        with self._scratch.lent() as scratch:
            memory = next_column if self._interface.kind == "threads" else scratch
            self._run(*tables, len(steps), clock, until, memory.ctypes.data)


def check_loop(
    interface: Interface,
    carried: np.ndarray,
    steps: np.ndarray,
    limit: np.ndarray,
    fixed: Sequence[np.ndarray],
    others: Sequence[np.ndarray],
) -> None:
    """Raise ValueError as `Loop` says."""
    if not all(_has_no_gaps(array) for array in (carried, steps, *others)):
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


def apart(array: np.ndarray) -> np.ndarray:
    """Copy an array (rows, n) to memory in which its rows do not begin at equal places of pages.

    Columns are served one by one, a number of each row, and where rows begin `PERIOD` apart, all
    of these compete for the same few lines of the cache.
    """
    rows, n = array.shape
    more = CACHE_LINE // array.itemsize if n * array.itemsize % PERIOD == 0 else 0
    copy = np.empty((rows, n + more), array.dtype)[:, :n]
    copy[:] = array
    return copy


def _spaced(array: np.ndarray) -> np.ndarray:
    """Return an array as it is, or a copy where its rows have gaps or begin at equal places."""
    at_equal_places = array.ndim > 1 and len(array) > 1 and array.strides[0] % PERIOD == 0
    return apart(array) if at_equal_places else _in_rows(array)


def _in_rows(array: np.ndarray) -> np.ndarray:
    """Return an array as it is, or a copy where its rows have gaps."""
    return array if _has_no_gaps(array) else np.ascontiguousarray(array)


def _has_no_gaps(array: np.ndarray) -> bool:
    """Whether the numbers of each row follow each other."""
    return array.shape[-1] < 2 or bool(array.strides[-1] == array.itemsize)


def _row_bytes(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Bytes of a number of each row of arrays."""
    counts = [1 if array.ndim == 1 else len(array) for array in arrays]
    return np.repeat([array.itemsize for array in arrays], counts)


def _addresses(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Addresses of the rows of arrays, in each of which numbers follow each other; read-only."""
    places = []
    for array in arrays:
        first = array.__array_interface__["data"][0]
        places.append((first, 1, 1) if array.ndim == 1 else (first, len(array), array.strides[0]))
    return _rows_from(tuple(places))


@lru_cache(maxsize=16)  # a network of matrices has 100,000 rows, and calls use the same memory
def _rows_from(places: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """Addresses that begin somewhere, so many, so many bytes apart, one run after the other."""
    rows = [np.arange(first, first + step * count, step) for first, count, step in places]
    table = np.concatenate(rows) if rows else np.empty(0, np.int64)  # a step without settings
    table.flags.writeable = False
    return table


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
