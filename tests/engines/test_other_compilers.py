"""What an experiment file accepts trains through JAX and Numba as in test_every_combination.py."""

from __future__ import annotations

import pytest
from support.combinations import Combination, OneUnit, SingleLayer, check, sample, smaller


def soon_compiled(each: Combination) -> Combination:
    """XLA takes long where weights are many: a hidden unit is enough, and none for L-BFGS."""
    return smaller(SingleLayer if each.optimizer == "lbfgs" else OneUnit, each)


# What Numba compiles takes it long, so it has one, of what has failed before.
NUMBA = SingleLayer("relu", "relu", "squared-error", "gradient-descent", "float32", "lanes")

CASES = [
    *(("pytensor-jax", soon_compiled(each)) for each in sample()),
    ("pytensor-numba", NUMBA),
]


@pytest.mark.parametrize(
    ("engine", "combination"), CASES, ids=map(" ".join, ((e, str(c)) for e, c in CASES))
)
def test_what_is_accepted_trains_as_plain_numpy_does(engine, combination) -> None:
    check(engine, combination)
