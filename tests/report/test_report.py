"""The report: what it says, of studies of every kind, and that nothing gets out of its quotes."""

from __future__ import annotations

import csv
import io
import itertools
import math
import re
import shutil
import urllib.parse
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from support.crafted import EXPERIMENT, crafted
from typer.testing import CliRunner

import runner
from runner.cli.app import app
from runner.cli.runs import print_summary
from runner.errors import StudyError
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.report.figures import losses
from runner.report.figures.basins import boxes
from runner.report.figures.decision import draw_decision, drawn_output
from runner.report.figures.planes import apart
from runner.report.figures.scales import scale_axis, signed_axes
from runner.report.grid_axes import GridAxis
from runner.report.landscape_tables import Landscape, weights
from runner.report.network_outputs import network_losses
from runner.report.numbers import number, percent
from runner.report.style import PANEL, styled, tick_text
from runner.report.writer import write_report

GATES = {**EXPERIMENT, "grid": {"problem.gate": ["XOR", "OR"]}}
SLICE = {
    "distribution": "slice",
    "x": "W1[0,0]=-1:1:3",
    "y": "b2[0]=0:2:4",
    "at": [f"{w}=0.5" for w in ("W1[0,1]", "W1[1,0]", "W1[1,1]", "b1[0]", "b1[1]")]
    + ["W2[0,0]=1", "W2[0,1]=1"],
}


class Outline(HTMLParser):
    """Tags, attributes and text of a page; complains of tags that are not closed in order."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def report(study, **options) -> tuple[str, Outline]:
    path = write_report(study, **options)
    text = path.read_text()
    return text, Outline(text)


def words(outline: Outline) -> str:
    return re.sub(r"\s+", " ", " ".join(outline.text))


def checked(study) -> tuple[str, Outline]:
    """Write a report and check what holds of every one."""
    text, outline = report(study)
    assert len(text) < 5_000_000
    assert "http:" not in re.sub(r"data:[^\"]*", "", text)
    for drawing in re.findall(r"<svg .*?</svg>", text, re.DOTALL):
        named = drawing.replace("<svg ", '<svg xmlns:xlink="x" ', 1)
        assert ET.fromstring(named).get("aria-label")  # noqa: S314  our own file
    assert not any("style" in attributes for _, attributes in outline.tags)
    assert study.hashes["plan"] in text
    assert study.hashes["shards"] in text
    assert f"{study.n_done:,} of {study.plan.n_restarts:,}" in words(outline)
    return words(outline), outline


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    rng = np.random.default_rng(2)
    steps = {c: rng.integers(1, 100, 30).tolist() for c in (0, 1)}
    solved = {0: [k % 3 > 0 for k in range(30)], 1: [True] * 30}
    steps[0] = [s if ok else 100 for s, ok in zip(steps[0], solved[0], strict=True)]
    return crafted(tmp_path_factory.mktemp("report") / "s", steps, solved, GATES)


def test_it_opens_with_plain_sentences_with_the_tables_numbers(study) -> None:
    text, outline = checked(study)
    row = study.summary.loc[0]
    interval = f"{percent(row['ci_low'])} to {percent(row['ci_high'])}"
    assert f"66.7% of 30 random starts were solved (95% interval {interval})." in text
    assert f"20 of 30 random starts (66.7%; 95% interval {interval}) were solved" in text
    assert "The others are labelled plateau (10)." in text
    assert "All 30 random starts (100%;" in text
    needed = int(study.strategies.loc[0, "restarts_99"])
    assert f"With {needed} restarts, one is solved with a probability of 99%." in text
    sections = [a["aria-labelledby"] for a in outline.of("section")]
    assert sections == ["findings", "configurations", "figures", "tables", "run", "words"]
    assert len(outline.of("figure")) == 6
    assert "run python -m runner analyze on this study" in text


def test_every_cell_of_the_summary_is_in_the_report(study) -> None:
    _, outline = checked(study)
    values = {a["data-value"] for a in outline.of("td") if "data-value" in a}
    for column in ("n", "solved", "success_rate", "loss_median", "steps_q95"):
        for value in study.summary[column]:
            assert repr(float(value)) in values


def test_the_same_study_gives_the_same_bytes_and_no_setting_changes(study, tmp_path) -> None:
    before = dict(mpl.rcParams)
    first = write_report(study, tmp_path / "a.html").read_bytes()
    again = write_report(runner.open_study(study.path), tmp_path / "b.html").read_bytes()
    assert first == again
    assert dict(mpl.rcParams) == before


def test_the_first_paragraph_says_what_the_axis_does_and_what_is_stuck(study) -> None:
    text, outline = checked(study)
    assert "83.3% of 60 restarts are solved: from 66.7% of XOR 2-2-1 to 100% of OR 2-2-1." in text
    assert "By gate most are solved with OR (100%), fewest with XOR (66.7%)." in text
    (row,) = study.comparisons.to_dict("records")
    interval = f"{100 * row['ci_low']:.1f} to {100 * row['ci_high']:.1f}"
    assert f"The difference is 33.3 percentage points, 95% interval {interval}." in text
    assert "Of the others 10 are stuck (10 plateau at a loss of 0.6931)." in text
    targets = {(a["href"] or "")[1:] for a in outline.of("a") if (a["href"] or "").startswith("#")}
    assert {"figure-success", "table-comparisons", "figure-losses"} <= targets
    assert targets <= {attributes.get("id") for _, attributes in outline.tags}


def test_the_first_paragraph_finds_where_success_is_highest(tmp_path) -> None:
    experiment = {**EXPERIMENT, "grid": {"init.scale": [10, 0.1, 1]}}
    solved = {0: [True, False] * 20, 1: [False] * 40, 2: [True] * 40}
    path = tmp_path / "s"
    text, _ = checked(crafted(path, {c: [9] * 40 for c in range(3)}, solved, experiment))
    assert (
        "By scale success is highest at scale 1.0 with 100%, and 0% at scale 0.1, 50.0% at scale "
        "10.0. In all 3 pairs that differ in scale alone the difference is more than chance "
    ) in text
    crossed = {**experiment, "grid": {"init.scale": [0.1, 1], "training.learning_rate": [1, 2]}}
    solved = {0: [False] * 40, 1: [False] * 40, 2: [True] * 40, 3: [True] * 40}
    path = tmp_path / "crossed"
    text, _ = checked(crafted(path, {c: [9] * 40 for c in range(4)}, solved, crossed))
    assert "In both pairs that differ in scale alone the difference is more than chance" in text


def test_no_restart_is_solved(tmp_path) -> None:
    text, _ = checked(crafted(tmp_path / "s", {0: [100] * 9}, {0: [False] * 9}))
    assert "None of 9 random starts was solved (95% interval 0% to" in text
    assert "None of 9 random starts (0%; 95% interval 0% to" in text
    assert "All 9 are stuck (9 plateau at a loss of 0.6931)." in text
    assert "They are labelled plateau (9)." in text


def test_what_is_as_good_as_its_table_lets_any_weights_be_is_said_to_be(tmp_path) -> None:
    """Two rows of four contradict each other: ln 2 / 2 is the least that any network can have."""
    table = tmp_path / "contrary.csv"
    table.write_text("x1,x2,y\n0,0,0\n1,0,1\n1,1,0\n1,0,0\n")
    experiment = {**EXPERIMENT, "problem": {"table": str(table)}}
    losses = [math.log(2) / 2 * factor for factor in (1, 1.005, 1.02, 1.5)] + [math.nan]
    never = {0: [False] * 5}
    text, _ = checked(crafted(tmp_path / "s", {0: [100] * 5}, never, experiment, loss=losses))
    assert (
        "2 of those that are not solved are within 1% of the lowest loss that any weights can "
        "reach on their table." in text
    )
    for name, change in (("l2", {"loss": {"l2": 0.1}}), ("high", {})):
        there = crafted(tmp_path / name, {0: [100] * 5}, never, experiment | change, loss=losses[2])
        assert "the lowest loss that any weights" not in checked(there)[0]


def test_of_several_outputs_it_is_said_which_one_is_drawn() -> None:
    content = {"name": "t", "problem": {"gate": "XOR"}}
    frame = pd.DataFrame({"a": [0, 0, 1], "b": [0, 1, 1], "kind": ["x", "y", "z"]})
    classes = {"problem": {"table": frame, "target_columns": ["kind"]}}
    softmax = {"network": {"output": "softmax"}}
    (one,) = Plan(load_experiment(content)).configurations
    (two,) = Plan(load_experiment(content | softmax)).configurations
    (three,) = Plan(load_experiment(content | softmax | classes)).configurations
    assert drawn_output([one]) == ""
    assert drawn_output([two, one]).startswith(" Of several outputs the last one is drawn")
    assert drawn_output([three]) == " Of several outputs the last one is drawn, kind=z."
    assert drawn_output([three, two]) == " Of several outputs the last one is drawn."
    # it is the one whose values are in the picture
    weights = np.zeros(three.architecture.n_parameters)
    weights[list(three.architecture.parameter_names).index("b2[2]")] = 3.0
    axes = Figure().subplots()
    tips = draw_decision(three, weights, axes, 3, 1.0)
    told = " ".join(text for lines in tips.values() for text in lines)
    z = math.exp(3) / (math.exp(3) + 2)
    assert f"output {number(z)}, target 1" in told


@pytest.mark.parametrize("solved", [True, False])
def test_there_is_one_restart(tmp_path, solved: bool) -> None:
    text, _ = checked(crafted(tmp_path / "s", {0: [50]}, {0: [solved]}))
    assert f"The only restart was {'' if solved else 'not '}solved within 100 steps." in text
    assert ("It is labelled plateau." in text) != solved
    assert "They are labelled" not in text


@pytest.mark.parametrize("loss", [np.nan, np.inf])
def test_every_restart_diverged(tmp_path, loss: float) -> None:
    study = crafted(tmp_path / "s", {0: [7] * 5}, {0: [False] * 5}, label="diverged", loss=loss)
    text, _ = checked(study)
    assert "All 5 are diverged." in text
    assert "They are labelled diverged (5)." in text


def test_texts_on_neighbouring_levels_do_not_overlap() -> None:
    with styled():
        figure = Figure(figsize=(PANEL.width, PANEL.height))
        axes = figure.add_axes(PANEL.box)
        axes.set_xlim(0, 12)
        levels = [4.77, 5.43, 5.87, 10.0, 10.5, 1.3333, 1.4, 1.41, 1.42]
        losses.mark(axes, levels)
        figure.savefig(io.BytesIO())
        boxes = [text.get_window_extent() for text in axes.texts]
    assert list(axes.lines[0].get_xdata()) == levels
    assert [text.get_text() for text in axes.texts][-1] == "1.4100"  # no room for a fourth
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert min(box.y0 for box in boxes) >= axes.bbox.y1  # above the bars that they mark


@settings(max_examples=20)
@given(st.lists(st.floats(1e-6, 1e6), min_size=3, max_size=20, unique=True).map(sorted))
def test_names_of_ticks_do_not_overlap(values) -> None:
    axis = GridAxis("init.scale", dict(enumerate(values)))
    with styled():
        figure = Figure(figsize=(PANEL.width, PANEL.height))
        axes = figure.add_axes(PANEL.box)
        axes.plot(values, values)
        scale_axis(axes, "x", axis)
        figure.savefig(io.BytesIO())
        named = [t for t in axes.get_xticklabels() if t.get_text()]
        boxes = [t.get_window_extent() for t in named]
    assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
    assert named[0].get_text() == tick_text(values[0])


def test_the_numbers_of_a_figure_can_be_downloaded(study) -> None:
    _, outline = checked(study)
    links = {a["download"]: a["href"] or "" for a in outline.of("a") if "download" in a}
    content = urllib.parse.unquote(links["crafted-success.csv"].partition(",")[2])
    rows = list(csv.DictReader(io.StringIO(content)))
    assert [row["problem.gate"] for row in rows] == ["XOR", "OR"]
    assert [float(row["success_rate"]) for row in rows] == study.summary["success_rate"].tolist()


def test_marks_tell_their_numbers(study) -> None:
    told = re.findall(r"<title>([^<]*)</title>", report(study)[0])
    assert "XOR 2-2-1: 66.7% solved (20 of 30)" in told
    assert "XOR 2-2-1: 33.3% plateau (10 of 30)" in told
    assert "OR 2-2-1: 100% solved (30 of 30)" in told


def test_nothing_is_trained_yet(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [1] * 4}, {0: [True] * 4}, commit=False)
    text, outline = checked(study)
    assert "Unfinished: 0 of 4 restarts are trained" in text
    assert "Nothing yet: no restart is trained." in text
    assert not outline.of("figure")


def test_failures_are_told_and_escaped(tmp_path) -> None:
    study = crafted(tmp_path / "s", {0: [9] * 4}, {0: [True] * 4}, failed=(2,))
    text, outline = checked(study)
    assert "1 restart could not be trained" in text
    assert "ValueError: <b>no</b>" in text
    assert not outline.of("b")


@pytest.mark.parametrize(("stops", "solved"), [(True, True), (True, False), (False, True)])
def test_losses_of_restarts_that_stop_when_solved_are_explained(
    tmp_path, capsys, stops: bool, solved: bool
) -> None:
    """In the report and below the table of a sweep's end, where there is such a restart."""
    experiment = {**EXPERIMENT, "training": {"max_steps": 100, "stop_solved": stops}}
    study = crafted(tmp_path / "s", {0: [9, 9]}, {0: [solved, False]}, experiment)
    expected = stops and solved
    assert ("A restart that is solved stops at once" in checked(study)[0]) == expected
    print_summary(study)
    said = " ".join("".join(capsys.readouterr()).split())
    assert ("A restart that is solved stops at once" in said) == expected


def test_a_slice_is_no_random_sample(tmp_path) -> None:
    experiment = {**EXPERIMENT, "init": SLICE}
    solved = {0: [k % 2 == 0 for k in range(12)]}
    study = crafted(tmp_path / "s", {0: [9] * 12}, solved, experiment)
    text, outline = checked(study)
    assert "6 of the slice's 12 starts (50.0%) were solved" in text
    said = text.partition("95% interval made by a rule")[0]  # as the glossary has it
    assert said.count("interval") == said.count("have no intervals") == 1
    assert "ci_low" not in text
    assert study.summary[["ci_low", "ci_high"]].isna().all(axis=None)
    assert any(
        (figure["aria-label"] or "").startswith("Pictures of the square of starts. Solved: 50.0%")
        for figure in outline.of("figure")
    )
    assert "Grey: not solved." in text
    # labels are areas in colours of the page's theme, only steps and their scale are images
    page = write_report(study).read_text()
    drawing = page.partition('id="figure-basins"')[2].partition("</figure>")[0]
    steps, labels = drawing.split('<div class="panel cut">')
    assert "<image" in steps
    assert "<image" not in labels
    none = crafted(tmp_path / "none", {0: [9] * 12}, {0: [False] * 12}, experiment)
    assert "None was solved. Grey: loss not finite." in checked(none)[0]


def test_what_is_equal_is_said_to_be(tmp_path) -> None:
    experiment = {**EXPERIMENT, "grid": {"problem.gate": ["XOR", "OR", "NAND", "XNOR"]}}
    solved = {0: [False, False], 1: [True, True], 2: [True, True], 3: [True, False]}
    steps = {c: [9, 9] for c in solved}
    text, _ = checked(crafted(tmp_path / "s", steps, solved, experiment))
    assert "from 0% of XOR 2-2-1 to 100% of OR 2-2-1 and 1 more." in text
    assert "most are solved with OR and 1 more (100%), fewest with XOR (0%)." in text


def test_boxes_cover_each_cell_once_with_its_rank() -> None:
    ranks = np.random.default_rng(3).integers(-1, 3, (13, 17))
    covered = np.full(ranks.shape, -1)
    for rank, left, low, right, high in boxes(ranks):
        assert (covered[low:high, left:right] == -1).all()
        covered[low:high, left:right] = rank
    np.testing.assert_array_equal(covered, ranks)


def test_names_of_near_classes_are_moved_apart_and_those_of_far_ones_are_not() -> None:
    assert apart(np.array([[-60.0, 0.0], [60.0, 0.0], [0.0, 50.0]])) == [0.0, 0.0, 0.0]
    near = np.array([[-10.0, 0.0], [-11.0, 1.0], [-9.0, -1.0]])
    heights = sorted(near[:, 1] + apart(near))
    assert min(np.diff(heights)) > 10


def test_far_weights_are_on_a_scale_on_which_near_ones_are_seen() -> None:
    with styled():
        axes = Figure().add_subplot()
        values = np.array([-3.0, -1.0, 2.0, 4.0])
        axes.plot(values, values, "o")
        assert not signed_axes(axes, values)
        axes.plot(5000.0, -5000.0, "o")
        assert signed_axes(axes, np.append(values, 5000.0))
        assert axes.get_xscale() == axes.get_yscale() == "symlog"
        places = axes.transData.transform(np.column_stack([[2.0, 4.0, 5000.0]] * 2))[:, 0]
        assert (places[1] - places[0]) / (places[2] - places[0]) > 0.02


HOSTILE = [
    "<script>alert(1)<script>.csv",
    '"><img src=x onerror=alert(1)>.csv',
    "$\\frac{$.csv",
    "表<>&'.csv",
    "]]>.csv",
    "{{ 7*7 }}.csv",
]


def test_what_comes_from_an_experiment_stays_text(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in HOSTILE:
        Path(name).write_text("x0,x1,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")
    experiment = {**EXPERIMENT, "problem": {}, "grid": {"problem.table": HOSTILE}}
    cases = range(len(HOSTILE))
    steps, solved = {c: [9, 100] for c in cases}, {c: [True, False] for c in cases}
    text, outline = checked(crafted(tmp_path / "s", steps, solved, experiment))
    assert len(outline.of("script")) == 1
    assert all("onerror" not in attributes for _, attributes in outline.tags)
    for name in HOSTILE:
        assert f"{name} 2-2-1" in text
    assert "49.csv" not in text


def test_many_configurations_are_cut_and_said_to_be(tmp_path) -> None:
    scales = [round(0.1 * k, 1) for k in range(1, 46)]
    experiment = {**EXPERIMENT, "grid": {"training.learning_rate": scales}}
    steps = {c: [5, 100] for c in range(45)}
    study = crafted(tmp_path / "s", steps, {c: [True, False] for c in range(45)}, experiment)
    text, outline = checked(study)
    assert "Of 45 configurations the 12 are shown whose restarts differ most in outcome" in text
    assert "In words, configuration by configuration" in text
    assert "The first 100 of 990 rows; all: study.comparisons in Python." in text
    assert len(outline.of("figure")) == 6


def test_a_place_that_cannot_be_written_is_named(study, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match="cannot write"):
        write_report(study, tmp_path / "file" / "r.html")


def test_the_command_line_writes_reports_and_figures(study, tmp_path) -> None:
    out, figures = tmp_path / "r.html", tmp_path / "deep" / "figures"
    arguments = ["report", str(study.path), "--out", str(out), "--figures", str(figures)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0
    assert str(out) in done.stdout.replace("\n", "")
    assert out.stat().st_size > 50_000
    stems = ["budgets", "costs", "curves", "losses", "success", "times"]
    names = sorted(path.name for path in figures.iterdir())
    assert names == sorted(f"{stem}.{kind}" for stem in stems for kind in ("png", "svg"))
    for path in figures.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    assert CliRunner().invoke(app, ["report", str(tmp_path / "none")]).exit_code == 3


def test_a_wrong_slice_is_refused_on_the_command_line() -> None:
    experiment = Path(__file__).parents[2] / "experiments" / "width.toml"
    done = CliRunner().invoke(app, ["slice", str(experiment), "--x", "q", "--y", "r"])
    assert done.exit_code == 2
    assert "--x is 'q'" in done.stderr
    assert "--y is 'r'" in done.stderr


@pytest.fixture(scope="module")
def analysed(tmp_path_factory):
    """Tanh units, targets that can be reached and an L2 term: minima are finite."""
    experiment = {
        "name": "analysed",
        "restarts": 60,
        "problem": {"gate": "XOR", "inputs": [-1, 1], "targets": [-0.8, 0.8]},
        "network": {"activation": "tanh", "output": "tanh"},
        "loss": {"kind": "squared-error", "l2": 1e-3},
        "init": {"scale": 2.0},
        "training": {"learning_rate": 0.5, "max_steps": 2000},
    }
    path = tmp_path_factory.mktemp("analysed") / "study"
    with (
        LocalCluster(
            n_workers=1, processes=False, threads_per_worker=1, dashboard_address="127.0.0.1:0"
        ) as cluster,
        Client(cluster) as client,
    ):
        runner.sweep(experiment, path, client)
        return runner.analyze(path, client)


def test_an_analysed_study_shows_its_landscape(analysed) -> None:
    text, outline = checked(analysed)
    minima = analysed.minima
    kinds = minima["kind"].value_counts()
    assert kinds["minimum"] >= 2
    share = percent(minima["share"].sum())
    amount = "all fall" if share == "100%" else f"{share} fall"
    assert f"{amount} into {len(minima)} classes" in text
    assert (f", to which {share} of the endpoints came;" in text) == (share != "100%")
    assert share != "100%"
    none = analysed.restarts.loc[analysed.classes["class"] < 0, "label"].astype(str).value_counts()
    assert none.sum() == 60 - minima["size"].sum()
    (told,) = re.findall(r"came to no class \(([^)]*)\)\.", text)
    assert dict(part.split(" ")[::-1] for part in told.split(", ")) == none.astype(str).to_dict()
    assert f"{kinds['minimum']} minima" in text
    assert re.search(rf"{kinds['minimum']} minima (up to symmetry|among them)", text)
    assert "once hidden units are aligned); verdict: non-convex, proven." in text
    (verdict,) = analysed.verdicts.to_dict("records")
    assert f"Convexity Non-convex, proven. {verdict['reason']}" in text
    barriers = analysed.barriers
    for aligned in (False, True):
        height = number(float(barriers.loc[barriers["aligned"] == aligned, "excess"].max()))
        assert f"up to {height}" in text
    curves = barriers.dropna(subset="curve_barrier").groupby(["restart_a", "restart_b"])
    lowest = curves["curve_barrier"].min()
    assert len(lowest)
    assert f"For {len(lowest)} pair" in text
    assert f"{number(float(lowest.max()))} at most" in text
    assert "n = 60 analysed restarts of each configuration" in text
    assert "run python -m runner analyze" not in text
    headings = [words for words in outline.text if words.strip()]
    for heading in (
        *("What the hidden units look like", "What each class computes"),
        *("Hills between the endpoints", "The loss between three classes"),
        *("Convexity", "Classes of endpoints", "Classes not seen", "Barriers"),
    ):
        assert heading in headings


def test_a_table_that_cannot_be_read_is_named_and_the_others_are_shown(analysed, tmp_path) -> None:
    path = tmp_path / "study"
    shutil.copytree(analysed.path, path)
    (path / "tables" / "minima.parquet").write_bytes(b"PAR1 and then nothing")
    text, outline = checked(runner.open_study(path))
    assert (
        "Left out of this report, because 1 table of the analysis cannot be read, or not for these "
        "restarts: study.minima . Run python -m runner analyze on this study" in text
    )
    headings = [words for words in outline.text if words.strip()]
    assert "Classes of endpoints" not in headings
    assert "Barriers" in headings
    (path / "tables" / "barriers.parquet").unlink()
    text, _ = checked(runner.open_study(path))
    assert (
        "2 tables of the analysis cannot be read, or not for these restarts: study.minima" in text
    )
    assert "study.barriers" in text
    assert "are not here yet" not in text
    shutil.rmtree(path / "tables")
    text, _ = checked(runner.open_study(path))
    assert "Left out of this report" not in text
    assert "are not here yet: run python -m runner analyze" in text


def test_representatives_are_drawn_where_the_table_says(analysed) -> None:
    (configuration,) = analysed.plan.configurations
    landscape = Landscape(analysed)
    rows = landscape.minima(configuration)
    found = network_losses(configuration, weights(rows, configuration).T)
    np.testing.assert_allclose(found, rows["loss"], rtol=1e-9)


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0%"), (1.0, "100%"), (0.5, "50.0%"), (0.9996, "99.96%"), (0.00042, "0.042%")],
)
def test_shares_are_told_from_none_and_all(share: float, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1234567, "1,234,567"), (0.34657359, "0.3466"), (np.inf, "∞"), (np.nan, ""), (1e-9, "1e-09")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert number(value) == text


def test_what_cannot_be_reached_and_which_columns_are_targets_is_said(tmp_path) -> None:
    table = tmp_path / "clash<b>.csv"
    table.write_text("x,label,y\n0,0,0\n1,0,0\n1,0,1\n")
    experiment = {**EXPERIMENT, "problem": {"table": str(table)}}
    study = crafted(tmp_path / "s", {0: [9, 9]}, {0: [False, False]}, experiment)
    table.unlink()  # the study knows its columns by itself
    text = "".join(Outline(write_report(study).read_text()).text)
    assert f"{table}: 3 rows; inputs x, label; target y." in text
    assert "2 of 3 rows have the inputs of another row, but other targets." in text
    loss = 2 * np.log(2) / 3
    assert f"a loss of {loss:.4g}, 2 of 3 rows right. No restart can be solved." in text
