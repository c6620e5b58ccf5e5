"""Studies that grow: what a grown study holds is what one holds that was asked for at once."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.in_process import swept

from runner.errors import ExperimentError, StudyError
from runner.experiment.batches import Batch
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.study import damage
from runner.study.growth import added_text, planned
from runner.study.hashed_json import hashed_json
from runner.study.plan_file import PlanFile
from runner.study.store import Store
from runner.study.study import Study, open_study

AND: dict[str, Any] = {
    "name": "growing",
    "restarts": 3,
    "problem": {"gate": "AND"},
    "network": {"hidden": []},
    "training": {"max_steps": 3},
}
GATES = ["AND", "OR", "NAND"]
RATES = [0.5, 1.0, 2.0]


def asked(content: dict[str, Any], batch_size: int | None = None) -> Plan:
    return Plan(load_experiment(content), batch_size=batch_size)


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[dict[str, Any], int]]:
    """What a study is asked for, one time after the other: never less than before."""
    gates, rates, restarts = [draw(st.sampled_from(GATES))], [draw(st.sampled_from(RATES))], 0
    history = []
    for _ in range(draw(st.integers(1, 4))):
        restarts += draw(st.integers(1, 5))
        gates = draw(st.permutations(sorted({*gates, *draw(st.sets(st.sampled_from(GATES)))})))
        rates = draw(st.permutations(sorted({*rates, *draw(st.sets(st.sampled_from(RATES)))})))
        axes = {"problem.gate": list(gates), "training.learning_rate": list(rates)}
        order = draw(st.permutations(sorted(axes)))
        grid = {path: axes[path] for path in order}
        history.append((AND | {"restarts": restarts, "grid": grid}, draw(st.integers(1, 7))))
    return history


@given(histories())
def test_a_growing_plan_has_every_restart_in_one_batch(history) -> None:
    plan = asked(*history[0])
    before: set[str] = set()
    for content, size in history[1:]:
        names = [batch.name for batch in plan.batches()]
        plan = plan.grown(asked(content, size))
        before |= set(names)
        assert [batch.name for batch in plan.batches()][: len(names)] == names  # none has changed
    whole, seen = asked(plan.experiment.model_dump(mode="json")), []
    for batch in plan.batches():
        assert plan.holds(batch)
        assert len({c.signature() for c in plan.members(batch)}) == 1
        for segment, stored in zip(plan.segments(batch), plan.stored_segments(batch), strict=True):
            c = segment.configuration
            assert c.id == stored.configuration.id == whole.configurations[c.index].id
            assert stored.configuration.index == plan.numbers[c.index]
            seen += [(c.index, k) for k in range(segment.start, segment.stop)]
    names = [batch.name for batch in plan.batches()]
    assert len(set(names)) == len(names)
    assert len(seen) == plan.n_restarts == whole.n_restarts
    assert sorted(seen) == [
        (c, k) for c in range(len(whole.configurations)) for k in range(plan.experiment.restarts)
    ]


def tables(study: Study) -> dict[str, pd.DataFrame]:
    names = ("configurations", "restarts", "weights", "starts", "curves", "summary", "times")
    return {name: getattr(study, name) for name in names}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory) -> None:
    """PyTensor is loaded, which raises Python's limit of recursion for good."""
    swept(tmp_path_factory.mktemp("compiled"), AND)


@settings(max_examples=8)
@given(history=histories(), most=st.integers(0, 3))
def test_a_grown_study_is_the_study_that_was_asked_for_at_once(compiled, history, most) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        for content, size in history:
            files = {p: p.read_bytes() for p in (path / "grown").rglob("*") if p.is_file()}
            grown = swept(path / "grown", content, size, most)  # perhaps not to its end
            described = {path / "grown" / n for n in ("experiment.toml", "configurations.parquet")}
            for p in files.keys() - described:
                assert p.read_bytes().startswith(files[p])  # the log has more lines; else the same
        grown = swept(path / "grown", content, size)
        # where nothing was added the study is as it was, and with it the order of its grid
        whole = swept(path / "whole", grown.experiment.model_dump(mode="json"))
        assert grown.complete
        assert damage.find(grown._store, grown.plan) == []
        pd.testing.assert_series_equal(grown.configuration_hashes, whole.configuration_hashes)
        for name, table in tables(whole).items():
            pd.testing.assert_frame_equal(tables(grown)[name], table)
        told = pq.read_table(path / "grown" / "configurations.parquet").to_pandas()
        numbered = dict(zip(told["configuration"], told["id"], strict=True))
        assert [numbered[n] for n in grown.plan.numbers] == grown.configurations["id"].tolist()
        experiment = path / "whole" / "experiment.toml"
        assert (path / "grown" / "experiment.toml").read_bytes() == experiment.read_bytes()


def test_growing_says_what_it_adds() -> None:
    small = asked(AND | {"restarts": 100})
    more = small.grown(asked(AND | {"restarts": 1000}))
    assert added_text(more) == "adds 900 restarts"
    grid = {"grid": {"problem.gate": ["AND", "OR"]}}
    two = more.grown(asked(AND | {"restarts": 1000} | grid))
    assert added_text(two) == "adds 1 configuration of 1,000 restarts"
    wide = {"grid": {"problem.gate": ["AND", "OR", "XOR"], "network.hidden": [[], [2]]}}
    all_of_it = two.grown(asked(AND | {"restarts": 1900} | wide))
    assert added_text(all_of_it) == (
        "adds 900 restarts to each of 2 configurations, and 4 configurations of 1,900 restarts"
    )
    uneven = two.grown(asked(AND | {"restarts": 9000} | grid), [2000, 1500])
    assert added_text(uneven) == "adds 500 to 1,000 restarts to each of 2 configurations"
    assert uneven.n_restarts == 3500


def test_the_number_of_curves_is_the_first_ones_for_good(tmp_path) -> None:
    first = swept(tmp_path, AND | {"curves": 2})
    assert first.curves["restart"].max() == 1
    grown = swept(tmp_path, AND | {"restarts": 5})
    assert grown.curves["restart"].max() == 1
    with pytest.raises(StudyError, match="curves was 2, now 4"):
        swept(tmp_path, AND | {"restarts": 6, "curves": 4})
    assert swept(tmp_path, AND | {"restarts": 6, "curves": 2}).curves["restart"].max() == 1


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"restarts": 2}, r"restarts is 2; expected at least 3, .* nothing is thrown away"),
        ({"restarts": 9, "seed": 7}, "seed was 1990, now 7"),
        ({"restarts": 9, "training": {"max_steps": 4}}, "max_steps was 3, now 4"),
        ({"problem": {"gate": "OR"}}, "problem.gate was 'AND', now 'OR'"),
        ({"name": "other", "restarts": 9}, "name was 'growing', now 'other'"),
    ],
)
def test_what_is_no_growth_is_refused(tmp_path, other, reason) -> None:
    path = swept(tmp_path, AND).path
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    with pytest.raises(StudyError, match=reason):
        swept(path, AND | other)
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before


@pytest.mark.parametrize(
    ("restarts", "size", "also"),
    [
        (9, 2, []),  # both may change where restarts are added
        (5, 3, ["restarts was 6, now 5", "batch_size (--batch-size) was nothing, now 3"]),
        (6, 3, ["batch_size (--batch-size) was nothing, now 3"]),
    ],
)
def test_what_may_change_is_no_reason_of_a_refusal(tmp_path, restarts, size, also) -> None:
    raw: dict[str, Any] = {"name": "g", "restarts": 6, "problem": {"gate": "AND"}}
    with Store(tmp_path).writer() as writer:
        writer.create(Plan(load_experiment(raw | {"training": {"max_steps": 3}})))
    asked = Plan(load_experiment(raw | {"restarts": restarts}), batch_size=size)
    with pytest.raises(StudyError) as caught:
        planned(Store(tmp_path), asked, "cpu")
    reasons = str(caught.value).partition("run now: ")[2].partition(". Choose")[0].split("; ")
    assert sorted(reasons) == sorted(["training.max_steps was 3, now 10000", *also])


def test_fewer_configurations_are_refused_by_name(tmp_path) -> None:
    swept(tmp_path, AND | {"grid": {"problem.gate": ["AND", "OR", "XOR"]}})
    with pytest.raises(StudyError, match=r"2 configurations .*\(gate 'OR'; gate 'XOR'\)"):
        swept(tmp_path, AND | {"restarts": 100})
    hidden = {"network.hidden": [[], [2]]}
    swept(tmp_path / "hidden", AND | {"grid": hidden})
    with pytest.raises(StudyError, match=r"1 configuration of the study \(hidden \[2\]\)"):
        swept(tmp_path / "hidden", AND)


def test_what_was_left_out_can_be_added_and_so_can_single_configurations(tmp_path) -> None:
    grid = {"grid": {"problem.gate": ["AND", "OR"]}}
    swept(tmp_path / "s", AND | grid | {"exclude": [{"problem.gate": "AND"}]})
    extra = {"extra": [{"problem.gate": "AND", "training.learning_rate": 3.0}]}
    grown = swept(tmp_path / "s", AND | grid | extra)
    assert grown.plan.numbers.tolist() == [1, 0, 2]
    at_once = swept(tmp_path / "whole", AND | grid | extra)
    pd.testing.assert_frame_equal(grown.restarts, at_once.restarts)


def test_a_slice_grows_by_configurations_and_not_by_points(tmp_path) -> None:
    init = {"distribution": "slice", "x": "W1[0,0]=-1:1:2", "y": "W1[0,1]=-1:1:3"}
    init |= {"at": ["b1[0]=0.5"]}
    content = {key: value for key, value in AND.items() if key != "restarts"} | {"init": init}
    more = content | {"grid": {"problem.gate": ["OR", "AND"]}}
    swept(tmp_path / "s", content)
    grown, at_once = swept(tmp_path / "s", more), swept(tmp_path / "whole", more)
    assert grown.trained.tolist() == [6, 6]
    assert grown.configuration_hashes.equals(at_once.configuration_hashes)
    pd.testing.assert_frame_equal(grown.starts, at_once.starts)
    finer = more | {"init": init | {"x": "W1[0,0]=-1:1:4"}}
    with pytest.raises(StudyError, match=r"init\.x was 'W1\[0,0\]=-1:1:2', now 'W1\[0,0\]=-1:1:4'"):
        swept(tmp_path / "s", finer)


def test_a_batch_size_counts_for_what_is_added(tmp_path) -> None:
    swept(tmp_path, AND, batch_size=2)
    with pytest.raises(StudyError, match=r"batch_size \(--batch-size\) was 2, now nothing"):
        swept(tmp_path, AND)
    study = swept(tmp_path, AND | {"restarts": 9}, batch_size=5)
    assert [len(batch) for batch in study.plan.batches()] == [2, 1, 5, 1]


def test_a_reader_from_before_a_growth_keeps_what_it_has_seen(tmp_path) -> None:
    early = swept(tmp_path, AND)
    _ = early.plan
    swept(tmp_path, AND | {"restarts": 9})
    assert len(early.restarts) == 3
    assert len(open_study(tmp_path).restarts) == 9


def test_a_growth_of_which_nothing_is_trained_can_be_taken_back(tmp_path) -> None:
    before = swept(tmp_path, AND).restarts
    study = swept(tmp_path, AND | {"restarts": 10**6}, most=0)
    assert not study.complete
    (tmp_path / "rounds" / "001.json").unlink()
    back = open_study(tmp_path)
    assert back.complete
    pd.testing.assert_frame_equal(back.restarts, before)


class TestARoundFromElsewhere:
    """Files in ``rounds/`` that are damaged, of another study, or made up."""

    @pytest.fixture
    def path(self, tmp_path) -> Path:
        return swept(tmp_path / "study", AND | {"restarts": 5}, most=0).path

    @pytest.fixture
    def grown(self, path) -> Path:
        return swept(path, AND | {"restarts": 9}, most=0).path / "rounds" / "001.json"

    def test_a_flipped_byte(self, grown) -> None:
        grown.write_bytes(grown.read_bytes().replace(b'"restarts": 9', b'"restarts": 8'))
        with pytest.raises(StudyError, match=r"rounds/001.json is damaged .* SHA-256"):
            open_study(grown.parents[1])

    def test_a_gap_and_a_stranger(self, grown) -> None:
        shutil.copy(grown, grown.with_name("003.json"))
        with pytest.raises(StudyError, match=r"rounds/ holds '003.json'; expected 001.json and on"):
            open_study(grown.parents[1])
        grown.with_name("003.json").rename(grown.with_name("notes.txt"))
        with pytest.raises(StudyError, match=r"'notes\.txt'"):
            open_study(grown.parents[1])

    def test_what_a_crash_has_left(self, grown) -> None:
        torn = grown.with_name("002.json.tmp")
        torn.write_bytes(b"{")
        assert len(open_study(grown.parents[1]).plan.rounds) == 2
        swept(grown.parents[1], AND | {"restarts": 9})
        assert not torn.exists()

    def test_a_link(self, grown, tmp_path) -> None:
        grown.rename(tmp_path / "away.json")
        grown.symlink_to(tmp_path / "away.json")
        with pytest.raises(StudyError, match="is a symbolic link"):
            open_study(grown.parents[1])

    def test_one_of_another_study(self, grown, tmp_path) -> None:
        other = swept(tmp_path / "other", AND | {"seed": 3, "restarts": 5}, most=0).path
        (other / "rounds").mkdir()
        shutil.copy(grown, other / "rounds")
        with pytest.raises(StudyError, match=r"001.json is of another study .* follow plan.json"):
            open_study(other)

    @pytest.mark.parametrize(
        "added",
        [
            [],
            [[0, 1, 4, 9]],
            [[0, 1, 5, 5]],
            [[0, 2, 5, 9]],
            [[1, 1, 0, 9]],
            [[0, 10**12, 5, 9]],
            [[0, 1, 5, 9], [0, 1, 9, 10]],
            [[0, 1, 5, 10**12]],
            [[0, 1, 5, 9.0]],
            [[0, 1, 5]],
            [None],
            {"0": 9},
            "9",
        ],
    )
    def test_one_that_is_whole_but_no_growth(self, grown, added) -> None:
        content = json.loads(grown.read_bytes())
        del content["sha256"]
        content["plan"]["added"] = added
        grown.write_bytes(hashed_json(content))
        with pytest.raises(StudyError, match=r"rounds/001\.json is whole, but not a plan"):
            open_study(grown.parents[1])

    def test_one_that_loses_a_configuration(self, grown) -> None:
        content = json.loads(grown.read_bytes())
        del content["sha256"]
        content["plan"]["experiment"]["problem"]["gate"] = "OR"
        grown.write_bytes(hashed_json(content))
        with pytest.raises(StudyError, match=r"rounds/001\.json is whole, but not a plan"):
            open_study(grown.parents[1])

    def test_a_log_of_a_round_that_is_gone(self, path) -> None:
        swept(path, AND | {"restarts": 9})
        (path / "rounds" / "001.json").unlink()
        with pytest.raises(StudyError, match="in the log, but not in the plan"):
            _ = open_study(path).restarts
        with pytest.raises(StudyError, match="in the log, but not in the plan"):
            swept(path, AND | {"restarts": 12})

    def test_a_log_of_another_plan_before_anything_is_trained(self, tmp_path) -> None:
        path, more = swept(tmp_path / "study", AND).path, AND | {"restarts": 9}
        other = swept(tmp_path / "other", more).path
        (path / "plan.json").write_bytes((other / "plan.json").read_bytes())
        log = (path / "commits.jsonl").read_bytes()
        with pytest.raises(StudyError, match="in the log, but not in the plan"):
            swept(path, more)
        assert (path / "commits.jsonl").read_bytes() == log

    def test_a_log_of_another_plan_when_nothing_is_added(self, tmp_path) -> None:
        path, more = swept(tmp_path / "study", AND).path, AND | {"restarts": 9}
        swept(path, more)
        with Store(path).writer() as writer:
            writer.commit(Batch(0, 0, 2), b"shard", 2, [])
        with pytest.raises(StudyError, match="in the log, but not in the plan"):
            swept(path, more)


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ("0,0,0\n0,1,1\n1,0,1\n1,1,0\n", "parity.csv had 3 rows, now 4"),
        ("0,0,0\n0,1,0\n1,0,1\n", "parity.csv: row 2 of column 'y' was 1.0, now 0.0"),
    ],
)
def test_another_table_is_told_by_what_is_new_in_it(tmp_path, rows, text) -> None:
    table = tmp_path / "parity.csv"
    table.write_text("a,b,y\n0,0,0\n0,1,1\n1,0,1\n")
    own = AND | {"problem": {"table": str(table)}}
    swept(tmp_path / "study", own)
    table.write_text(f"a,b,y\n{rows}")
    with pytest.raises(StudyError, match=text):
        swept(tmp_path / "study", own)


def test_levels_are_no_difference_where_a_file_sets_them_to_the_default(tmp_path) -> None:
    levels = {"problem": {"gate": "AND", "inputs": [0.0, 1.0]}}
    swept(tmp_path, AND | levels)
    with pytest.raises(StudyError, match=r"run now: problem\.gate was 'AND', now 'OR'\. Choose"):
        swept(tmp_path, AND | {"problem": {"gate": "OR"}})
    with pytest.raises(
        StudyError, match=r"problem\.inputs was \[0\.0, 1\.0\], now \[-1\.0, 1\.0\]"
    ):
        swept(tmp_path, AND | {"problem": {"gate": "AND", "inputs": [-1.0, 1.0]}})


def test_what_a_file_does_not_have_is_nothing(tmp_path) -> None:
    swept(tmp_path, AND)
    asked_now = AND | {"problem": {}, "grid": {"problem.gate": ["OR"]}}
    text = r"problem\.gate was 'AND', now nothing; grid\.problem\.gate was nothing, now \['OR'\]"
    with pytest.raises(StudyError, match=text):
        swept(tmp_path, asked_now)
    skips = AND | {"grid": {"network.skip": [False, "all"]}, "training": {"max_steps": 4}}
    with pytest.raises(StudyError, match=r"skip was nothing, now \[false, 'all'\]"):
        swept(tmp_path, skips)


def test_a_plan_does_not_shrink() -> None:
    with pytest.raises(ExperimentError, match="would become fewer"):
        asked(AND).grown(asked(AND | {"restarts": 2}))
    with pytest.raises(ExperimentError, match="a configuration is gone"):
        asked(AND).grown(asked(AND | {"problem": {"gate": "OR"}}))


def test_the_hash_of_a_plan_holds_those_of_all_its_rounds(tmp_path) -> None:
    hashes = {swept(tmp_path, AND, most=0).hashes["plan"]}
    for restarts in (5, 9):
        study = swept(tmp_path, AND | {"restarts": restarts}, most=0)
        hashes.add(study.hashes["plan"])
    assert len(hashes) == 3
    first, second, third = PlanFile(Store(tmp_path)).contents()
    assert (second["after"], third["after"]) == (first["sha256"], second["sha256"])
    assert planned(Store(tmp_path), asked(AND | {"restarts": 9}), "cpu").n_restarts == 9
