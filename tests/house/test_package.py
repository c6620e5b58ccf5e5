"""The project as a package: built to the same bytes, and importable from anywhere."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

import runner
from runner.engines.versions import computing_source, source

ROOT = Path(__file__).parents[2]
SOURCES = ("runner", "experiments", "requirements", "pyproject.toml", "README.md", "LICENSE")
CACHES = shutil.ignore_patterns("__pycache__")
WHERE = "import runner; print(runner.__file__)"


def run(*words: object, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program away from this checkout."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | variables
    return subprocess.run(
        [str(word) for word in words], cwd=cwd, env=environment, capture_output=True, text=True
    )


def bare_environment(folder: Path) -> Path:
    """Make an environment without packages, and return its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> list[Path]:
    """Folders of the packages of two copies of the checkout, of which one is older."""
    folders = []
    for name in ("one", "two"):
        copy = tmp_path_factory.mktemp(name)
        for source_ in (*SOURCES, "CHANGELOG.md", ".gitignore"):
            path = ROOT / source_
            if path.is_dir():
                shutil.copytree(path, copy / source_, ignore=CACHES)
            else:
                shutil.copy(path, copy)
        (copy / "experiments" / "own.csv").write_text("a,y\n")
        if name == "two":
            for path in copy.rglob("*"):
                os.utime(path, (1e9, 1e9))
        done = run(sys.executable, "-m", "hatchling", "build", cwd=copy)
        assert done.returncode == 0, done.stderr
        folders.append(copy / "dist")
    return folders


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """The Python of a fresh environment with the wheel in it, beside this one's libraries."""
    folder = tmp_path_factory.mktemp("environment")
    python = bare_environment(folder)
    (wheel,) = built[0].glob("*.whl")
    options = ("-q", "--no-index", "--no-deps", "--disable-pip-version-check")
    pip = (sys.executable, "-m", "pip", "--python", python, "install", *options, wheel)
    done = run(*pip, cwd=folder)
    assert done.returncode == 0, done.stderr
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return python


def test_wheel_and_source_archive_are_the_same_bytes_again(built) -> None:
    one, two = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in built)
    assert {Path(name).suffix for name in one} == {".whl", ".gz"}
    assert one == two


def test_the_package_needs_what_the_requirements_name(installed) -> None:
    code = "from importlib.metadata import *; print(*requires('restart-runner'), sep='\\n')"
    done = run(installed, "-c", code, cwd=installed.parent)
    needed = {str(Requirement(line)) for line in done.stdout.splitlines() if "extra" not in line}
    lines = (ROOT / "requirements" / "runner.in").read_text().splitlines()
    assert needed == {str(Requirement(line)) for line in lines if line and line[0] != "#"}
    extras = [line for line in done.stdout.splitlines() if "extra" in line]
    named = [re.split("[>;]", line)[0] for line in extras]
    extra = [
        "cuda-bindings",
        "cuda-core",
        "jax[cuda12]",
        "jax",
        "h5netcdf",
        "h5py",
        "obstore",
        "xarray",
        "zarr",
    ]
    assert sorted(named) == sorted(extra)


def test_the_citation_is_of_this_version() -> None:
    """Required keys and the kind of each are those of the Citation File Format 1.2.0."""
    said = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert {"cff-version", "message", "title", "authors"} <= said.keys()
    assert said["cff-version"] == "1.2.0"
    assert said["version"] == runner.__version__
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert said["license"] == project["license"]
    assert said["authors"] == project["authors"]


def test_no_requirement_names_an_index() -> None:
    for path in [ROOT / "pyproject.toml", *(ROOT / "requirements").iterdir()]:
        if path.is_file():
            assert "://" not in path.read_text(), path


def test_the_command_trains_in_an_empty_folder(installed, tmp_path) -> None:
    changes = ("problem.gate=AND", "network.hidden=[]", "training.max_steps=3")
    small = [word for change in changes for word in ("--set", change)]
    command = (installed.with_name("runner"), "sweep", "--restarts", "2", "--workers", "1")
    done = run(*command, *small, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second, *_ = done.stderr.splitlines()
    assert first.startswith("There is no experiments/gates.toml here; this is the runner's own, ")
    assert first.endswith("runner/experiments/gates.toml")
    assert second == "gates: 1 configuration × 2 restarts, into results/gates"
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    opened = "import runner; print(len(runner.open_study('results/gates').restarts))"
    assert run(installed, "-c", opened, cwd=tmp_path).stdout == "2\n"


def test_the_command_is_called_as_it_was(installed, tmp_path) -> None:
    called = run(installed.with_name("runner"), "--help", cwd=tmp_path).stdout
    assert "Usage: runner " in called
    module = run(installed, "-m", "runner", "--help", cwd=tmp_path).stdout
    assert module.split() == called.replace(": runner ", ": python -m runner ").split()


def test_an_experiment_that_is_not_there_is_answered_with_where_it_is(installed, tmp_path) -> None:
    done = run(installed, "-m", "runner", "sweep", "experiments/width.toml", cwd=tmp_path)
    assert done.returncode == 2
    own = Path(done.stderr.rpartition(" is ")[2].strip().removesuffix("."))
    assert own.read_bytes() == (ROOT / "experiments" / "width.toml").read_bytes()


def test_an_installed_runner_is_told_apart_by_its_code_alone(installed, tmp_path) -> None:
    code = "from runner.engines.versions import *; print(source(), computing_source())"
    done = run(installed, "-c", code, cwd=tmp_path)
    assert done.stdout.split() == [source(), computing_source()]


def test_a_checkout_is_importable_from_anywhere_also_when_moved(tmp_path) -> None:
    checkout, outside = tmp_path / "checkout", tmp_path / "outside"
    outside.mkdir()
    (checkout / "requirements").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", checkout)
    shutil.copytree(ROOT / "runner", checkout / "runner", ignore=CACHES)
    lock = shutil.copy(ROOT / "requirements" / "runner.txt", checkout / "requirements")
    for environment in (checkout / ".venv", tmp_path / "elsewhere"):
        python = bare_environment(environment)
        shutil.copy(lock, environment)  # as if all of it were installed
        for _ in range(2):
            words = ("make", "env-runner", f"VENV={environment}", f"PYTHON={sys.executable}")
            done = run(*words, cwd=checkout)
            assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert run(python, "-c", WHERE, cwd=outside).stdout.startswith(f"{checkout}/runner/")
    moved = checkout.rename(tmp_path / "moved")
    done = run(moved / ".venv" / "bin" / "python", "-c", WHERE, cwd=outside)
    assert done.stdout.startswith(f"{moved}/runner/")
