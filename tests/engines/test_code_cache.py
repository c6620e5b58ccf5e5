"""The code cache: the same bits without compiling, and no file that may be another's."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from runner.engines import code_cache, pytensor, vector_code
from runner.engines.simd.artifact import Artifact, Interface
from runner.engines.simd.fingerprint import Fingerprint
from runner.engines.simd.machine_code import Function, Loop

TRAIN = """
import hashlib, sys
from runner.experiment.experiment import load_experiment
from runner.experiment.batches import Batch
from runner.experiment.plan import Plan
from runner.training.worker import Task, train_batch
what = {"name": "x", "restarts": 50, "problem": {"gate": "XOR"}, "training": {"max_steps": 200}}
what["network"] = {"hidden": [int(sys.argv[1])]}
plan = Plan(load_experiment(what))
task = Task(plan.segments(Batch(0, 0, 50)), 1, "pytensor", 2)
print(hashlib.sha256(train_batch(task).shard).hexdigest(), "pytensor" in sys.modules)
"""

INTERFACE = Interface("loop", ((3, "float64"), (1, "int32")), (), 8, 64, n_carried=2)
PARTS = {"loop": Artifact(b"\x7fELF\x00", INTERFACE, Fingerprint("0" * 64, "+*f"))}


def trained(folder: Path | str, hidden: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", TRAIN, str(hidden)],
        env=os.environ | {"RUNNER_CACHE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
    )


def result(process: subprocess.Popen[str]) -> tuple[str, bool]:
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0
    digest, imported = out.split()
    return digest, imported == "True"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    path = tmp_path / "kept"
    monkeypatch.setenv("RUNNER_CACHE_DIR", str(path))
    return path


def size_of_a_file() -> int:
    code_cache.write(("x",), PARTS)
    size = code_cache._path(("x",)).stat().st_size
    code_cache._path(("x",)).unlink()
    return size


def test_a_second_process_needs_no_pytensor_and_gives_the_same_bits(tmp_path) -> None:
    digest, compiled = result(trained(tmp_path))
    assert compiled
    (file,) = tmp_path.iterdir()
    assert result(trained(tmp_path)) == (digest, False)
    damaged = bytearray(file.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    file.write_bytes(damaged)
    assert result(trained(tmp_path)) == (digest, True)  # compiled again, and kept again
    assert result(trained(tmp_path)) == (digest, False)
    assert result(trained("")) == (digest, True)
    assert list(tmp_path.iterdir()) == [file]


def test_code_of_matrices_is_kept_too(tmp_path) -> None:
    digest, compiled = result(trained(tmp_path, hidden=40))
    assert compiled
    assert result(trained(tmp_path, hidden=40)) == (digest, False)


def test_processes_that_begin_together_share_a_folder(tmp_path) -> None:
    together = [trained(tmp_path) for _ in range(3)]
    digests = {result(process)[0] for process in together}
    assert len(digests) == 1
    assert len(list(tmp_path.iterdir())) == 1  # and nothing unfinished is left
    assert result(trained(tmp_path)) == (digests.pop(), False)


def test_what_was_written_is_read(folder) -> None:
    assert code_cache.read(("a", "b")) is None
    code_cache.write(("a", "b"), PARTS)
    assert code_cache.read(("a", "b")) == PARTS
    assert code_cache.read(("a", "c")) is None
    assert code_cache.read(None) is None
    code_cache.write(None, PARTS)
    assert len(list(folder.iterdir())) == 1
    assert folder.stat().st_mode & 0o777 == 0o700


def test_other_sources_and_versions_have_files_of_their_own(folder, monkeypatch) -> None:
    code_cache.write(("a",), PARTS)
    monkeypatch.setattr(code_cache, "_environment", lambda: ("12345678", "llvmlite 99"))
    assert code_cache.read(("a",)) is None


def test_a_process_whose_source_has_changed_keeps_nothing(folder, monkeypatch) -> None:
    monkeypatch.setattr(code_cache, "source", lambda: "12345678")
    code_cache.write(("a",), PARTS)
    assert code_cache.read(("a",)) is None


def test_a_folder_that_is_read_only_is_read(folder, monkeypatch) -> None:
    code_cache.write(("a",), PARTS)

    def refuse(*arguments) -> None:
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(os, "utime", refuse)
    assert code_cache.read(("a",)) == PARTS


def test_a_file_that_others_can_write_to_is_not_read(folder) -> None:
    code_cache.write(("a",), PARTS)
    (file,) = folder.iterdir()
    file.chmod(0o666)
    assert code_cache.read(("a",)) is None
    file.chmod(0o600)
    assert code_cache.read(("a",)) == PARTS
    elsewhere = file.rename(folder.parent / file.name)
    file.symlink_to(elsewhere)
    assert code_cache.read(("a",)) is None


def test_other_files_of_the_folder_are_left_alone(folder, monkeypatch) -> None:
    monkeypatch.setattr(code_cache, "MOST_BYTES", size_of_a_file())
    mine = [folder / name for name in ("thesis.txt", "other.tmp", "folder")]
    mine[0].touch()
    mine[1].touch()
    mine[2].mkdir()
    for path in mine:
        os.utime(path, (0, 0))
    for number in range(3):
        code_cache.write((str(number),), PARTS)
    assert all(path.exists() for path in mine)
    assert len(list(folder.glob("*.code"))) == 1


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_folder_that_others_can_write_to_is_not_used(folder, mode) -> None:
    code_cache.write(("a",), PARTS)
    folder.chmod(mode)
    assert code_cache.read(("a",)) is None
    code_cache.write(("b",), PARTS)
    folder.chmod(0o700)
    assert code_cache.read(("b",)) is None
    assert code_cache.read(("a",)) == PARTS


def test_no_folder_is_no_error(tmp_path, monkeypatch) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in ("", str(file), str(file / "below"), "relative", "~/x"):
        monkeypatch.setenv("RUNNER_CACHE_DIR", path)
        code_cache.write(("a",), PARTS)
        assert code_cache.read(("a",)) is None


def test_without_a_name_it_lies_in_the_users_cache(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("RUNNER_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert code_cache.folder() == tmp_path / "runner"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert code_cache.folder() == tmp_path / ".cache" / "runner"


def test_the_files_that_were_used_last_are_kept(folder, monkeypatch) -> None:
    monkeypatch.setattr(code_cache, "MOST_BYTES", 4 * size_of_a_file())
    for number in range(4):
        code_cache.write((str(number),), PARTS)
        used = code_cache._path((str(number),))
        os.utime(used, (number, number))
    assert code_cache.read(("0",)) == PARTS  # and is the newest by that
    code_cache.write(("4",), PARTS)
    assert [code_cache.read((str(n),)) is not None for n in range(5)] == [
        True,
        False,
        True,
        True,
        True,
    ]


def test_code_that_is_not_all_there_is_compiled_anew(folder, xor) -> None:
    signature = xor()
    pytensor.compile("pytensor", signature, "cpu")
    code = vector_code.recall(vector_code.TrainingCode, signature)
    assert code is not None
    assert vector_code.recall(vector_code.MeasuringCode, signature) is None
    assert code.loop.interface.kind == "loop"
    key = vector_code._key(code.TAG, signature)
    code_cache.write(key, {"loop": code.loop, "look": code.look})
    assert vector_code.recall(vector_code.TrainingCode, signature) is None


def test_code_is_called_only_as_what_it_is(folder, xor) -> None:
    """Machine code that is called with other arguments would end the process."""
    signature = xor()
    pytensor.compile("pytensor", signature, "cpu")
    code = vector_code.recall(vector_code.TrainingCode, signature)
    with pytest.raises(ValueError, match="the machine code is a loop; expected a function"):
        Function(code.loop)
    with pytest.raises(ValueError, match="the machine code is a function; expected a loop"):
        Loop(code.look)


def test_another_version_of_jax_changes_no_name(folder, monkeypatch) -> None:
    names = []
    for version in ("1", "2"):
        monkeypatch.setattr(code_cache, "versions", lambda v=version: {"jax": v, "jaxlib": v})
        code_cache._environment.cache_clear()
        names.append(code_cache._path(("x",)))
    code_cache._environment.cache_clear()
    assert names[0] == names[1]
