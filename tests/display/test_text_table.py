"""No number is broken in a terminal of any width: every table that a command prints, at each."""

from __future__ import annotations

import io
import re
from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from support.crafted import EXPERIMENT, crafted

from runner.cli.printed_tables import plan_table, summary_table, verdict_table
from runner.dispatch.progress import Progress
from runner.display.progress import shown_progress
from runner.display.text_table import Column, table_text
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.landscape.analysis import analyze

WIDTHS = range(40, 201)
NUMBER = re.compile(r"[^\s]*\d[^\s]*")
GRID = {
    "problem.gate": ["XOR", "A-AND-NOT-B", "PARITY-10"],
    "network.hidden": [[], [2], [16, 8, 4]],
    "init.scale": [0.001, 1, 1234.5],
    "training.learning_rate": [1e-12, 30],
}


def numbers(text: str) -> Counter[str]:
    """Whatever has a digit, less the comma or bracket that a text puts after it."""
    return Counter(word.strip("[],();") for word in NUMBER.findall(text))


def check(columns: list[Column], width: int) -> set[str]:
    """Check a table at a width; return the names of columns that are left out."""
    text = table_text(columns, width).plain
    body, _, note = text.partition("\n(no room for: ")
    note = " ".join(note.split()).rstrip(")")
    gone = set(filter(None, note.split(", ")))
    assert gone <= {column.name for column in columns if column.left_out}
    shown = [column for column in columns if column.name not in gone]
    expected = sum((numbers(cell) for c in shown for cell in c.cells), Counter())
    n_records = body.count("\n\n") + 1 if "\n\n" in body else 1
    for column in shown:  # names of columns may have digits too: as often as there are records
        expected += Counter(dict.fromkeys(numbers(column.name), n_records))
    assert numbers(body) == expected
    assert all(len(line) <= width for line in text.splitlines())
    return gone


def tables() -> dict[str, list[Column]]:
    counts = {"plateau": 123_456_789, "saturated": 0, "oscillating": 45_678, "stationary": 9}
    counts |= {"cycling": 1, "descending": 23_456, "diverged": 987_654_321}
    rows = [
        {
            "problem.gate": "A-AND-NOT-B",
            "network.hidden": [16, 8, 4],
            "init.scale": scale,
            "n": 1_234_567_890,
            "success_rate": rate,
            "ci_low": rate * 0.99,
            "ci_high": min(1, rate * 1.01),
            "loss_median": loss,
        }
        | counts
        for scale, rate, loss in ((1e-12, 0.643, 1.2345e-302), (30.0, 1.0, 6.9e300))
    ]
    summary = pd.DataFrame(rows)
    axes = ["problem.gate", "network.hidden", "init.scale"]
    plan = Plan(load_experiment({"name": "t", "restarts": 10**9, "grid": GRID}))
    return {
        "summary": summary_table(summary, axes),
        "summary without a grid": summary_table(summary, []),
        "plan": plan_table(plan),
    }


@pytest.mark.parametrize("name", tables())
def test_tables_at_every_width(name) -> None:
    columns = tables()[name]
    gone = [check(columns, width) for width in WIDTHS]
    counts = [len(each) for each in gone]
    assert counts[-1] == 0
    # What leaves as the terminal narrows does not come back, unless rows become records.
    rank = {column.name: column.left_out for column in columns}
    for each in gone:
        stay = {rank[c.name] for c in columns if c.left_out and c.name not in each}
        assert not each or not stay or min(rank[name] for name in each) > max(stay)


def test_the_verdicts_at_every_width(tmp_path) -> None:
    n = 6
    steps, solved = {0: [9] * n, 1: [9] * n}, {0: [True] * n, 1: [False] * n}
    study = crafted(
        tmp_path / "s", steps, solved, {**EXPERIMENT, "grid": {"init.scale": [0.123, 4567.0]}}
    )
    analyze(study.path, workers=1)
    columns = verdict_table(type(study)(study.path))
    for width in WIDTHS:
        check(columns, width)


PLAN = Plan(load_experiment({"name": "t", "restarts": 123_456_789, "grid": GRID}))


@pytest.mark.parametrize("width", WIDTHS)
def test_progress_at_every_width(width) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=width, height=100, color_system=None)
    progress = Progress(
        restarts=PLAN.n_restarts,
        done=1_234_567_890,
        before=12,
        failed=23_456,
        restart_steps=5_678_901_234_567,
        solved={c.index: [1234567, 7654321] for c in PLAN.configurations[:14]},
        workers=1234,
        elapsed_s=3210.0,
        dashboard="http://127.0.0.1:8787/status",
    )
    with shown_progress(console, PLAN, quiet=False) as report:
        report(progress)
    text = file.getvalue()
    assert text.count("16.1%") == 12
    assert text.count("7,654,321") in (0, 12)
    assert ("7,654,321" in text) != ("no room for: restarts" in text)
    for part in (
        "1,234,567,890 of 6,666,666,606 restarts",
        "1.8 G restart-steps/s",
        "23,456 failed",
    ):
        assert part in text
    words = {
        word.strip("[],") for word in NUMBER.findall(re.sub(r"\x1b\[[\d;?]*[A-Za-z]", " ", text))
    }
    points = {
        w for c in PLAN.configurations for value in c.point.values() for w in numbers(str(value))
    }
    points |= {
        w for c in PLAN.configurations for v in c.point.values() if isinstance(v, str) for w in [v]
    }
    for word in words:
        assert (
            word in points
            or word.replace(",", "").rstrip("%").replace(".", "").isdigit()
            or (word == "http://127.0.0.1:8787/status")
        ), word
    for line in re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text).splitlines():
        assert len(line.rstrip()) <= width


cells = st.one_of(
    st.integers(0, 10**12).map("{:,}".format),
    st.floats(allow_nan=False).map("{:.4g}".format),
    st.floats(0, 100).map("{:.2f}%".format),
)
texts = st.lists(st.from_regex(r"[a-z]{1,8}|\d{1,6}", fullmatch=True), max_size=12).map(" ".join)


@given(data=st.data(), width=st.integers(40, 200))
def test_any_table_at_any_width(data, width) -> None:
    n_rows = data.draw(st.integers(1, 4))
    columns = []
    for k in range(data.draw(st.integers(1, 12))):
        is_text = data.draw(st.booleans())
        rows = st.lists(texts if is_text else cells, min_size=n_rows, max_size=n_rows)
        left_out = data.draw(st.integers(0, 3)) * 20
        columns.append(
            Column(
                f"column{'abcdefghijkl'[k]} name",
                data.draw(rows),
                is_text,
                left_out + k if left_out else 0,
            )
        )
    check(columns, width)


def test_records_name_every_column_and_lose_nothing() -> None:
    columns = [
        Column("gate", ["XOR", "A-AND-NOT-B"], is_text=True),
        Column("restarts", ["1,234,567,890,123", "5"]),
        Column("95% interval", ["64.53-70.33", ""]),
    ]
    assert table_text(columns, 25).plain == (
        "gate         XOR\nrestarts     1,234,567,890,123\n".replace(
            "restarts     1", "restarts\n1"
        )
        + "95% interval 64.53-70.33\n\n"
        "gate         A-AND-NOT-B\n"
        "restarts     5"
    )


def test_a_pipe_has_whole_rows_however_long() -> None:
    columns = [Column(f"column {k}", ["1234567890" * 3], left_out=k) for k in range(9)]
    lines = table_text(columns, None).plain.splitlines()
    assert len(lines) == 2
    assert lines[1].split() == ["1234567890" * 3] * 9


def test_what_a_grid_names_is_no_markup_and_no_control_sequence() -> None:
    text = table_text([Column("table", ["[red]x[/]\x1b[2J.csv"], is_text=True)], 60).plain
    assert text.splitlines()[1].strip("'") == r"[red]x[/]\x1b[2J.csv"


@pytest.mark.parametrize(
    ("sections", "title"),
    [
        ({"network": {"hidden": []}}, "2-1 sigmoid, cross-entropy"),
        (
            {"network": {"hidden": [3, 2], "activation": ["tanh", "relu"]}},
            "2-3-2-1 tanh/relu/sigmoid, cross-entropy",
        ),
        ({"loss": {"l2": 0.1}}, "2-2-1 sigmoid/sigmoid, cross-entropy, L2"),
        ({"network": {"skip": True}}, "2-2-1 sigmoid/sigmoid, shortcuts, cross-entropy"),
        (
            {"network": {"hidden": [2, 2], "skip": "all"}},
            "2-2-2-1 sigmoid/sigmoid, shortcuts all, cross-entropy",
        ),
        ({"network": {"hidden": [], "skip": True}}, "2-1 sigmoid, cross-entropy"),
        ({"network": {"bias": False}}, "2-2-1 sigmoid/sigmoid, no biases, cross-entropy"),
        (
            {"network": {"freeze": ["W1", "b1"]}},
            "2-2-1 sigmoid/sigmoid, W1 and b1 frozen, cross-entropy",
        ),
    ],
)
def test_a_compiled_function_is_called_by_what_it_has(sections, title) -> None:
    plan = Plan(load_experiment({"name": "t", "problem": {"gate": "XOR"}} | sections))
    assert plan_table(plan)[0].cells == [f"{title}, gradient-descent, float64"]


@pytest.mark.parametrize(
    ("training", "updates"),
    [
        ({"slopes": "cut"}, "cut slopes"),
        ({"patterns_per_update": 1}, "1 pattern per update"),
        ({"patterns_per_update": 2, "order": "shuffled"}, "2 patterns per update, shuffled"),
        ({"rate_schedule": "inverse:0.01"}, "rate inverse:0.01"),
        ({"plateau": "perturb"}, "perturb on plateaus"),
    ],
)
def test_functions_that_update_in_another_way_are_called_so(training, updates) -> None:
    sections = {"problem": {"gate": "XOR"}, "training": training}
    (cell,) = plan_table(Plan(load_experiment({"name": "t"} | sections)))[0].cells
    assert cell == f"2-2-1 sigmoid/sigmoid, cross-entropy, gradient-descent, {updates}, float64"


def test_functions_of_one_network_are_told_apart_by_what_the_grid_sets() -> None:
    grid = {"training.stop_solved": [False, True], "training.learning_rate": [0.1, 1.0]}
    plan = Plan(load_experiment({"name": "t", "problem": {"gate": "XOR"}}, grid=grid))
    title = "2-2-1 sigmoid/sigmoid, cross-entropy, gradient-descent, float64"
    assert plan_table(plan)[0].cells == [
        f"{title}, stop_solved False",
        f"{title}, stop_solved True",
    ]
