"""What several test modules share: small signatures and experiments."""

from __future__ import annotations

import compileall
import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster
from hypothesis import settings
from support.s3_server import S3Server, reached, serving

from runner.cluster.embedded import usable_cores
from runner.network.architecture import Architecture
from runner.network.criterion import SolvedCriterion
from runner.network.loss_kind import LossKind
from runner.network.signature import Signature
from runner.training.restarts import Restarts

# The same examples in every run; no deadline, as these machines are shared.
settings.register_profile("runner", deadline=None, derandomize=True)
settings.load_profile("runner")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of long campaigns."""
    text = "random schedules of the dispatcher"
    parser.addoption("--schedules", type=int, default=2000, metavar="N", help=text)


# Files whose tests take longest, or wait for other processes, in descending order: pytest-xdist
# hands out whole files in this order, so that none of them is begun when all others have ended.
SLOW_FILES = (
    "test_crash",
    "test_other_compilers",
    "test_every_combination",
    "test_theano",
    "test_studies_doc",
    "test_updates",
    "test_landscape_map",
    "test_layers",
    "test_cut_slopes",
    "test_worker_pool",
    "test_step",
    "test_registry",
    "test_library_defaults",
    "test_loop_nests",
    "test_faults",
    "test_tutorial_doc",
    "test_jax_backend",
    "test_app",
    "test_pytensor",
    "test_rounds",
    "test_copy",
    "test_url_copy",
    "test_lanes",
    "test_input",
    "test_sweep",
    "test_foreign_study",
    "test_upgrade",
    "test_gpu_loop",
    "test_analysis",
    "test_lecture_doc",
    "test_loss_surface",
    "test_shared",
    "test_hypercube_writer",
    "test_client",
    "test_report",
    "test_compile_errors",
    "test_code_cache",
    "test_gpu_benchmark",
    "test_elementwise",
    "test_machine_code",
    "test_basins",
    "test_growth",
    "test_plateaus",
    "test_site",
    "test_configuration_map",
    "test_dask_configuration",
    "test_map",
    "test_automatic_progress",
    "test_package",
    "test_side_by_side",
    "test_readme",
    "test_command_line_doc",
    "test_report_doc",
    "test_cluster_doc",
    "test_encoder",
)


def pytest_configure(config: pytest.Config) -> None:
    """Compile the package once, where every process would, as Python is to write no bytecode."""
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(__file__).parents[1] / "runner", quiet=2)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slow files first; within a file the order stays."""
    rank = {name: k for k, name in enumerate(SLOW_FILES)}
    items.sort(key=lambda item: rank.get(item.path.stem, len(rank)))


def pytest_collectstart() -> None:
    """Look for no garbage among what is imported and collected, which stays for the whole run."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave that out of garbage collections, too: a seventh of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 10)
    gc.enable()


def use_memory() -> None:
    """Have temporary files in memory, where a sync costs nothing, unless TMPDIR says where."""
    memory = "/dev/shm"
    if "TMPDIR" in os.environ or not os.access(memory, os.W_OK | os.X_OK):
        return
    runs_programs = not os.statvfs(memory).f_flag & os.ST_NOEXEC
    if runs_programs and shutil.disk_usage(memory).free > 4 * 2**30:
        os.environ["TMPDIR"] = tempfile.tempdir = memory


use_memory()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Half as many processes again as cores: tests of clusters wait more than they compute."""
    return usable_cores() * 3 // 2


os.environ.pop("DASK_SCHEDULER_ADDRESS", None)
# The code cache is of one run of the tests: its processes share it, and use nothing older.
if "PYTEST_XDIST_WORKER" not in os.environ:
    _cache = tempfile.TemporaryDirectory(prefix="runner-tests-")
    os.environ["RUNNER_CACHE_DIR"] = _cache.name

XOR = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
XOR_TARGETS = np.array([0.0, 1.0, 1.0, 0.0])


@pytest.fixture
def server(monkeypatch, tmp_path) -> Iterator[S3Server]:
    """An S3 server that the environment names, and a cache without copies."""
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(tmp_path / "here"))
    with serving() as server, reached(server, monkeypatch):
        yield server


@pytest.fixture(scope="session")
def xor() -> Callable[..., Signature]:
    """Make a signature of XOR on a 2-2-1 network; arguments change its fields."""

    def make(
        hidden: tuple[int, ...] = (2,),
        activation: str = "sigmoid",
        output: str = "sigmoid",
        loss: str = "cross-entropy",
        reduction: str = "mean",
        skip: bool = False,
        **fields: Any,
    ) -> Signature:
        n_outputs = 2 if output == "softmax" else 1
        base = Signature(
            architecture=Architecture(2, hidden, n_outputs, activation, output, skip),
            patterns=XOR,
            criterion=SolvedCriterion(
                (0.5,) * n_outputs, (0.0,) * n_outputs, by_class=output == "softmax"
            ),
            loss=LossKind(loss, reduction),
            regularised=False,
            optimizer="gradient-descent",
            stops=(),
            dtype="float64",
            layout="lanes",
            n_lanes=8,
            n_steps=7,
        )
        return replace(base, **fields)

    return make


@pytest.fixture(scope="session")
def restarts() -> Callable[..., Restarts]:
    """Make XOR restarts of a signature from uniform starts."""

    def make(
        signature: Signature,
        n: int = 20,
        scale: float = 1.0,
        rate: float = 0.5,
        max_steps: int = 50,
        traced: int = 0,
        seed: int = 7,
        **hyper: float,
    ) -> Restarts:
        from runner.network.signature import HYPERPARAMETERS

        rng = np.random.default_rng(seed)
        values = {"learning_rate": rate} | hyper
        rows = [np.full(n, values.get(name, 0.0)) for name in HYPERPARAMETERS]
        column = XOR_TARGETS[:, np.newaxis]
        softmax = signature.architecture.n_outputs == 2
        targets = np.hstack([1 - column, column]) if softmax else column
        return Restarts(
            starts=rng.uniform(-scale, scale, (signature.architecture.n_parameters, n)),
            hyper=np.array(rows),
            targets=targets.reshape(1, -1),
            table=np.zeros(n, int),
            max_steps=np.full(n, max_steps, np.int32),
            traced=np.arange(n) < traced,
        )

    return make


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    """Two workers as threads of this process: quick, and compiled functions are shared."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=False,
            dashboard_address="127.0.0.1:0",
            resources={"CPU": 1},
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def scheduler() -> Iterator[str]:
    """Address of a cluster that outlives commands, so that they share its compiled functions."""
    with LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", resources={"CPU": 1}
    ) as cluster:
        yield cluster.scheduler_address
