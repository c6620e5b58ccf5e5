"""Figures of restarts: success, losses, curves, times to solution, cost of restarting, slices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, MaxNLocator

from runner.errors.messages import counted
from runner.report.landscape_tables import Landscape
from runner.report.names import drawn, number, percent, sampled, title
from runner.report.style import (
    LABEL_COLOURS,
    MOST_LINES,
    MOST_PANELS,
    OTHER,
    Picture,
    class_colours,
    first,
    legend,
    lines_of,
    panels,
    single,
)
from runner.study.variance import cutoff_costs, times_known
from runner.training.labels import LABELS

if TYPE_CHECKING:
    from runner.experiment.plan import Configuration
    from runner.network.slices import Slice
    from runner.study.tables import Study

_MOST_ROWS = 40  # configurations of the success figure
_BINS = 60


def pictures(study: Study, landscape: Landscape) -> Iterator[Picture]:
    """Draw every figure that the study's restarts allow; the landscape colours a slice's basins."""
    present = [c for c in study.plan.configurations if study.summary["n"].iloc[c.index]]
    if not present:
        return
    random = [c for c in present if c.settings.init.slice is None]
    if random:
        yield _success(study, random)
    timed = [c for c in random if times_known(c) and study.summary["solved"].iloc[c.index]]
    if timed:
        yield _budgets(study, timed)
        yield _times(study, timed)
        yield _costs(study, timed)
    yield _losses(study, present)
    if random and len(study.curves):
        yield _curves(study, random)
    yield from _slices(study, landscape, [c for c in present if c.settings.init.slice is not None])


def _success(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:_MOST_ROWS]
    table = study.summary.loc[[c.index for c in shown]]
    rates = 100 * table["success_rate"].to_numpy()
    low, high = 100 * table["ci_low"].to_numpy(), 100 * table["ci_high"].to_numpy()
    figure, axes = single(height=0.8 + 0.28 * len(shown))
    rows = np.arange(len(shown))
    errors = np.abs(np.array([rates - low, high - rates]))
    axes.errorbar(
        rates, rows, xerr=errors, fmt="o", color=LABEL_COLOURS["solved"], capsize=3, markersize=5
    )
    axes.set_yticks(rows, [drawn(c) for c in shown])
    axes.set(xlim=(-2, 102), ylim=(len(shown) - 0.4, -0.6), xlabel="restarts solved, %")
    axes.grid(axis="y", visible=False)
    sizes = sorted(set(table["n"]))
    n = counted(int(sizes[0]), "restart") if len(sizes) == 1 else "the restarts trained so far"
    return Picture(
        "success",
        "How many restarts are solved",
        f"Share of {n} of each configuration that end with every output on the right side; bars "
        f"are 95% Wilson intervals.{first(len(configurations), len(shown))}",
        "; ".join(
            f"{title(c)}: {percent(r / 100)} solved, interval {percent(a / 100)} to "
            f"{percent(b / 100)}"
            for c, r, a, b in zip(shown, rates, low, high, strict=True)
        ),
        figure,
    )


def _budgets(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_LINES]
    figure, axes = single()
    for (colour, style), c in zip(lines_of(len(shown)), shown, strict=True):
        table = study.budgets.loc[c.index]
        axes.plot(
            table.index, 100 * table["success_rate"], color=colour, linestyle=style, label=drawn(c)
        )
        bounds = (100 * table["ci_low"], 100 * table["ci_high"])
        axes.fill_between(table.index, *bounds, color=colour, alpha=0.2, linewidth=0)
    axes.set(xscale="log", xlabel="step budget", ylabel="restarts solved within it, %")
    axes.set_ylim(-2, 102)
    legend(figure, [axes], columns=2)
    ends = [study.budgets.loc[c.index].iloc[-1] for c in shown]
    return Picture(
        "budgets",
        "Success depends on the step budget",
        f"{_sizes(study, shown)} Bands are pointwise 95% Wilson intervals; a configuration's "
        f"points are counted on the same restarts.{first(len(configurations), len(shown))}",
        "Curves of the solved share against the step budget, rising to "
        + "; ".join(
            f"{percent(e['success_rate'])} for {title(c)}" for c, e in zip(shown, ends, strict=True)
        ),
        figure,
    )


def _times(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_LINES]
    figure, axes = single()
    for (colour, style), c in zip(lines_of(len(shown)), shown, strict=True):
        table = study.times.loc[c.index]
        most = c.settings.training.max_steps
        # steps on a logarithmic axis: a start that is solved already is drawn at 1
        steps = np.maximum([1, *table.index, most], 1)
        band = table[["unsolved", "ci_low", "ci_high"]].to_numpy()
        values = np.vstack([np.ones(3), band, band[-1:]])
        line = np.nan_to_num(values[:, 0])
        axes.step(steps, 100 * line, where="post", color=colour, linestyle=style, label=drawn(c))
        axes.fill_between(
            steps,
            100 * values[:, 1],
            100 * values[:, 2],
            step="post",
            color=colour,
            alpha=0.2,
            linewidth=0,
        )
    axes.set(xscale="log", xlabel="step", ylabel="restarts not yet solved, %")
    axes.set_ylim(-2, 102)
    legend(figure, [axes], columns=2)
    return Picture(
        "times",
        "How long a solution takes",
        f"Kaplan-Meier estimate; restarts that ended without a solution are censored at the "
        f"budget. {_sizes(study, shown)} Bands are pointwise 95% intervals."
        f"{first(len(configurations), len(shown))}",
        "Falling step curves of the share of restarts that are not yet solved; median steps of "
        "those that are solved: "
        + "; ".join(f"{title(c)}: {number(_median_time(study, c))}" for c in shown),
        figure,
    )


def _costs(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_LINES]
    figure, axes = single()
    for (colour, style), c in zip(lines_of(len(shown)), shown, strict=True):
        tally = study.tallies[c.index]
        steps = np.maximum(tally.steps, 1)
        cutoffs, costs = cutoff_costs(steps, tally.solved.sum(axis=1), tally.ended)
        axes.plot(cutoffs, costs, color=colour, linestyle=style, label=drawn(c))
        row: Any = study.strategies.loc[c.index]
        axes.plot(row["best_cutoff"], row["best_cost"], "o", color=colour)
        # at the right edge, whatever the cutoffs
        edge = axes.get_yaxis_transform()
        axes.plot(1.0, row["luby_cost"], "<", color=colour, transform=edge, clip_on=False)
    axes.set(xscale="log", yscale="log", xlabel="cutoff, steps")
    axes.set_ylabel("expected steps per solution")
    legend(figure, [axes], columns=2)
    return Picture(
        "costs",
        "When to give up and start again",
        "Expected steps until a restart is solved if each is given up after the cutoff; dots: the "
        "best cutoff; triangles at the right edge: Luby's universal schedule, which has no "
        f"cutoff. {_sizes(study, shown)}"
        f"{first(len(configurations), len(shown))}",
        "Curves of expected cost against the cutoff; the best: "
        + "; ".join(
            f"{title(c)}: {number(study.strategies.loc[c.index, 'best_cost'])} steps at a cutoff "
            f"of {number(study.strategies.loc[c.index, 'best_cutoff'])}"
            for c in shown
        ),
        figure,
    )


def _losses(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_PANELS]
    figure, grid = panels(len(shown))
    told = []
    for axes, c in zip(grid, shown, strict=True):
        frame = _restarts(study, c)
        finite = frame[np.isfinite(frame["loss"])]
        lost = len(frame) - len(finite)
        note = f", {lost:,} not finite" if lost else ""
        axes.set_title(f"{drawn(c)}\nn = {len(frame):,}{note}")
        levels = _levels(frame)
        # far outliers would leave one bar of everything else
        top = max([*(1.3 * level for level in levels), _top(finite["loss"])])
        bins = np.linspace(min(0.0, float(finite["loss"].min()) if len(finite) else 0), top, _BINS)
        for label in LABELS:
            values = finite.loc[finite["label"] == label, "loss"].to_numpy()
            if len(values):
                axes.hist(
                    np.minimum(values, bins[-1]),
                    bins.tolist(),
                    color=LABEL_COLOURS[label],
                    label=label,
                    alpha=0.8,
                    histtype="stepfilled",
                )
        for level, count in levels.items():
            axes.axvline(level, color="black", linewidth=0.8, linestyle="--")
            axes.annotate(
                f"{level:.4f}",
                (level, 1),
                xycoords=("data", "axes fraction"),
                xytext=(-2, -2),
                textcoords="offset points",
                rotation=90,
                ha="right",
                va="top",
                fontsize=8,
            )
            told.append(f"{title(c)}: {counted(count, 'restart')} at {level:.4f}")
        if len(finite):
            axes.set_yscale("log")
            axes.set_ylim(bottom=0.7)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.set_xlabel("final loss")
    grid[0].set_ylabel("restarts")
    legend(figure, grid)
    return Picture(
        "losses",
        "Where the loss ends up",
        f"Final losses of {sampled(study)}, on a logarithmic scale of counts, coloured by label. "
        "Dashed lines: exact levels of plateau and saturated restarts, where patterns that share "
        f"an output get their mean target.{first(len(configurations), len(shown))}",
        "Histograms of the final loss. " + ("; ".join(told) if told else "No exact levels."),
        figure,
    )


def _curves(study: Study, configurations: list[Configuration]) -> Picture:
    shown = configurations[:MOST_PANELS]
    figure, grid = panels(len(shown))
    curves = study.curves.set_index(["configuration", "restart"])
    for axes, c in zip(grid, shown, strict=True):
        labels: dict[Any, str] = _restarts(study, c)["label"].astype(str).to_dict()
        lines: dict[str, list[np.ndarray]] = {}
        if c.index in curves.index.get_level_values(0):
            for restart, curve in curves.loc[c.index].groupby(level="restart"):
                points = np.column_stack([curve["step"] + 1, curve["loss"]])
                points = points[np.isfinite(points[:, 1]) & (points[:, 1] > 0)]
                lines.setdefault(labels[restart], []).append(points)
        for label in LABELS:
            if label in lines:
                axes.add_collection(
                    LineCollection(
                        lines[label],
                        colors=LABEL_COLOURS[label],
                        linewidths=0.6,
                        alpha=0.5,
                        label=label,
                        rasterized=True,
                    )
                )
        n = sum(map(len, lines.values()))
        axes.set_title(f"{drawn(c)}\nfirst {n:,} of {len(labels):,}")
        axes.set(xscale="log", yscale="log", xlabel="step + 1")
        axes.autoscale_view()
        low, high = axes.get_ylim()
        if high < 30 * low:
            # within a power of ten or two: plain numbers, and more of them
            axes.yaxis.set_minor_locator(LogLocator(subs=(2, 3, 5, 7)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}")
    grid[0].set_ylabel("loss")
    legend(figure, grid)
    return Picture(
        "curves",
        "How the loss falls",
        f"Loss of the first {counted(study.plan.n_curves, 'restart')} of each configuration at "
        f"log-spaced steps, coloured by final label.{first(len(configurations), len(shown))}",
        "Lines of the loss against the step, both logarithmic, coloured by the restart's label.",
        figure,
    )


def _slices(
    study: Study, landscape: Landscape, configurations: list[Configuration]
) -> Iterator[Picture]:
    for c in configurations[:MOST_PANELS]:
        grid = c.settings.init.slice
        if grid is None:
            continue
        frame = _restarts(study, c).reindex(range(grid.n_restarts))
        classes = _classes(landscape, c, grid.n_restarts)
        figure, axes = panels(2 if classes is None else 3, columns=2, height=4.6)
        solved = frame["solved"].eq(True)
        if solved.any():
            name, column = "steps", frame["steps"].where(solved)
            what = "steps to solution" if times_known(c) else "steps of solved restarts"
            grey = "Grey: not solved"
        else:
            name, column, what = "loss", frame["loss"], "final loss"
            grey = "None was solved. Grey: loss not finite"
        values = np.ma.masked_invalid(column.to_numpy(np.float64))
        image = _draw_square(axes[0], grid, values, cmap="viridis_r")
        axes[0].set_facecolor("#d9d9d9")
        figure.colorbar(image, ax=axes[0], label=name, location="bottom", shrink=0.8, aspect=30)
        axes[0].set_title(what)
        codes = frame["label"].cat.codes.to_numpy()
        names = dict(enumerate(LABELS))
        colours = {code: LABEL_COLOURS[label] for code, label in names.items()}
        _draw_basins(axes[1], grid, codes, colours, names)
        axes[1].set_title("label of the restart")
        if classes is not None:
            _draw_basins(axes[2], grid, *classes)
            axes[2].set_title("class of its endpoint")
        fixed = ", ".join(f"{name} {value:g}" for name, value in grid.at.items())
        analysed = len(landscape.of("classes", c))
        part = f", or not among the {analysed:,} analysed" if analysed < grid.n_restarts else ""
        unclassed = "" if classes is None else f"White among the classes: of none{part}. "
        done = int(frame["label"].notna().sum())
        counts = frame["label"].value_counts()
        yield Picture(
            "basins" if len(configurations) == 1 else f"basins-{c.index}",
            f"Which starts lead where: {title(c)}",
            f"{grid.x.n:,} × {grid.y.n:,} starts, {done:,} trained; all other starting weights "
            f"are fixed: {fixed}. {grey}. {unclassed}No random sample: shares here are "
            "of this square only."
            f"{first(len(configurations), min(len(configurations), MOST_PANELS))}",
            f"Pictures of the square of starts. Solved: {percent(float(frame['solved'].mean()))}; "
            + ", ".join(f"{label}: {count:,}" for label, count in counts.items() if count),
            figure,
        )


def _classes(
    landscape: Landscape, configuration: Configuration, n: int
) -> tuple[np.ndarray, dict[int, str], dict[int, str]] | None:
    """Class of every start's endpoint, with the classes' colours and names; None without any."""
    table = landscape.of("classes", configuration)
    minima = landscape.minima(configuration)
    if table.empty or minima.empty:
        return None
    found = table.set_index("restart")["class"].reindex(range(n), fill_value=-1).to_numpy(int)
    colours = class_colours(minima)
    names = {number_: f"class {number_}" for number_ in colours}
    other = np.isin(found, [*colours, -1], invert=True)
    if other.any():
        code = int(found.max()) + 1
        found = np.where(other, code, found)
        colours, names = colours | {code: OTHER}, names | {code: "smaller classes"}
    return found, colours, names


def _draw_basins(
    axes: Axes,
    grid: Slice,
    codes: np.ndarray,
    colours: Mapping[int, str],
    names: Mapping[int, str],
) -> None:
    """Colour every start by a code; starts without one stay white."""
    present = [code for code in colours if (codes == code).any()]
    ranks = np.full(codes.shape, -1)
    for rank, code in enumerate(present):
        ranks[codes == code] = rank
    if present:
        palette = ListedColormap([colours[code] for code in present])
        masked = np.ma.masked_less(ranks, 0)
        _draw_square(axes, grid, masked, cmap=palette, vmin=-0.5, vmax=len(present) - 0.5)
    axes.legend(
        handles=[Patch(color=colours[code], label=names[code]) for code in present],
        loc="upper center",
        bbox_to_anchor=(0.5, -0.13),
        ncols=3,
    )


def _draw_square(axes: Axes, grid: Slice, values: Any, **style: Any) -> Any:
    """Show one value per start, each start in the middle of its cell."""
    sides = []
    for axis in (grid.x, grid.y):
        half = (axis.high - axis.low) / (axis.n - 1) / 2
        sides += [axis.low - half, axis.high + half]
    axes.set(xlabel=grid.x.name, ylabel=grid.y.name)
    axes.grid(visible=False)
    axes.set_box_aspect(1)
    return axes.imshow(
        values.reshape(grid.y.n, grid.x.n),
        origin="lower",
        extent=(sides[0], sides[1], sides[2], sides[3]),
        aspect="auto",
        interpolation="none",
        **style,
    )


def _restarts(study: Study, configuration: Configuration) -> pd.DataFrame:
    """Those of the sample: all of them in a study of usual size."""
    return pd.DataFrame(study.sample.xs(configuration.index, level="configuration"))


def _levels(frame: pd.DataFrame) -> dict[float, int]:
    """Exact levels that restarts have come to, with their counts, the most frequent first."""
    counts = frame["level"].dropna().round(6).value_counts()
    return {float(str(level)): int(count) for level, count in counts.head(6).items()}


def _top(losses: pd.Series[float]) -> float:
    """Where a histogram ends: the largest loss, unless a few lie far out."""
    if losses.empty:
        return 1.0
    far = 3 * float(losses.quantile(0.99))
    return max(min(float(losses.max()), far) * 1.05, 1e-12)


def _sizes(study: Study, shown: list[Configuration]) -> str:
    sizes = {int(study.summary["n"].iloc[c.index]) for c in shown}
    if len(sizes) == 1:
        return f"n = {sizes.pop():,} restarts of each configuration."
    return f"n = {min(sizes):,} to {max(sizes):,} restarts of each configuration."


def _median_time(study: Study, configuration: Configuration) -> float:
    return study.tallies[configuration.index].solved_quantile(0.5)
