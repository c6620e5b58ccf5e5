"""Given weights: the lecture's hand-made networks, and agreement with trained endpoints."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import runner
from runner.errors import ExperimentError


def single(gate: str) -> dict:
    return {"name": "hand", "problem": {"gate": gate}, "network": {"hidden": []}}


def logistic(z):
    return 1 / (1 + np.exp(-np.asarray(z, float)))


@pytest.mark.parametrize(
    ("gate", "weights", "expected"),
    [("AND", [10, 10, -15], [-15, -5, -5, 5]), ("OR", [20, 20, -15], [-15, 5, 5, 25])],
)
def test_a_unit_by_hand_has_the_lectures_pre_activations(gate, weights, expected) -> None:
    reference = runner.reference(single(gate), weights)
    assert reference.patterns["z1[0]"].tolist() == expected
    np.testing.assert_allclose(reference.patterns["a1[0]"], logistic(expected), atol=1e-15)
    row = reference.endpoint.iloc[0]
    assert row["label"] == "solved"
    targets = reference.patterns["y1"].to_numpy()
    outputs = logistic(expected)
    entropy = -np.where(targets == 1, np.log(outputs), np.log1p(-outputs)).mean()
    assert row["loss"] == pytest.approx(entropy, rel=1e-9)
    assert row["weight_norm"] == pytest.approx(np.linalg.norm(weights))


def test_xor_by_hand_stands_on_and_and_or() -> None:
    weights = [10, 10, 20, 20, -15, -15, -10, 20, -15]
    frame = runner.reference({"name": "hand", "problem": {"gate": "XOR"}}, weights).patterns
    assert frame["z1[0]"].tolist() == [-15, -5, -5, 5]
    assert frame["z1[1]"].tolist() == [-15, 5, 5, 25]
    expected = -15 - 10 * frame["a1[0]"] + 20 * frame["a1[1]"]
    np.testing.assert_allclose(frame["z2[0]"], expected, rtol=1e-12)
    np.testing.assert_allclose(frame["z2[0]"], [-15, 5, 5, -5], atol=0.3)
    step = {"hidden": [2], "activation": "step", "output": "step"}
    source = {"name": "hand", "problem": {"gate": "XOR"}, "network": step}
    frame = runner.reference(source | {"loss": {"kind": "squared-error"}}, weights).patterns
    assert frame["z2[0]"].tolist() == [-15, 5, 5, -5]
    assert frame["a2[0]"].tolist() == frame["y1"].tolist()


def test_a_trained_endpoint_is_the_same_by_its_weights(tmp_path) -> None:
    content = single("AND") | {"restarts": 5, "training": {"max_steps": 50}}
    content["grid"] = {"network.hidden": [[], [2]]}
    study = runner.sweep(content, tmp_path / "study", workers=1)
    weights = study.weights.loc[(1, 3)]
    again = runner.reference(study, weights, configuration=1, name="again").endpoint
    assert again.index.tolist() == [(1, "again")]
    trained = study.restarts.loc[(1, 3)]
    for column in ("network.hidden", "label", "solved", "loss", "gradient_norm", "weight_norm"):
        assert again[column].iloc[0] == pytest.approx(trained[column])
    joined = pd.concat([study.restarts.join(study.weights), again])
    assert len(joined) == 11
    assert joined.columns.tolist() == [*study.restarts, *study.weights]


@pytest.mark.parametrize("weights", [[1, 2], {"W1[0,0]": 1, "W1[0,1]": 1, "b": 1}])
def test_weights_of_another_network_are_refused(weights) -> None:
    with pytest.raises(ExperimentError, match=r"expected 'W1\[0,0\]', 'W1\[0,1\]', 'b1\[0\]'"):
        runner.reference(single("AND"), weights)
