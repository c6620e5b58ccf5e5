"""What an experiment file may say of its starts, and that this is how they are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan

SLICE = {"distribution": "slice", "x": "W1[0,0]=0:1:2", "y": "b1[0]=0:1:2", "at": ["b1[1]=0"]}


def source(init: dict, **network) -> dict:
    return {"name": "t", "problem": {"gate": "XOR"}, "network": network, "init": init}


def drawn(init: dict, n: int = 50, **network) -> dict[str, np.ndarray]:
    """Starts by parameter."""
    plan = Plan(load_experiment(source(init, **network)))
    (c,) = plan.configurations
    starts = c.starts(plan.experiment.seed).draw(0, n)
    return dict(zip(c.architecture.parameter_names, starts, strict=True))


def refusal(init: dict, **network) -> list[str]:
    with pytest.raises(ExperimentError) as caught:
        load_experiment(source(init, **network))
    return str(caught.value).splitlines()


def test_a_file_says_the_range_and_the_biases() -> None:
    starts = drawn({"range": [10, 20], "bias": 0})
    for name, values in starts.items():
        if name.startswith("b"):
            assert (values == 0).all()
        else:
            assert 10 < values.min() < 12
            assert 18 < values.max() < 20
    starts = drawn({"distribution": "normal", "bias_range": [-0.1, 0]})
    assert -0.1 < starts["b1[0]"].min() < -0.08
    assert -0.02 < starts["b1[0]"].max() < 0


def test_a_constant_start_is_0_or_what_is_said() -> None:
    assert all((values == 0).all() for values in drawn({"distribution": "constant"}).values())
    starts = drawn({"distribution": "constant", "value": -0.5, "bias": 2.0})
    assert {name: float(values.max()) for name, values in starts.items()} == {
        name: 2.0 if name.startswith("b") else -0.5 for name in starts
    }


def test_layers_have_scales_of_their_own() -> None:
    init = {"distribution": "glorot-uniform", "scale": 2.0, "layer_scales": [1.0, 3.0]}
    starts = drawn(init, 4000)
    assert abs(starts["W1[0,0]"]).max() == pytest.approx(2 * np.sqrt(6 / 4), rel=0.01)
    assert abs(starts["W2[0,0]"]).max() == pytest.approx(6 * np.sqrt(6 / 3), rel=0.01)


def test_what_is_not_said_is_no_part_of_a_configuration_identity() -> None:
    known = load_experiment(source({"scale": 2.0})).init.model_dump(mode="json")
    assert known == {"distribution": "uniform", "scale": 2.0}


@pytest.mark.parametrize(
    ("init", "line"),
    [
        ({"distribution": "normal", "range": [0, 1]},
         "init.range is [0.0, 1.0]; expected nothing with init.distribution 'normal'. Set "
         "init.distribution to 'uniform'."),
        ({"range": [0, 1], "scale": 2.0},
         "init.scale is 2.0; expected 1 with init.range, which has both ends."),
        ({"value": 1.0}, "init.value is 1.0; expected nothing with init.distribution 'uniform'. "
         "Set init.distribution to 'constant'."),
        ({"table": "s.csv"}, "init.table is 's.csv'; expected nothing with init.distribution "
         "'uniform'. Set init.distribution to 'given'."),
        ({"distribution": "constant", "scale": 3.0},
         "init.scale is 3.0; expected 1 with init.distribution 'constant'."),
        ({"layer_scales": [1.0]},
         "init.layer_scales is [1.0]; expected 2 numbers, one for each layer."),
        ({"range": [0, 1], "layer_scales": [1.0, 1.0]},
         "init.layer_scales is [1.0, 1.0]; expected nothing with init.range or init.distribution "
         "'constant'."),
        ({"bias": 0.0, "bias_range": [0, 1]},
         "init.bias is 0.0; expected nothing with init.bias_range."),
        (SLICE | {"at": ["b1[1]=0", "W1[0,1]=0", "W1[1,0]=0", "W1[1,1]=0", "W2[0,0]=0",
                         "W2[0,1]=0", "b2[0]=0"], "bias": 1.0},
         "init.bias is 1.0; expected nothing with init.distribution 'slice'."),
    ],
)  # fmt: skip
def test_rules_between_fields(init, line) -> None:
    assert refusal(init) == [f"experiment: {line}"]


@pytest.mark.parametrize(
    ("init", "text"),
    [
        ({"bias": 0.0}, "init.bias is 0.0; expected nothing with network.model"),
        ({"layer_scales": [1.0, 1.0]}, "expected nothing with network.model"),
        ({"distribution": "pytorch"}, "init.distribution is 'pytorch'; expected 'uniform'"),
        ({"distribution": "nguyen-widrow"}, "'constant' or 'slice' with network.model"),
    ],
)
def test_a_model_has_no_layers_to_start_apart(init, text) -> None:
    (line,) = refusal(init, model="a.py:f")
    assert text in line
