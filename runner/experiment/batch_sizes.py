"""Sizes of batches, of compiled calls and of recorded curves: rules of the experiment alone.

None of them looks at workers, at their number or at the time that anything took: the same
experiment has the same batches everywhere.
"""

from __future__ import annotations

import numpy as np

from runner.network.signature import Signature

CURVES_PER_CONFIGURATION = 200
"""Restarts per configuration whose loss curve is recorded, where a study has few configurations."""

MAX_CURVES = 100_000
"""Most restarts per configuration whose loss curve can be asked for."""

STEPS_PER_CALL = 100
"""Training steps of one call of a compiled function."""

_CURVES_PER_STUDY = 20_000

_BATCHES_PER_GROUP = 16  # aim: enough for a few workers, few enough that lanes are refilled often
_BATCH_S = 10.0  # longest a CPU should need for a batch in which no restart stops early
_SHARD_BYTES = 2**23  # largest shard before compression: client and workers hold several at once
_ROW_BYTES = 64  # of a shard, beside the weights
_PRODUCT_S = 2.5e-10  # seconds per weight, pattern and step of one lane in float32 on one CPU core

# Weights times patterns up to which every weight is a vector of its own. Above, SIMD code of
# matrices is as fast and compiles much sooner (as do other engines on CPUs). On a GPU small
# matrices are slow, and the limit is what can be compiled.
_MAX_UNROLLED = {"cpu": 100, "gpu": 800}


def layout_of(n_products: int, device: str) -> str:
    """Return the layout, `lanes` or `stacked`, that suits weights times patterns on a device."""
    return "lanes" if n_products <= _MAX_UNROLLED[device] else "stacked"


def n_lanes(layout: str, n_products: int, device: str) -> int:
    """Return the lanes of one call: its vectors fit into a CPU's cache, or fill a GPU."""
    if device == "gpu":
        size = 2**14 if layout == "stacked" else 2**17
        return max(256, size // max(1, n_products // 64))
    if layout != "stacked":
        return 1024
    # The power of two that is nearest to what keeps products times lanes constant.
    return int(2 ** np.clip(round(17 - np.log2(n_products)), 4, 7))


def step_s(n_products: int, dtype: str) -> float:
    """Estimate the seconds that one step of one restart takes on one CPU core."""
    return _PRODUCT_S * (2 if dtype == "float64" else 1) * n_products


def batch_size(signature: Signature, restart_s: float, n_restarts: int) -> int:
    """Return the restarts per batch of a group.

    Parameters
    ----------
    signature : Signature
        What is compiled for the group.
    restart_s : float, seconds
        What the group's longest restart may take.
    n_restarts : int
        Of all its configurations.
    """
    width = 4 if signature.dtype == "float32" else 8
    row_bytes = _ROW_BYTES + width * signature.architecture.n_parameters
    most = max(signature.n_lanes, min(int(_BATCH_S / restart_s), _SHARD_BYTES // row_bytes))
    return min(most, max(signature.n_lanes, -(-n_restarts // _BATCHES_PER_GROUP)))


def curves(n_configurations: int) -> int:
    """Return of how many restarts of each configuration the loss curve is recorded, by default."""
    return min(CURVES_PER_CONFIGURATION, max(1, _CURVES_PER_STUDY // n_configurations))
