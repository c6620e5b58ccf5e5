"""The runner as 64-bit Arm, emulated, gives the bytes of this machine: `make test-arm`.

Not collected by `make test`: it needs root, Debian's debootstrap and qemu-user-static (by which the
kernel runs Arm's programs), a package index and some ten minutes. Debian for Arm and the lock's
wheels for Arm are put into `.arm/`, once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from runner.study.store import Store

ROOT = Path(__file__).parents[2]
SYSTEM = Path(os.environ.get("RUNNER_ARM", ROOT / ".arm")).absolute()
SITE, CHECKOUT = SYSTEM / "opt" / "site", SYSTEM / "opt" / "runner"
MIRROR = [os.environ[name] for name in ("RUNNER_DEBIAN_MIRROR",) if name in os.environ]
"""Of Debian's packages; without one debootstrap's own."""
EMULATOR = Path("/proc/sys/fs/binfmt_misc/qemu-aarch64")
PYTHON = "3.11"  # bookworm's
PLATFORMS = ("manylinux2014", *(f"manylinux_2_{minor}" for minor in range(17, 37)))  # bookworm's
MISSING = [
    what
    for what, there in {
        "root": os.geteuid() == 0,
        "debootstrap": shutil.which("debootstrap"),
        "dpkg-deb": shutil.which("dpkg-deb"),
        "qemu-user-static": EMULATOR.exists(),
    }.items()
    if not there
]

# Mounts of a namespace of its own, which end with it.
INSIDE = "mount -t proc proc $0/proc && mount --rbind /dev $0/dev && exec chroot $0 $@"

needs_tools = pytest.mark.skipif(bool(MISSING), reason=f"not here: {', '.join(MISSING)}")


def debian(packages: Path) -> None:
    """Unpack Debian with Python; what its packages' scripts would do is not needed."""
    options = [
        "--foreign",
        "--arch=arm64",
        "--variant=minbase",
        "--include=python3,ca-certificates",
    ]
    subprocess.run(["debootstrap", *options, "bookworm", packages, *MIRROR], check=True)
    SYSTEM.mkdir()
    for package in sorted((packages / "var/cache/apt/archives").glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, SYSTEM], check=True)


def wheels() -> None:
    """Install the lock's wheels for Arm, each with its hash."""
    install("runner", SITE)


def install(lock: str, folder: Path, *options: str, python: str = PYTHON) -> None:
    platforms = [f"--platform={name}_aarch64" for name in PLATFORMS]
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--target", folder, *platforms]
    only = [f"--python-version={python}", "--implementation=cp", "--only-binary=:all:"]
    file = ROOT / "requirements" / f"{lock}.txt"
    subprocess.run([*pip, *only, *options, "--require-hashes", "-r", file], check=True)


@pytest.fixture(scope="module")
def system(tmp_path_factory) -> None:
    if not SYSTEM.exists():
        debian(tmp_path_factory.mktemp("packages"))
    if not SITE.exists():
        wheels()
    for folder in ("runner", "experiments"):
        shutil.rmtree(CHECKOUT / folder, ignore_errors=True)
        shutil.copytree(ROOT / folder, CHECKOUT / folder)
    for name in ("passwd", "hosts"):
        shutil.copy(Path("/etc", name), SYSTEM / "etc" / name)


@pytest.mark.parametrize("lock", ["runner", "jax", "cuda", "cuda-core", "dev"])
def test_every_lock_has_wheels_for_arm(lock, tmp_path) -> None:
    """Not Theano's: its wheels are built where it is installed."""
    # some of the development tools ask for more than bookworm's 3.11.2
    install(lock, tmp_path, "--dry-run", "--no-deps", "--ignore-installed", python="3.11.9")


@needs_tools
def test_a_sweep_on_arm_has_the_bytes_and_the_programs_of_this_machine(system, tmp_path) -> None:
    options = ["--restarts", "60", "--quiet", "--out"]
    sweep = ["-m", "runner", "sweep", "/opt/runner/experiments/gates.toml", *options, "/results"]
    shutil.rmtree(SYSTEM / "results", ignore_errors=True)
    subprocess.run(
        ["unshare", "--mount", "sh", "-c", INSIDE, SYSTEM, "/usr/bin/python3", *sweep],
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/tmp",
            "PYTHONPATH": "/opt/runner:/opt/site",
            "RUNNER_CACHE_DIR": "",
            "OPENBLAS_NUM_THREADS": "1",
        },
        check=True,
    )
    here = tmp_path / "here"
    command = [sys.executable, "-m", "runner", "sweep", CHECKOUT / "experiments" / "gates.toml"]
    subprocess.run([*command, *options, here], cwd=ROOT, check=True)
    ours, theirs = Store(here), Store(SYSTEM / "results")
    assert set(ours.commits()) == set(theirs.commits())  # of each batch its hash, and its programs
    assert all(commit.programs for commit in theirs.commits())
    for commit in ours.commits():
        path = ours.shard_path(commit.batch)
        assert path.read_bytes() == theirs.shard_path(commit.batch).read_bytes()
