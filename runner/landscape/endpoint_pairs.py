"""Pairs of endpoints, and the stage in which workers evaluate the loss on paths between them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from runner.dispatch.dispatcher import Piece
from runner.dispatch.tasks.in_flight import Call
from runner.experiment.configuration import Configuration
from runner.landscape.analysis_plan import AnalysisPlan
from runner.landscape.checkpoints import Checkpoints
from runner.landscape.class_tables import Classified
from runner.landscape.endpoint_sample import Inspected, in_batches
from runner.landscape.inspections import MARK, Inspections, marks
from runner.landscape.options import AnalysisOptions
from runner.landscape.stage import Stage
from runner.landscape.worker import PATH_COLUMNS, EndpointTask, PairTask, inspect_pairs
from runner.study.tables.analysis_tables import TABLES

_PIECE_PAIRS = 128  # at most, so that a pair that kills its worker costs little
_PIECE_PRODUCTS = 2**30  # of a weight and a pattern, about: some seconds
_CURVED = ("minimum", "solved")  # kinds of class between which curves are trained

Pairs = Mapping[int, pd.DataFrame]
"""Frames by number of the group, a row per pair: ``configuration``; ``pairs``, representatives or
sample; of both ends ``restart_a``, ``class_a`` and ``row_a``, its row in the frame of inspected
endpoints; whether a curve is trained where the straight path rises, ``curved``; and its mark."""


def choose_pairs(plan: AnalysisPlan, classified: Mapping[int, Classified]) -> Pairs:
    """Choose pairs of endpoints: between the largest classes, and a sample."""
    frames: dict[int, list[pd.DataFrame]] = {}
    for of_one in classified.values():
        chosen = list(_chosen(plan, of_one))
        if chosen:
            frames.setdefault(of_one.group, []).append(_described(plan, of_one, chosen))
    return {number: pd.concat(several, ignore_index=True) for number, several in frames.items()}


def _chosen(plan: AnalysisPlan, of_one: Classified) -> Iterator[tuple[str, int, int]]:
    """Yield pairs of positions in a configuration's frame, and why each was chosen.

    Endpoints that differ in frozen weights are no pair: the path between them is not trained on.
    """
    frame = of_one.frame
    net = of_one.configuration.architecture
    names = list(net.parameter_names)
    weights = frame[names].to_numpy()
    frozen = weights[:, ~net.trained]
    position = dict(zip(frame["restart"], range(len(frame)), strict=True))
    representatives = [row["restart"] for row in of_one.minima[: plan.options.representatives]]
    for first, second in itertools.combinations(representatives, 2):
        a, b = position[first], position[second]
        if (frozen[a] == frozen[b]).all():
            yield "representatives", a, b
    finite = np.isfinite(weights).all(axis=1) & np.isfinite(frame["loss"])
    usable = np.flatnonzero(finite)[: 2 * plan.pairs_per_configuration]
    for a, b in zip(usable[::2], usable[1::2], strict=False):  # an odd one is left over
        if (frozen[a] == frozen[b]).all():
            yield "sample", a, b


def _described(
    plan: AnalysisPlan, of_one: Classified, chosen: list[tuple[str, int, int]]
) -> pd.DataFrame:
    frame = of_one.frame
    pair = pd.DataFrame(chosen, columns=["pairs", "a", "b"])
    restart = frame["restart"].to_numpy()
    for side in "ab":
        pair[f"restart_{side}"] = restart[pair[side]]
        pair[f"class_{side}"] = of_one.member[pair[side]]
        pair[f"row_{side}"] = frame.index.to_numpy()[pair[side]]
    representatives = of_one.minima[: plan.options.representatives]
    rank = {row["restart"]: k for k, row in enumerate(representatives) if row["kind"] in _CURVED}
    ranks = pair[["restart_a", "restart_b"]].apply(lambda side: side.map(rank))
    curved = (pair["pairs"] == "representatives") & ranks.notna().all(axis="columns")
    # the largest classes first, whatever those are joined with
    order = ranks[curved].max(axis="columns").sort_values(kind="stable").index
    most = max(1, plan.options.curve_products // _products(of_one.configuration, plan.options))
    pair["curved"] = pair.index.isin(order[:most])
    pair.insert(0, "configuration", of_one.configuration.index)
    weights = frame[list(of_one.configuration.architecture.parameter_names)].to_numpy(np.float64)
    ends = (weights[pair[side]].T for side in "ab")
    ids = [of_one.configuration.id] * len(pair)
    pair[MARK] = marks(ids, pair["restart_a"].to_numpy(), *ends, pair["curved"].to_numpy())
    return pair


def _products(configuration: Configuration, options: AnalysisOptions) -> int:
    """Products of a weight and a pattern in training the curves of one pair, both ways."""
    once = configuration.architecture.n_parameters * configuration.table.n_patterns
    return max(1, 2 * options.curve_steps * options.path_points * once)


def pair_stage(plan: AnalysisPlan, inspected: Inspected, pairs: Pairs) -> Stage:
    """Return the stage that evaluates the paths of every pair."""
    batches = []
    for number, frame in pairs.items():
        products = _products(plan.sweep.groups[number].configurations[0], plan.options)
        size = min(_PIECE_PAIRS, _PIECE_PRODUCTS // products)
        batches += in_batches(number, len(frame), size)

    def call(piece: Piece, device: str) -> Call:
        number = piece.batch.group
        chosen = pairs[number].iloc[piece.start : piece.stop]
        configurations, frame = plan.sweep.groups[number].configurations, inspected[number]
        names = list(configurations[0].architecture.parameter_names)
        weights = frame[names].to_numpy(np.float64)
        position = {c.index: k for k, c in enumerate(configurations)}
        first = EndpointTask(
            configurations,
            np.array([position[i] for i in chosen["configuration"]]),
            chosen["restart_a"].to_numpy(),
            weights[chosen["row_a"]].T.copy(),
            np.zeros(len(chosen), bool),
            plan.engine,
            plan.options,
            device,
        )
        second = weights[chosen["row_b"]].T.copy()
        task = PairTask(first, second, chosen.index.to_numpy(), chosen["curved"].to_numpy())
        return Call(inspect_pairs, (task,))

    return Stage("pairs", tuple(batches), call)


def known_paths(pairs: Pairs, inspections: Inspections) -> pd.DataFrame:
    """Return what earlier analyses have found on the paths of some pairs, with their marks."""
    wanted = [np.empty(0, object), *(frame[MARK].to_numpy() for frame in pairs.values())]
    return inspections.rows("pairs", PATH_COLUMNS, np.concatenate(wanted))


def new_pairs(pairs: Pairs, known: pd.DataFrame) -> Pairs:
    """Return the pairs of which nothing is known, with the index that they have."""
    parts = {number: frame[~frame[MARK].isin(known[MARK])] for number, frame in pairs.items()}
    return {number: frame for number, frame in parts.items() if len(frame)}


def read_paths(
    pairs: Pairs, known: pd.DataFrame, stage: Stage, checkpoints: Checkpoints
) -> pd.DataFrame:
    """Join pairs with what was known and what workers found on the paths between them.

    Returns
    -------
    DataFrame
        The columns of the table of barriers, ``violated`` and the mark, two rows per pair, by
        configuration.
    """
    found: dict[int, list[pd.DataFrame]] = {number: [] for number in pairs}
    for batch, frame in checkpoints.read(stage.name, stage.batches):
        found[batch.group].append(frame)
    joined = []
    for number, frame in pairs.items():
        if len(known):
            numbered = frame[[MARK]].assign(pair=frame.index)
            found[number].append(numbered.merge(known, on=MARK).drop(columns=MARK))
        if found[number]:
            walked = pd.concat(found[number])[["pair", *PATH_COLUMNS]]
            walked = walked.sort_values(["pair", "aligned"], ignore_index=True)
            pair = frame.loc[walked["pair"]].reset_index(drop=True)
            joined.append(pd.concat([pair, walked], axis=1))
    if not joined:
        return pd.DataFrame(columns=[*TABLES["barriers"], "violated", MARK])
    paths = pd.concat(joined, ignore_index=True)
    return paths.sort_values("configuration", kind="stable", ignore_index=True)


def kept_paths(paths: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield what is kept for the next analysis; see `Inspections.keep`."""
    if len(paths):
        yield "pairs", paths[[MARK, *PATH_COLUMNS]].drop_duplicates([MARK, "aligned"])
