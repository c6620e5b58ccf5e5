"""Durable writes: whole or not at all, on a real disk."""

from __future__ import annotations

import errno
import os

import pytest

from runner.study import files


def test_a_new_file_is_written_whole_and_never_over_another(tmp_path) -> None:
    path = tmp_path / "a"
    files.write_new(path, b"one")
    with pytest.raises(FileExistsError):
        files.write_new(path, b"two")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


def test_replace_takes_the_place_of_what_was_there(tmp_path) -> None:
    path = tmp_path / "a"
    files.replace(path, b"one")
    files.replace(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize("write", [files.write_new, files.replace])
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, write) -> None:
    def full(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "a", b"one")
    assert os.listdir(tmp_path) == []


def test_a_file_is_replaced_when_the_block_ends_and_not_when_it_fails(tmp_path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    with files.replacing(path) as temporary:
        temporary.write_bytes(b"two")
        assert path.read_bytes() == b"one"
    assert path.read_bytes() == b"two"
    with pytest.raises(FileNotFoundError), files.replacing(path) as temporary:
        temporary.with_name("missing").read_bytes()
    assert path.read_bytes() == b"two"
    assert os.listdir(tmp_path) == ["a"]


def test_short_writes_are_carried_on(tmp_path, monkeypatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    files.write_new(tmp_path / "a", bytes(range(100)))
    files.append_lines(tmp_path / "b", ["a long enough line"])
    assert (tmp_path / "a").read_bytes() == bytes(range(100))
    assert (tmp_path / "b").read_text() == "a long enough line\n"


def test_lines_follow_each_other_and_can_be_cut(tmp_path) -> None:
    path = tmp_path / "log"
    files.append_lines(path, ["one"])
    files.append_lines(path, ["two", "three"])
    assert path.read_text() == "one\ntwo\nthree\n"
    files.truncate(path, 4)
    assert path.read_text() == "one\n"


def test_folders_are_made_with_their_parents(tmp_path) -> None:
    files.make_folder(tmp_path / "a" / "b")
    files.make_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


@pytest.mark.parametrize("links", [True, False])
def test_a_moved_file_is_under_its_new_name_alone(tmp_path, monkeypatch, links) -> None:
    def none(*arguments, **options) -> None:
        raise OSError(errno.EPERM, "no links here")

    if not links:
        monkeypatch.setattr(os, "link", none)
    (tmp_path / "to").mkdir()
    path, target = tmp_path / "a", tmp_path / "to" / "b"
    path.write_bytes(b"one")
    files.move(path, target)
    assert target.read_bytes() == b"one"
    assert not path.exists()
    path.write_bytes(b"two")
    with pytest.raises(FileExistsError):
        files.move(path, target)
    assert (path.read_bytes(), target.read_bytes()) == (b"two", b"one")
    link = tmp_path / "link"
    link.symlink_to("nowhere")
    files.move(link, tmp_path / "to" / "link")
    assert os.readlink(tmp_path / "to" / "link") == "nowhere"


@pytest.mark.parametrize("code", [errno.ENOTSUP, errno.EIO])
def test_where_the_disk_can_be_asked_to_empty_its_cache_it_is(tmp_path, monkeypatch, code) -> None:
    asked = []

    def refusing(descriptor: int, command: int) -> None:
        asked.append(command)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files, "_FULL_SYNC", 51)
    monkeypatch.setattr(files.fcntl, "fcntl", refusing)
    if code == errno.ENOTSUP:  # this file system cannot; fsync is then the most there is
        files.write_new(tmp_path / "a", b"one")
        assert (tmp_path / "a").read_bytes() == b"one"
    else:
        with pytest.raises(OSError, match="Input/output error"):
            files.write_new(tmp_path / "a", b"one")
        assert not [*tmp_path.iterdir()]
    assert set(asked) == {51}
