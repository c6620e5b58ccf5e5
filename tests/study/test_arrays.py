"""A study as an xarray dataset, and as a netCDF file and a Zarr folder."""

from __future__ import annotations

import io
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
import zarr
from support.crafted import EXPERIMENT, crafted
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.errors import RunnerError, StudyError
from runner.study import arrays
from runner.study.export import export_table

# Every test opens and closes its own files.
pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture(scope="module")
def study(client, tmp_path_factory):
    """Two axes, networks of two shapes, and restarts that end without a number."""
    content = {
        "name": "arrays",
        "restarts": 20,
        "problem": {"gate": "XOR"},
        "network": {"activation": "relu"},
        "training": {"max_steps": 50, "dtype": "float32"},
        "grid": {"network.hidden": [[], [2], [3]], "training.learning_rate": [1e38, 0.1]},
    }
    return runner.sweep(content, tmp_path_factory.mktemp("arrays") / "s", client)


@pytest.fixture(scope="module")
def dataset(study):
    return study.to_xarray()


def test_every_value_is_that_of_the_tables(study, dataset) -> None:
    assert dict(dataset.sizes) == {
        "network_hidden": 3,
        "training_learning_rate": 2,
        "restart": 20,
        "unit1": 3,
        "input": 2,
        "unit2": 1,
    }
    for (number, restart), row in study.restarts.iterrows():
        point = study.configurations.loc[number]
        there = dataset.sel(
            network_hidden=point["network.hidden"],
            training_learning_rate=point["training.learning_rate"],
            restart=restart,
        )
        assert there["configuration"] == number
        weights = study.weights.loc[(number, restart)]
        for column in ("label", "solved", "steps", "loss", "gradient_norm", "weight_norm", "level"):
            np.testing.assert_equal(there[column].item(), row[column])
        for name in ("W1", "b1", "W2", "b2"):
            for parameter in (p for p in study.weights if p.startswith(name)):
                place = tuple(map(int, parameter[3:-1].split(",")))
                expected = np.float32(weights[parameter])
                np.testing.assert_equal(there[name].values[place], expected)
    assert np.isnan(dataset["level"]).any()
    assert np.isnan(dataset["W2"].sel(network_hidden="[]")).all()


def test_types_meanings_and_units_are_kept(study, dataset) -> None:
    kinds = {name: dataset[name].dtype for name in ("solved", "steps", "loss", "W1")}
    assert kinds == {"solved": bool, "steps": np.int32, "loss": float, "W1": np.float32}
    assert dataset["training_learning_rate"].values.tolist() == [1e38, 0.1]
    assert dataset["loss"].attrs["units"] == "nats"
    assert dataset["steps"].attrs == {"long_name": "updates made", "units": "steps"}
    assert dataset.attrs["sha256_shards"] == study.hashes["shards"]
    assert "learning_rate" in dataset.attrs["experiment"]


def test_arrays_answer_as_the_summary_does(study, dataset) -> None:
    share = dataset["solved"].mean("restart").stack(all=[...])
    table = study.summary.set_index(["network.hidden", "training.learning_rate"])
    for place, value in zip(share["all"].values, share.values, strict=True):
        assert table.loc[place, "success_rate"] == pytest.approx(value)


def test_what_is_not_there_is_nan(tmp_path) -> None:
    steps, solved = {0: [9, 7, 8], 1: [5, 6, 7]}, {0: [True] * 3, 1: [False] * 3}
    grid = {**EXPERIMENT, "grid": {"init.scale": [1.0, 2.0]}}
    study = crafted(tmp_path / "s", steps, solved, grid, failed=(1, 4))
    dataset = study.to_xarray()
    assert dataset["steps"].dtype == dataset["solved"].dtype == float
    np.testing.assert_equal(dataset["steps"].values, [[9, np.nan, 8], [5, np.nan, 7]])
    np.testing.assert_equal(dataset["solved"].values, [[1, np.nan, 1], [0, np.nan, 0]])
    assert dataset["label"].values[1].tolist() == ["plateau", "", "plateau"]
    assert np.isnan(dataset["W1"].values[0, 1]).all()
    assert study.to_xarray([1])["solved"].dims == ("init_scale", "restart")
    assert study.to_xarray([1])["steps"].dtype == float
    only = study.to_xarray([1], weights=False)
    assert "W1" not in only
    assert only["init_scale"].values.tolist() == [2.0]


def test_a_grid_with_gaps_has_one_dimension_of_configurations(tmp_path) -> None:
    experiment = {
        **EXPERIMENT,
        "grid": {"init.scale": [1.0, 2.0], "training.learning_rate": [1.0, 3.0]},
        "exclude": [{"init.scale": 2.0, "training.learning_rate": 3.0}],
    }
    steps = {0: [1, 2], 1: [3, 4], 2: [5, 6]}
    study = crafted(tmp_path / "s", steps, {number: [True, True] for number in steps}, experiment)
    dataset = study.to_xarray()
    assert dataset["steps"].dims == ("configuration", "restart")
    assert dataset["steps"].values.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert dataset["init_scale"].values.tolist() == [1.0, 1.0, 2.0]
    whole = study.to_xarray([0, 1])
    assert whole["steps"].dims == ("init_scale", "training_learning_rate", "restart")


def test_a_study_without_a_grid_is_by_restart_alone(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [9, 7]}, {0: [True, False]})
    dataset = study.to_xarray()
    assert dataset["steps"].dims == ("restart",)
    assert dataset["W2"].dims == ("restart", "unit2", "unit1")
    assert dataset["W1"].values[:, 1, 0].tolist() == study.weights["W1[1,0]"].tolist()


def test_inputs_of_several_kinds_have_a_dimension_of_their_own(tmp_path) -> None:
    experiment = {**EXPERIMENT, "network": {"skip": True}}
    study = crafted(tmp_path / "s", {0: [9]}, {0: [True]}, experiment)
    assert study.to_xarray()["W2"].dims == ("restart", "unit2", "input2")


def test_a_shortcut_of_one_network_is_no_unit_of_another(tmp_path, client) -> None:
    """W2 is as wide as the other network's first layer, by chance."""
    content = {
        "name": "shortcuts",
        "restarts": 2,
        "problem": {"gate": "XOR"},
        "training": {"max_steps": 5},
        "grid": {"network.hidden,network.skip": [[[5], False], [[2], True]]},
    }
    study = runner.sweep(content, tmp_path / "s", client)
    assert study.to_xarray()["W2"].dims[-2:] == ("unit2", "input2")


def test_a_netcdf_file_is_the_dataset(dataset, study, tmp_path) -> None:
    assert export_table(study, tmp_path / "a.nc") == 120
    with xr.open_dataset(tmp_path / "a.nc") as read:
        xr.testing.assert_identical(read, dataset)
    with h5py.File(tmp_path / "a.nc") as file:  # as other readers of HDF5 see it
        assert file["solved"].dtype == np.int8
        assert file["label"].asstr()[0, 1, 0] == dataset["label"].values[0, 1, 0]
        assert np.isnan(file["W1"].attrs["_FillValue"])
    assert os.listdir(tmp_path) == ["a.nc"]


def test_a_zarr_folder_is_the_dataset(dataset, study, tmp_path) -> None:
    assert export_table(study, tmp_path / "a.zarr", configurations=[0, 1]) == 40
    with xr.open_zarr(tmp_path / "a.zarr") as read:
        xr.testing.assert_identical(read, study.to_xarray([0, 1]))
    assert zarr.open_array(tmp_path / "a.zarr", path="steps", mode="r").dtype == np.int32
    with pytest.raises(StudyError, match=r"a\.zarr: is there; expected a new folder\."):
        export_table(study, tmp_path / "a.zarr")
    assert os.listdir(tmp_path) == ["a.zarr"]


def test_what_is_printed_is_a_netcdf_file(study, dataset, tmp_path) -> None:
    words = ["export", str(study.path), "--to", "-", "--format"]
    done = CliRunner().invoke(app, [*words, "netcdf"])
    with xr.open_dataset(io.BytesIO(done.stdout_bytes)) as read:
        xr.testing.assert_identical(read, dataset)
    done = CliRunner().invoke(app, [*words, "zarr"])
    assert done.exit_code == 2
    assert "--format is zarr" in done.stderr
    with pytest.raises(StudyError, match="expected the name of a folder"):
        export_table(study, io.BytesIO(), form="zarr")


@pytest.mark.parametrize("name", ["nowhere/a.nc", "nowhere/a.zarr"])
def test_a_missing_folder_is_said(study, tmp_path, name) -> None:
    with pytest.raises(StudyError, match=r"cannot be written: No such file or directory\."):
        export_table(study, tmp_path / name)
    assert not Path(tmp_path, "nowhere").exists()


def test_other_tables_are_no_arrays(study, tmp_path) -> None:
    with pytest.raises(StudyError, match=r"table is 'summary'; expected restarts"):
        export_table(study, tmp_path / "a.nc", "summary")


def test_too_many_weights_are_refused(study, monkeypatch) -> None:
    monkeypatch.setattr(arrays, "MOST_NUMBERS", 1559)  # 120 restarts of 13 places
    with pytest.raises(StudyError, match=r"1,560 weights and biases; expected at most 1,559"):
        study.to_xarray()
    assert "W1" not in study.to_xarray(weights=False)


def test_a_configuration_that_is_not_there_is_refused(study) -> None:
    with pytest.raises(StudyError, match=r"configuration is 99; expected an integer from 0 to"):
        study.to_xarray([0, 99])


def test_packages_that_are_missing_are_named(study, monkeypatch) -> None:
    monkeypatch.setattr(arrays, "PACKAGES", ("xarray", "no_such_package"))
    with pytest.raises(RunnerError, match=r"^arrays: 'no_such_package' is not installed") as caught:
        study.to_xarray()
    assert caught.value.exit_code == 1  # nothing is wrong with the study
