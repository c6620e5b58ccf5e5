"""Programs of vector code, before LLVM."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from runner.engines.graphs import building, pytensor
from runner.engines.simd.machine_code import assemble
from runner.engines.vector_programs import (
    _look,
    measuring_programs,
    training_programs,
)


@pytest.mark.parametrize(
    "trained",
    [
        {"optimizer": "adam", "dtype": "float32"},
        {"optimizer": "rprop", "stops": ("solved", "gradient"), "cut_slopes": True},
        {"optimizer": "momentum", "plateau": "new-start"},
    ],
    ids=lambda trained: trained["optimizer"],
)
def test_how_a_network_is_trained_makes_no_difference_to_a_look(xor, trained) -> None:
    signature = replace(xor(layout="stacked"), **trained)
    look = _look.__wrapped__(replace(signature, dtype="float64"))
    alone = {"look": look.program(), "losses": look.program(1)}
    trained_by = training_programs(signature)
    assert all(trained_by[name] == program for name, program in alone.items())
    assert measuring_programs(signature.measured)["look"] == alone["look"]


def test_networks_that_look_alike_share_what_is_compiled(xor) -> None:
    first, second = (training_programs(xor(optimizer=name)) for name in ("adam", "momentum"))
    for name in ("look", "losses", "bounds", "shared_outputs"):
        assert assemble(first[name]) is assemble(second[name])
    assert assemble(first["loop"]) is not assemble(second["loop"])


@pytest.mark.parametrize("collects", [True, False])
def test_building_leaves_garbage_collection_as_it_was(collects) -> None:
    before, limit = gc.isenabled(), pytensor.config.traceback__limit
    (gc.enable if collects else gc.disable)()
    try:
        with building():
            with building():
                assert not gc.isenabled()
            assert not gc.isenabled()
        assert gc.isenabled() == collects
        with pytest.raises(ValueError, match="within"), building():
            raise ValueError("within")
        assert gc.isenabled() == collects
    finally:
        (gc.enable if before else gc.disable)()
    assert pytensor.config.traceback__limit == limit
