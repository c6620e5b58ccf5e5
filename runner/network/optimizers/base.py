"""What an update rule is given, what it returns, and what it says of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar, Final

from runner.network.tensors import Namespace, Tensor

_NONE: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True)
class Point:
    """Everything a rule may use: one step's inputs, per lane."""

    T: Namespace
    """The engine's tensor namespace."""
    dtype: str
    """Of every floating-point tensor here."""
    parameters: Sequence[Tensor]
    """The parameters, in the layout's own tensors."""
    gradients: Sequence[Tensor]
    """The loss's gradient, shaped like the parameters."""
    slots: Sequence[Sequence[Tensor]]
    """The rule's state, each slot shaped like the parameters."""
    counters: Sequence[Tensor]
    """The rule's numbers per lane."""
    rate: Tensor
    """Learning rate per lane."""
    momentum: Tensor
    """Momentum per lane."""
    spread: Callable[[Tensor, Tensor], Tensor]
    """Makes a per-lane vector broadcast against a tensor."""
    add: Callable[[Sequence[Tensor]], Tensor]
    """Sums tensors shaped like the parameters to one number per lane."""
    loss: Callable[[Sequence[Tensor]], Tensor]
    """The loss per lane, the L2 term included, at given parameters."""
    patterns: Sequence[Sequence[float]]
    """The input patterns, for a rule that takes them one by one."""
    targets: Sequence[Tensor]
    """The layout's target tensors, likewise."""
    constants: Mapping[str, float] = field(default_factory=dict)
    """The rule's constants; without an entry, the default of `Optimizer.constants` holds."""

    def fixed(self, rule: Optimizer, name: str) -> float:
        """Return one of a rule's constants."""
        return self.constants.get(name, rule.constants[name])


@dataclass(frozen=True)
class Update:
    """What one step makes of parameters, slots and counters."""

    parameters: list[Tensor]
    """Moved parameters, in the order of `Point.parameters`."""
    slots: list[list[Tensor]]
    """New slots; as many as `Optimizer.n_slots`."""
    counters: list[Tensor]
    """New counters; as many as `Optimizer.counters`."""


class Optimizer(ABC):
    """An update rule and the state that it keeps.

    Notes
    -----
    For who adds one: write ``runner/network/optimizers/NAME.py`` with a subclass, name it in
    `runner.network.optimizers.registry.OPTIMIZERS`, and allow the name in
    `runner.experiment.fields.training.Training`. State is *slots*, which are tensors shaped like
    the parameters, 0 at the start, and *counters*, which are numbers of a lane.

    The rule must be elementwise over lanes, and may use of ``T`` only what every engine has and
    `runner.engines.simd` has vector code for; constants are made with
    `runner.network.tensors.constant`, or a float32 step becomes float64. Hyperparameters come per
    lane, so that one compiled function serves every learning rate of a grid; one beside rate and
    momentum has to be added to `runner.network.signature.HYPERPARAMETERS` first.

    ``tests/network/test_step.py`` compares every rule of the registry with a plain NumPy one, which
    belongs into ``tests/support/plain.py``.
    """

    constants: ClassVar[Mapping[str, float]] = _NONE
    """Its constants, which an experiment file can set, by their names there, and what they are
    where it does not. They are compiled in; a hyperparameter differs from restart to restart."""
    takes_momentum: ClassVar[bool] = False
    """Whether it looks at the hyperparameter momentum."""
    n_slots: ClassVar[int] = 0
    """Slots."""
    counters: ClassVar[tuple[float, ...]] = ()
    """Starting values of the counters."""
    slot_from_rate: ClassVar[int | None] = None
    """The slot that starts at the learning rate instead of 0, if any."""
    columns: ClassVar[tuple[str, ...]] = ()
    """Columns of the shards that the first counters are stored in, as whole numbers."""
    needs_whole_loss: ClassVar[bool] = False
    """Whether it compares losses, so that all updates must be of the same patterns."""
    by_pattern: ClassVar[bool] = False
    """Whether it takes one pattern after the other: for a single layer, every weight on its own."""

    follows_size: ClassVar[bool] = True
    """Whether steps shrink as the gradient does, near enough for the way away from a saddle to be
    forecast with ``rate = |step| / |gradient|``."""

    @abstractmethod
    def update(self, at: Point) -> Update:
        """Build the update of one step."""
