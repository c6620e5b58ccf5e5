"""Layouts and networks that do not fit are refused, and what is not known is said so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytensor.tensor as pt
import pytest

from runner.engines.pytensor import gradient
from runner.network.architecture import Architecture
from runner.network.custom.source import make_model
from runner.network.forward import outputs
from runner.network.hidden_codes import codes
from runner.network.layouts.registry import LAYOUTS
from runner.network.starts.stream import Starts
from runner.network.step import Step

SOURCE = 'PARAMETERS = {"w": (2, 2)}\ndef loss(T, parameters, inputs, targets): ...\n'
CUSTOM = make_model("own.py:loss", SOURCE, 2, 1)
LAYERS = Architecture(2, (2,), 1, "sigmoid", "sigmoid")


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("network", [LAYERS, CUSTOM], ids=["layers", "custom"])
def test_a_network_has_the_layouts_that_it_names(xor, network, name) -> None:
    loss = xor().loss if network is LAYERS else None
    step = Step(pt, gradient, replace(xor(), architecture=network, layout=name, loss=loss))
    if name in network.layouts:
        assert step.layout.n_tensors in (network.n_parameters, len(network.parameter_shapes))
    else:
        with pytest.raises(TypeError, match=f"layout {name} cannot compute {network.title}"):
            _ = step.layout


def test_matrices_of_one_restart_have_no_packed_form(xor) -> None:
    step = Step(pt, gradient, xor(layout="matrices"))
    with pytest.raises(TypeError, match="layout matrices has no packed form"):
        step.unpack(pt.matrix("state"))


@pytest.mark.parametrize("layout", ["lanes", "stacked"])
def test_packing_undoes_unpacking(xor, layout) -> None:
    signature = xor(hidden=(3, 2), skip=True, layout=layout, optimizer="adam", n_lanes=4)
    step = Step(pt, gradient, signature)
    rows = np.random.default_rng(0).normal(size=(signature.n_rows, 4))
    state = pt.tensor("state", dtype="float64", shape=rows.shape)
    np.testing.assert_array_equal(step.pack(step.unpack(state)).eval({state: rows}), rows)


@pytest.mark.parametrize("layout", ["stacked", "matrices"])
def test_only_lanes_have_units_to_trace(xor, layout) -> None:
    step = Step(pt, gradient, xor(layout=layout))
    with pytest.raises(TypeError, match="has no units of their own"):
        step.trace([])


def test_what_needs_layers_says_whose_are_not_known() -> None:
    with pytest.raises(TypeError, match=r"the layers of own.py:loss are not known"):
        CUSTOM.require_layers()
    with pytest.raises(TypeError, match=r"the layers of own.py:loss are not known"):
        Starts(1, CUSTOM, "glorot-uniform", 1.0).draw(0, 2)
    assert LAYERS.require_layers() is LAYERS


def test_of_a_custom_model_neither_outputs_nor_codes_are_known() -> None:
    weights = np.ones((4, 3))
    assert outputs(CUSTOM, np.zeros((4, 2)), weights).shape == (3, 0)
    assert codes(CUSTOM, np.zeros((4, 2)), weights).tolist() == ["", "", ""]
    assert (LAYERS.has_hidden_units, CUSTOM.has_hidden_units) == (True, False)
    assert (LAYERS.executes_file, CUSTOM.executes_file) == (False, True)
    assert (LAYERS.is_trusted, CUSTOM.is_trusted) == (True, False)
