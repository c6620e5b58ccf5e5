"""A custom model: what its file declares. `runner.network.custom.execution` alone executes it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from runner.errors import ExperimentError
from runner.errors.messages import shown
from runner.network.architecture import Network


@dataclass(frozen=True)
class CustomModel(Network):
    """A network that a user's function computes, its loss included.

    Notes
    -----
    Made by `runner.network.custom.source.make_model`. Its layers are not known, and so neither its
    symmetries nor exact levels of its loss.
    """

    n_inputs: int
    """Inputs of the network."""
    n_outputs: int
    """Outputs of the network."""
    name: str
    """``FILE.py:FUNCTION``, as the user wrote it."""
    source: str
    """The file's text."""
    shapes: tuple[tuple[str, tuple[int, ...]], ...]
    """Names and shapes of the parameters, as declared."""
    is_trusted: bool = False
    """Whether the client asked for it to be executed."""

    layouts: ClassVar[tuple[str, ...]] = ("custom",)
    executes_file: ClassVar[bool] = True

    @property
    def title(self) -> str:
        """What it is called: file and function."""
        return self.name

    @property
    def starts_shape(self) -> Sequence[tuple[int, int]]:
        """As one layer without inputs: the starts depend on the number of parameters alone."""
        return ((self.n_parameters, 0),)

    @property
    def parameter_shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shapes as declared."""
        return tuple(shape for _, shape in self.shapes)

    @property
    def array_names(self) -> tuple[str, ...]:
        """Names as declared."""
        return tuple(name for name, _ in self.shapes)

    @property
    def file(self) -> str:
        """The file, as the user wrote it."""
        return self.name.rpartition(":")[0]

    @property
    def function(self) -> str:
        """What the function is called in it."""
        return self.name.rpartition(":")[2]

    @property
    def sha256(self) -> str:
        """Of the file's text, in UTF-8."""
        return hashlib.sha256(self.source.encode()).hexdigest()

    def canonical(self) -> dict[str, str]:
        """Return what identifies the model, ready for JSON; where the file lies plays no part."""
        return {"sha256": self.sha256, "function": self.function}


def untrusted(name: str) -> ExperimentError:
    """Return the error of a model that the client did not ask to execute."""
    return ExperimentError(
        f"network.model is {shown(name)}, code that runs with your rights on every worker; "
        "expected a file that you trust. Read it, then pass --trust-model to allow it (in Python "
        "trust_model=True)."
    )
