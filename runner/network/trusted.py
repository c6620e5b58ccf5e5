"""The only place that executes a user's file, and only where the client asked for it."""

from __future__ import annotations

import linecache
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from runner.errors import ExperimentError
from runner.errors.messages import printable, shown
from runner.network.architecture import LossKind, Tensor
from runner.network.layouts import Lanes
from runner.network.model import Model, untrusted

RETURNS = "(loss, outputs)"
"""What a model's function returns."""


@dataclass(frozen=True, eq=False)
class Trusted(Lanes):
    """Lanes whose outputs and loss a user's function makes; parameters are vectors as in `Lanes`.

    Notes
    -----
    The loss comes along with the outputs, so it stands where other layouts have pre-activations.
    """

    architecture: Model

    def forward(
        self, T: Any, group: Sequence[Tensor], targets: Sequence[Tensor] = ()
    ) -> tuple[list[Tensor], list[Tensor]]:
        model = self.architecture
        function = _function(model)
        rows = len(self.patterns), model.n_outputs
        patterns = tuple(tuple(float(x) for x in pattern) for pattern in self.patterns)
        wanted = tuple(tuple(targets[p * rows[1] : (p + 1) * rows[1]]) for p in range(rows[0]))
        with _explained(model):
            result = function(T, _parameters(model, group), patterns, wanted)
            if not isinstance(result, tuple) or len(result) != 2:
                raise _Unfit(f"what it returns is {_kind(result)}", RETURNS)
            loss, outputs = result
            shape = [_length(row) for row in outputs] if _length(outputs) >= 0 else None
            if shape != [rows[1]] * rows[0]:
                state = _kind(outputs) if shape is None else f"in rows of {shown(shape)}"
                rule = f"a row for each of the {rows[0]:,} patterns with {rows[1]:,} in each"
                raise _Unfit(f"outputs is {state}", rule)
            named = {"loss": loss} | {
                f"outputs[{p}][{o}]": y for p, row in enumerate(outputs) for o, y in enumerate(row)
            }
            cast = [self._vector(T, name, tensor) for name, tensor in named.items()]
        return cast[:1], cast[1:]

    def _vector(self, T: Any, name: str, tensor: Any) -> Tensor:
        """Return what the function made as a vector over lanes of the right dtype."""
        vector = T.as_tensor_variable(tensor)
        if vector.ndim != 1:
            state = f"{name} has {vector.ndim} dimensions"
            raise _Unfit(state, "a vector over lanes, made of the parameters")
        return T.cast(vector, self.dtype)

    def layers(self, T: Any, group: Sequence[Tensor], pattern: Sequence[float]) -> Iterator[Any]:
        message = f"the layers of {self.architecture.name} are not known"
        raise TypeError(message)

    def loss(
        self,
        T: Any,
        kind: LossKind,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
    ) -> Tensor:
        return pre[0]

    def seeds(
        self,
        T: Any,
        kind: LossKind,
        pre: Sequence[Tensor],
        out: Sequence[Tensor],
        targets: Sequence[Tensor],
        factor: Any,
    ) -> list[tuple[Tensor, Tensor]]:
        return [(pre[0], T.ones_like(pre[0]))]


def _parameters(model: Model, group: Sequence[Tensor]) -> Mapping[str, np.ndarray]:
    """Arrays of vectors over lanes, by name."""
    named = {}
    for (name, _), (rows, shape) in zip(model.shapes, model.blocks(), strict=True):
        array = np.empty(rows.stop - rows.start, object)
        for place, row in enumerate(range(rows.start, rows.stop)):
            array[place] = group[row]
        named[name] = array.reshape(shape)
    return named


def _function(model: Model) -> Callable[..., Any]:
    """Execute the file, and return its function."""
    if not model.trusted:
        raise untrusted(model.name)
    # so that tracebacks show its lines, also where there is no such file
    lines = model.source.splitlines(keepends=True)
    linecache.cache[model.file] = len(model.source), None, lines, model.file
    namespace: dict[str, Any] = {"__name__": "model", "__file__": model.file}
    with _explained(model):
        exec(compile(model.source, model.file, "exec"), namespace)  # noqa: S102
        function = namespace[model.function]
    return function  # type: ignore[no-any-return]


class _Unfit(Exception):
    """What the function returned does not fit."""

    def __init__(self, state: str, rule: str) -> None:
        super().__init__(f"{state}; expected {rule}")


@contextmanager
def _explained(model: Model) -> Iterator[None]:
    """Turn what the file raises into an error with its line."""
    where = printable(model.name)
    try:
        yield
    except _Unfit as error:
        message = f"{where}: {error}. Mend the function."
        raise ExperimentError(message) from None
    except (Exception, SystemExit) as error:
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == model.file]
        line = f"line {lines[-1]} raises" if lines else "it raises"
        reason = shown(str(error))[1:-1]
        message = (
            f"{where}: {line} {type(error).__name__}: {reason}; expected {RETURNS}. "
            "Mend the function."
        )
        raise ExperimentError(message) from error


def _length(value: Any) -> int:
    """Items of a list, a tuple or an array; -1 for anything else."""
    return len(value) if isinstance(value, list | tuple | np.ndarray) else -1


def _kind(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return f"a {type(value).__name__}"
