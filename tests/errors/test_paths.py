"""A URI is no folder: said at once, wherever a path is given."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import pytest
from support.crafted import crafted
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.cluster.addresses import scheduler_address
from runner.cluster.certificates import make_certificates
from runner.cluster.options import ClusterOptions
from runner.errors import StudyError
from runner.errors.paths import local_path, require_place, store_url, why_no_file
from runner.study.export import export_table
from runner.study.objects.copy import required_url

URIS = ["s3://bucket/x", "gs://bucket/x", "file:///tmp/x", "http://host:80/x", "abfss://a/x"]
TINY = {"name": "tiny", "restarts": 1, "problem": {"gate": "AND"}, "training": {"max_steps": 1}}


@pytest.mark.parametrize("uri", URIS)
@pytest.mark.parametrize("kind", [str, Path], ids=["text", "path"])
def test_a_uri_is_named_as_it_was_given(uri, kind) -> None:
    with pytest.raises(runner.StudyError) as caught:
        local_path(kind(uri), runner.StudyError)
    assert str(caught.value).startswith(f"{uri} is a URI; expected a folder on this machine. ")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "uri",
    [
        "s3a://key:hunter2@bucket/x",
        "https://bucket/x?sig=hunter2",
        "s3://bucket/x?X-Amz-Signature=hunter2",
        "s3://bucket/x#hunter2",
        "s3://user:hunter2@bucket/x",
        "s3://user:hun/ter2@hunter2@bucket/x",
        "s3://user:hunter2?more@bucket/x",
        "s3://bucket/x?sig=a@hunter2",
    ],
)
def test_what_may_be_a_credential_is_not_shown(uri) -> None:
    for given in (uri, Path(uri)):
        for refuse in (local_path, required_url, store_url):
            try:
                refuse(given, runner.StudyError) if refuse is not required_url else refuse(given)
            except runner.StudyError as error:
                told = str(error)
                assert "hunter2" not in told
                assert "ter2" not in told
                assert told.startswith(uri.partition(":")[0])
            else:
                assert refuse is store_url
                assert not uri.startswith("s3:")


def test_a_path_of_another_library_that_shows_itself_as_a_uri_is_one() -> None:
    class CloudPath(PurePosixPath):
        def __str__(self) -> str:
            return "s3://bucket/x"

    with pytest.raises(runner.StudyError, match="s3://bucket/x is a URI"):
        local_path(CloudPath("cache"), runner.StudyError)


@pytest.mark.parametrize(
    "path", ["C:\\x", "c:/x", "x", "/x", "a/s3://x", "./a:b", "a:b", "-", "~/x", "12:/x", "été:/x"]
)
def test_a_path_is_left_as_it_is(path) -> None:
    assert local_path(path, runner.StudyError) == Path(path)


@pytest.mark.parametrize(
    "words",
    [
        *(("sweep", "--out"), ("sweep", "--dry-run", "--out"), ("status",), ("summary",)),
        *(("verify",), ("verify", "--repair"), ("analyze",), ("report",), ("certificates",)),
        ("slice", "gates.toml", "--x", "W1[0,0]=0:1:2", "--y", "W1[0,1]=0:1:2", "--out"),
        ("export", "--to", "x.csv"),
    ],
    ids=" ".join,
)
def test_no_command_takes_a_uri_for_a_folder(tmp_path, monkeypatch, words) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*words, "abfss://bucket/x"])
    assert done.exit_code == (1 if words[0] == "certificates" else 3)
    assert done.stderr.startswith("abfss://bucket/x is a URI; expected a folder on this machine")
    assert ("a study's URL in an object store" in done.stderr) == (words[0] != "certificates")
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("uri", ["http://host:9000/bucket/x", "s3a://bucket/x", "file:///tmp/x"])
def test_where_a_store_would_do_its_urls_are_named_and_are_such(uri) -> None:
    with pytest.raises(StudyError) as caught:
        require_place(uri, StudyError)
    told = str(caught.value)
    assert told.startswith(f"{uri} is a URI; expected a folder on this machine, or a study's URL")
    named = re.findall(r"\b(\w+://)", told.removeprefix(uri))
    assert named == ["s3://", "gs://", "az://"]
    for scheme in named:
        require_place(f"{scheme}bucket/prefix", StudyError)


def test_no_function_takes_a_uri_for_a_path(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = crafted(tmp_path / "study", {0: [1]}, {0: [True]}, TINY)
    calls = [
        lambda uri: runner.sweep(TINY, uri),
        runner.sweep,
        runner.load_experiment,
        runner.open_study,
        runner.Study,
        runner.analyze,
        lambda uri: runner.write_report(study, uri),
        lambda uri: runner.write_report(study, figures=uri),
        lambda uri: export_table(study, f"{uri}.csv"),
        make_certificates,
        lambda uri: runner.sweep({"name": "t", "problem": {"table": f"{uri}.csv"}}, "there"),
        lambda uri: scheduler_address(ClusterOptions(scheduler_file=uri)),
    ]
    for call in calls:
        with pytest.raises(runner.RunnerError, match=r"^abfss://bucket/x.* is a URI; expected a f"):
            call("abfss://bucket/x")
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


def test_what_the_file_system_refuses_is_not_taken_for_missing(tmp_path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (loop, tmp_path / ("x" * 3000)):
        with pytest.raises(OSError, match=r"symbolic links|too long"):
            why_no_file(path)
    assert why_no_file(tmp_path / "none") == "does not exist"


@pytest.mark.parametrize("path", [5, ["a"], None, 1.5])
def test_what_is_no_path_is_refused(path) -> None:
    with pytest.raises(StudyError, match=r"path is .*; expected the path of a folder"):
        runner.open_study(path)
