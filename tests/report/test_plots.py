"""`study.plot` and what studies, experiments and plans show in a notebook."""

from __future__ import annotations

import html
import re

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from support.crafted import EXPERIMENT, crafted

import runner
from runner.errors import StudyError
from runner.experiment.plan import Plan


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    experiment = {**EXPERIMENT, "grid": {"init.scale": [0.1, 1, 10]}}
    solved = {c: [k % 4 >= c for k in range(20)] for c in range(3)}
    steps = {c: [10 + k if ok else 100 for k, ok in enumerate(row)] for c, row in solved.items()}
    return crafted(tmp_path_factory.mktemp("plots") / "s", steps, solved, experiment)


@pytest.fixture(autouse=True)
def _closed():
    mpl.use("agg")
    yield
    plt.close("all")


def test_success_is_drawn_over_the_axis_where_the_table_says(study) -> None:
    before = dict(mpl.rcParams)
    (axes,) = study.plot.success()
    assert dict(mpl.rcParams) == before
    assert axes.get_xscale() == "log"
    points = next(line for line in axes.lines if line.get_marker() == "o")
    np.testing.assert_allclose(points.get_xdata(), [0.1, 1, 10])
    np.testing.assert_allclose(points.get_ydata(), 100 * study.summary["success_rate"])


def test_losses_count_every_restart(study) -> None:
    panels = study.plot.losses()
    assert len(panels) == 3
    for axes in panels:
        # bars begin at 0.5, below one restart, on their logarithmic scale
        heights = [p.get_extents().y1 for bars in axes.collections for p in bars.get_paths()]
        assert sum(heights) == 20


@pytest.mark.parametrize("name", ["budgets", "times", "costs", "curves"])
def test_every_figure_draws_on_given_axes_too(study, name: str) -> None:
    own = getattr(study.plot, name)()
    figure = Figure()
    given = figure.subplots(1, len(own))
    drawn = getattr(study.plot, name)(given)
    assert list(drawn) == list(np.ravel(given))
    assert all(axes.has_data() for axes in drawn)


def test_too_few_axes_and_figures_of_what_is_not_there_are_refused(study) -> None:
    with pytest.raises(StudyError, match="axes are 1; expected 3"):
        study.plot.losses(Figure().subplots())
    with pytest.raises(StudyError, match=r"classes: .* nothing to draw .* runner\.analyze"):
        study.plot.classes()


def cells(text: str) -> list[str]:
    return [html.unescape(cell) for cell in re.findall(r"<td>(.*?)</td>", text)]


def test_a_study_shows_its_configurations(study) -> None:
    text = study._repr_html_()
    assert "<b>Study crafted</b>: 60 of 60 restarts" in text
    assert cells(text)[:4] == ["0", "0.1", "20", "100.0%"]
    assert cells(text)[7:11] == ["1", "1.0", "20", "75.0%"]


def test_an_experiment_and_a_plan_show_what_they_set_and_escape_it(tmp_path) -> None:
    table = tmp_path / "<b>.csv"
    table.write_text("x,y\n0,0\n1,1\n")
    experiment = runner.load_experiment(
        {
            "name": "e",
            "problem": {"table": str(table)},
            "init": {"scale": 3},  # which the grid replaces
            "grid": {"init.scale": [1, 2]},
        }
    )
    text = experiment._repr_html_()
    assert "<b>Experiment e</b>: 5,000 restarts of each configuration, seed 1990" in text
    assert cells(text) == ["init.scale", "1.0, 2.0", "problem.table", str(table)]
    text = Plan(experiment)._repr_html_()
    assert "2 configurations, 10,000 restarts in" in text
    assert cells(text)[1::5] == ["1.0", "2.0"]
    assert "<b>.csv" not in text


def test_a_figure_that_there_is_not_is_answered_with_those_there_are(study) -> None:
    with pytest.raises(AttributeError, match=r"'los' is no figure; .* Did you mean 'losses'\?"):
        study.plot.los()
    with pytest.raises(
        AttributeError, match=r"expected one of 'success', .*, 'critical_points'\.$"
    ):
        study.plot.foo()
    assert not hasattr(study.plot, "foo")
