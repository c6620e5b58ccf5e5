"""Which endpoints are joined by paths, and between which of them a curve is trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from support.crafted import crafted

from runner.landscape.analysis_plan import AnalysisPlan
from runner.landscape.class_tables import Classified
from runner.landscape.endpoint_pairs import choose_pairs
from runner.landscape.options import AnalysisOptions

KINDS = ("solved", "plateau", "minimum", "solved", "solved")
"""Of five classes, the largest first; restart k is in class k."""
ONE_PAIR = 2 * 9 * 4 * 33 * 400
"""Products of nine weights and four patterns at 33 points in 400 steps, for both rows of a pair."""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("pairs") / "s"
    return crafted(path, {0: [9] * 5}, {0: [True] * 5})


def chosen(study, **options) -> pd.DataFrame:
    plan = AnalysisPlan(study, study.plan, AnalysisOptions(**options))
    (configuration,) = study.plan.configurations
    frame = study.weights.reset_index().assign(loss=0.1)
    rows = [{"restart": k, "kind": kind} for k, kind in enumerate(KINDS)]
    classified = Classified(configuration, 0, frame, np.arange(5), rows)
    return choose_pairs(plan, {0: classified})[0]


def ends(pairs: pd.DataFrame) -> list[tuple[int, int]]:
    return list(pairs[["restart_a", "restart_b"]].itertuples(index=False, name=None))


@pytest.mark.parametrize(
    ("products", "expected"),
    [
        (1, [(0, 2)]),  # one pair always has a curve
        (ONE_PAIR, [(0, 2)]),
        (2 * ONE_PAIR - 1, [(0, 2)]),
        (3 * ONE_PAIR, [(0, 2), (0, 3), (2, 3)]),
        (10**10, [(0, 2), (0, 3), (0, 4), (2, 3), (2, 4), (3, 4)]),
    ],
)
def test_curves_are_of_the_largest_classes_that_their_products_allow(
    study, products, expected
) -> None:
    pairs = chosen(study, curve_products=products)
    assert ends(pairs[pairs["curved"]]) == expected


def test_representatives_are_joined_each_with_each_and_samples_two_by_two(study) -> None:
    pairs = chosen(study, representatives=3)
    assert ends(pairs.query("pairs == 'representatives'")) == [(0, 1), (0, 2), (1, 2)]
    assert ends(pairs.query("pairs == 'sample'")) == [(0, 1), (2, 3)]  # an odd one is left over
    assert not pairs.query("pairs == 'sample'")["curved"].any()


def test_endpoints_with_other_frozen_weights_are_no_pair(study) -> None:
    plan = AnalysisPlan(study, study.plan, AnalysisOptions())
    (whole,) = study.plan.configurations
    network = whole.settings.network.model_copy(update={"freeze": ("W1",)})
    settings = whole.settings.model_copy(update={"network": network})
    frame = study.weights.reset_index().assign(loss=0.1)
    frozen = [name for name in frame if name.startswith("W1")]
    frame[frozen] = [[float(k in (1, 3))] * len(frozen) for k in range(5)]
    rows = [{"restart": k, "kind": kind} for k, kind in enumerate(KINDS)]
    classified = Classified(replace(whole, settings=settings), 0, frame, np.arange(5), rows)
    found = ends(choose_pairs(plan, {0: classified})[0])
    assert found == [(0, 2), (0, 4), (1, 3), (2, 4)]
