"""What every engine gives: compiled functions of a signature, and how they are called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from runner.network.signature import Signature

if TYPE_CHECKING:
    from runner.engines.simd.fingerprint import Fingerprint


MAX_EXACT = 24
"""Parameters up to which all of a Hessian is looked at; beyond, the ends of its spectrum are."""

LANCZOS_STEPS = 32
"""Steps of Lanczos' method by which the ends of a larger Hessian's spectrum are found."""

DIFFERENCE = 6e-6
"""Of differences of gradients, relative to the largest parameter: eps ** (1/3)."""

UNSURE = 1e-9
"""A difference below this share of what it is the difference of may be rounding."""

MERGED = 0.05
"""Outputs nearer to each other than this share of the targets' range count as equal."""

AT_BOUND = 0.01
"""Outputs nearer to a bound of their range than this share of the range count as at it."""

MAX_GROUPS = 32
"""Groups of patterns with equal outputs that are looked for, the first ones in the table; patterns
beyond count as if their outputs were right. So many groups tell most patterns apart."""


@dataclass(frozen=True)
class Evaluation:
    """What is computed of endpoints in float64, and of one further epoch from them."""

    loss: np.ndarray
    """(n,): loss, the L2 term included."""
    gradient: np.ndarray
    """(n_parameters, n): gradient of the loss."""
    outputs: np.ndarray
    """(n_patterns * n_outputs, n): the network's outputs, pattern by pattern."""
    solved: np.ndarray
    """(n,) bool: every output on the right side."""
    moved: np.ndarray
    """(n_parameters, n): parameters after one further epoch."""
    next_loss: np.ndarray
    """(n,): loss there."""


Advance = Callable[
    [np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    tuple[np.ndarray, np.ndarray, np.ndarray],
]
"""``(state, steps, limit, hyper, targets) -> (state, steps, solved)``, see `Compiled.advance`."""

Record = Callable[
    [np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
]
"""``(state, limit, hyper, targets, at, places) -> (state, steps, solved, points)``, see
`Compiled.record`."""

Evaluate = Callable[[np.ndarray, np.ndarray, np.ndarray], Evaluation]
"""``(state, hyper, targets) -> Evaluation``, see `Compiled.evaluate`."""

Look = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""``(state, hyper, targets) -> (loss, gradient)``, see `Compiled.look`."""

ValuesAt = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""``(parameters, hyper, targets) -> (loss, gradient, outputs)``, as `Evaluation` has them."""

Losses = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``(state, hyper, targets) -> loss``, see `Compiled.losses`."""

Bounds = Callable[..., tuple[np.ndarray, np.ndarray]]
"""``(parameters, hyper, targets, least, enough) -> (bounded, unsure)``, see `Compiled.bounds`."""

Lanczos = Callable[..., tuple[np.ndarray, np.ndarray]]
"""``(parameters, hyper, targets, begin, least) -> (matrices, steps)``, see `Compiled.lanczos`."""

SharedOutputs = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""``(outputs, targets) -> (values, some_merged, all_merged)``, see `Compiled.shared_outputs`."""


Product = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""``(parameters, directions, hyper, targets) -> products``, see `Measured.product`."""


@dataclass(frozen=True)
class Compiled:
    """The compiled functions that train one signature."""

    signature: Signature
    """What was compiled."""
    advance: Advance
    """Makes ``n_steps`` epochs of ``n_lanes`` lanes. state (n_rows, n_lanes), hyper
    (len(HYPERPARAMETERS), n_lanes) and targets (n_targets, n_lanes) have the signature's dtype,
    steps, epochs made, and limit (n_lanes,) are int32,
    solved (n_lanes,) is bool and says whether a lane that halted before its limit was solved."""
    evaluate: Evaluate
    """Arguments of the same shapes, all float64."""
    compile_s: float
    """Seconds that building and compiling took."""
    any_lanes: bool = False
    """Whether both take any number of lanes, and ``advance`` goes on until all have halted; the
    arrays that it returns are then the caller's."""
    record: Record | None = None
    """Does what ``advance`` does from step 0 on, to the bit, and keeps parameters on the way:
    of a lane whose ``places`` (n_lanes,) int32 is not -1, in that column of points (m,
    n_parameters, k) after ``at`` (m,) int64 epochs, rising; not set where it halts before, or at
    its limit. None where lanes have to pause for that."""
    programs: Mapping[str, Fingerprint] | None = None
    """Fingerprints of the programs of vector code by name; None where there is none."""
    look: Look | None = None
    """The loss and the gradient of ``evaluate`` alone, to the bit, from its arguments; None where
    that is no quicker."""
    losses: Losses | None = None
    """The loss alone, likewise; of a state in float32, too."""
    bounds: Bounds | None = None
    """Whether the Hessian's lowest eigenvalue reaches ``least`` (n,) and its highest ``enough``
    (n,), and where that is left to all eigenvalues, as rounding could decide; (n,) bool each. What
    `runner.training.curvature_bounds` tells of columns, to the bit; None where it has to."""
    shared_outputs: SharedOutputs | None = None
    """The outputs (n_targets, n) that the level is of, and what else `runner.training.levels` finds
    of outputs and targets, to the bit; None where it has to."""
    lanczos: Lanczos | None = None
    """Steps of Lanczos' method with the Hessian, from ``begin`` (m, n) of parameters that can move
    on, until the lowest eigenvalue of their matrix is below ``least`` (n,) but for rounding, or
    `LANCZOS_STEPS` are made: the matrices' upper triangles, column by column, and the steps made
    (n,). What `runner.training.hessians` computes, to the bit; None where it has to."""


@dataclass(frozen=True)
class Measured:
    """The compiled functions that evaluate endpoints of one signature, in float64."""

    signature: Signature
    """What was compiled, a `Signature.measured`: its state is the parameters alone."""
    values: ValuesAt
    """Arguments of the shapes of `Compiled.evaluate`'s, all float64."""
    product: Product
    """The loss's Hessian times a direction per lane; parameters, directions and products are
    (n_parameters, n_lanes), hyper and targets as in `Compiled`."""
    any_lanes: bool = False
    """Whether both take any number of lanes."""


class Engine(Protocol):
    """What a module of this room defines to be an engine.

    Notes
    -----
    For who adds one: write ``runner/engines/NAME.py`` with these functions, and name it in
    `runner.engines.registry.ENGINES` (``NAME-VARIANT`` is served by the module ``NAME``). The
    module is imported only where a function is compiled, so that the command line starts without
    its packages. The symbolic network is handed the engine's tensor namespace and must not be
    written again. The results of a lane must not depend on the other lanes, to the bit;
    `tests/engines/test_registry.py` holds every engine of `ENGINES` to that.
    """

    def compile(self, engine: str, signature: Signature, device: str) -> Compiled:
        """Compile what trains a signature on a kind of device."""
        ...

    def measure(self, engine: str, signature: Signature, device: str) -> Measured:
        """Compile what evaluates endpoints of a signature, a `Signature.measured`."""
        ...

    def trace(self, signature: Signature, parameters: np.ndarray) -> list[np.ndarray]:
        """Evaluate `Step.trace` at parameters (n_parameters, n), in float64."""
        ...

    def interpreted(self, signature: Signature) -> Evaluate:
        """Return what evaluates a signature in float64 for few calls, without compiling."""
        ...
