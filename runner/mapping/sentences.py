"""What a map says, in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from runner.errors import StudyError
from runner.errors.messages import count_text, counted
from runner.experiment.configuration import Configuration
from runner.landscape.convexity import known
from runner.landscape.equivalence import attained
from runner.mapping.basin_planes import side_of
from runner.mapping.funnels import bottoms
from runner.mapping.options import MapOptions
from runner.mapping.trees import ClassTree
from runner.mapping.worker import has_kinks
from runner.study.study import Study

_EQUAL = 1e-9  # relative difference of losses that are one
_SIZES = 3  # sizes of networks of which more is said
_MATCH = 1e-3  # distance, relative to the largest weight or 1, of one minimum in two tables


def opening(study: Study, options: MapOptions) -> Iterator[str]:
    """Yield what is searched for, and what a search can't come to, before it is begun."""
    configurations = study.plan.configurations
    n = len(configurations)
    of = counted(n, "configuration") if n == 1 else f"each of {n:,} configurations"
    size = options.round_searches
    most = math.ceil(options.searches / size) * size
    whole = ""
    if most > options.searches:
        whole = f", as a search round of {size:,} (round_searches, --round-searches) is made whole"
    yield (
        f"Searching {of} for critical points at finite weights, until the last "
        f"{options.unchanged:,} searches have found nothing new, or after {most:,}{whole}."
    )
    if unbound := sum(not attained(each) for each in configurations):
        where = "" if n == 1 else f" of {unbound:,} of them"
        yield (
            f"The lowest minima{where} may lie at infinity, where no search ends, and there may be "
            "no other: without an L2 term (loss.l2) weights can grow without bound."
        )
    yield from _fewer_starts(study, options.basin_side)


def replaced_basins(study: Study, asked: int) -> Iterator[str]:
    """Say which basins are replaced, if any are."""
    try:
        was = study.basins.attrs.get("basin_side")
    except StudyError:  # no map, or none that counts
        was = None
    if was not in (None, asked):
        yield (
            f"The map there has basins of {_square(was)}. They are replaced by those of "
            f"{_square(asked)} (basin_side, --basin-side)."
        )


def _fewer_starts(study: Study, asked: int) -> Iterator[str]:
    """Say where there are fewer starts than are asked for."""
    sizes = sorted({c.architecture.n_parameters for c in study.plan.configurations})
    if fewer := [(n, side_of(n, asked)) for n in sizes if side_of(n, asked) < asked]:
        of = ", ".join(f"{_square(side)} with {n:,} parameters" for n, side in fewer[:_SIZES])
        more = ", and so on for larger ones" if len(fewer) > _SIZES else ""
        yield (
            f"In place of {_square(asked)}, basins are looked at from {of}{more}: a step costs the "
            "cube of the parameters."
        )


def _square(side: int) -> str:
    return f"{side:,} × {side:,} starts" if side else "no starts"


def sentences(study: Study, configuration: Configuration) -> Iterator[str]:
    """Yield what is known of one configuration's landscape, a sentence or two at a time."""
    index = configuration.index
    points = _of(study.critical_points, index).set_index("class")
    completeness = _of(study.completeness, index).query("index == -1").iloc[0]
    is_lowest = bool(known(configuration)) and (points["index"] == 0).any()  # where it is convex
    if not attained(configuration) and not is_lowest:
        yield (
            "The lowest loss may be that of no finite weights: without an L2 term and with targets "
            "at the ends of the outputs' range, weights can grow without bound. What is said "
            "below is of finite weights alone; `python -m runner analyze` says where restarts go."
        )
    if has_kinks(configuration):
        yield (
            "Its units have kinks, at which no gradient vanishes: minima that lie there are not "
            "found. Softplus or tanh units have none."
        )
    if points.empty:
        yield _nothing(completeness)
        return
    yield f"{_counts(points)} {_searched(completeness)}"
    minima = points[points["index"] == 0]
    tree = ClassTree(_of(study.tree, index))
    if minima.empty:
        yield "No minimum was found at finite weights."
    elif len(minima) == 1:
        yield (
            "There is one known class of minima; whether there are others at kinks is not known."
            if has_kinks(configuration)
            else "There is one class of minima: none is bad."
        )
    else:
        yield _lowest_barrier(study, index, minima, tree)
        yield _ways_down(minima, tree)
        yield _funnels(minima, _of(study.transitions, index))


def _of(table: pd.DataFrame, configuration: int) -> pd.DataFrame:
    return table[table["configuration"] == configuration]


def _nothing(completeness: pd.Series) -> str:
    return (
        f"No critical point was found at finite weights: of {completeness['searches']:,} searches "
        f"{completeness['left']:,} went to infinity, and {completeness['unfinished']:,} ran out of "
        "steps."
    )


def _counts(points: pd.DataFrame) -> str:
    """How many points of which kind there are."""
    parts = []
    kinds = points["kind"].mask(
        points["kind"] == "family",
        np.where(
            points["index"] > 0, "family of degenerate saddles", "family of degenerate minima"
        ),
    )
    for kind, plural in (
        ("minimum", "minima"),
        ("family of degenerate minima", "families of degenerate minima"),
        ("transition state", "transition states"),
        ("saddle", "saddles of a higher index"),
        ("family of degenerate saddles", "families of degenerate saddles"),
    ):
        chosen = points[kinds == kind]
        images = float(chosen["multiplicity"].sum())
        if len(chosen) or (kind == "minimum" and (points["index"] > 0).all()):
            text = counted(len(chosen), kind, plural)
            more = f" ({count_text(images)} with all images)" if images > len(chosen) else ""
            parts.append(text + more)
    return f"Known: {', '.join(parts)}."


def _searched(completeness: pd.Series) -> str:
    searches, unchanged = completeness["searches"], completeness["unchanged"]
    text = f"The last {unchanged:,} of {searches:,} searches found nothing new."
    if not unchanged:
        text = f"The last of {searches:,} searches still found something new."
    if not completeness["done"]:
        text += " More searches may find more."
    total = completeness["euler"]
    if np.isnan(total):
        return text
    if total == 1:
        return f"{text} The signs of all images add up to 1, as they must if none is missing."
    return (
        f"{text} The signs of all images add up to {total:.0f} and not to 1: some critical points "
        "are missing."
    )


def _lowest_barrier(study: Study, index: int, minima: pd.DataFrame, tree: ClassTree) -> str:
    """The lowest known barrier between the two lowest classes, beside straight and curved paths."""
    pair = (int(minima.index[0]), int(minima.index[1]))
    losses = minima["loss"].to_numpy(float)
    ends = " and ".join(f"{n} (loss {loss:.6g})" for n, loss in zip(pair, losses, strict=False))
    text = f"Between the two lowest classes of minima, {ends},"
    join = tree.connection(*pair)
    if join is None:
        return f"{text} no way is known."
    text += f" the lowest known way leads over {join['loss']:.6g} (class {join['class']})"
    for name, highest in _analysed_paths(study, index, minima, pair):
        text += f"; {name} over {highest:.6g}"
    return f"{text}."


def _ways_down(minima: pd.DataFrame, tree: ClassTree) -> str:
    """Whether every minimum that is not lowest has a way down, and how high the worst is."""
    losses = {int(str(number)): float(loss) for number, loss in minima["loss"].items()}
    least = min(losses.values())
    bad = [number for number, loss in losses.items() if _lower(least, loss)]
    if not bad:
        return "All classes of minima have the lowest loss: none is bad."
    rises = {}
    for number in bad:
        for join in tree.above(number):
            if _lower(losses[join["lowest"]], losses[number]):
                rises[number] = join["loss"] - losses[number]
                break
    text = f"Of {counted(len(bad), 'class', 'classes')} of minima above the lowest loss, "
    if not rises:
        return f"{text}no way down is known."
    worst = max(rises, key=lambda number: rises[number])
    text += "each has" if len(rises) == len(bad) else f"{len(rises):,} have"
    return f"{text} a way down that rises by no more than {rises[worst]:.4g} (class {worst})."


def _lower(one: float, other: float) -> bool:
    return one < other - _EQUAL * max(abs(other), 1.0)


def _funnels(minima: pd.DataFrame, transitions: pd.DataFrame) -> str:
    bottom = bottoms(minima["loss"], transitions)
    sizes = bottom.value_counts()
    if len(sizes) == 1:
        return (
            "There is one funnel: over the lowest transition state to a lower minimum, again and "
            f"again, all come to class {sizes.index[0]}."
        )
    parts = [
        f"{n:,} {'comes' if n == 1 else 'come'} to class {number}"
        for number, n in sorted(sizes.items())
    ]
    shown = ", ".join(parts[:6]) + (", …" if len(parts) > 6 else "")
    return f"There are {len(sizes):,} funnels: of the {len(minima):,} classes of minima {shown}."


def _analysed_paths(
    study: Study, index: int, minima: pd.DataFrame, pair: tuple[int, int]
) -> Iterator[tuple[str, float]]:
    """Highest losses of the straight and the curved path between two minima, where analysed."""
    try:
        analysed, barriers = _of(study.minima, index), _of(study.barriers, index)
    except StudyError:
        return
    names = [name for name in minima.columns if "[" in name or name in study.parameter_names]
    names = [name for name in names if name in analysed.columns]
    ends = []
    for number in pair:
        weights = minima.loc[number, names].to_numpy(float)
        apart = np.linalg.norm(analysed[names].to_numpy(float) - weights, axis=1)
        near = apart <= _MATCH * max(np.abs(weights).max(initial=0.0), 1.0)
        ends.append(set(analysed["class"][near & (analysed["kind"] == "minimum")]))
    # aligned or not: what is nearest need not be what the lower path leads to
    rows = barriers[barriers["pairs"] == "representatives"]
    between = rows["class_a"].isin(ends[0]) & rows["class_b"].isin(ends[1])
    between |= rows["class_a"].isin(ends[1]) & rows["class_b"].isin(ends[0])
    mean = minima.loc[list(pair), "loss"].mean()
    for name, column in (("the straight path", "barrier"), ("a trained curve", "curve_barrier")):
        found = rows.loc[between, column].dropna()
        if len(found):
            yield name, float(found.min() + mean)
