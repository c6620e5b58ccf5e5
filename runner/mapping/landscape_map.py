"""Map the loss surfaces of a study: critical points, transitions, trees and completeness."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from runner.cluster.options import ClusterKeywords, ClusterOptions
from runner.engines.devices import KINDS
from runner.errors.keywords import LooseKeywords, require_flags
from runner.landscape.checkpoints import Checkpoints
from runner.landscape.progress import AnalysisProgress
from runner.landscape.stage import stages
from runner.mapping import table_files
from runner.mapping.configuration_map import ConfigurationMap
from runner.mapping.map_plan import MapPlan
from runner.mapping.map_tables import tables
from runner.mapping.options import MapKeywords, MapOptions
from runner.mapping.progress import MapProgress, MapProgressCallback
from runner.mapping.search_rounds import SearchRounds
from runner.mapping.searches import SearchStream
from runner.study.lock import StudyLock
from runner.study.objects.url_copy import changeable
from runner.study.store import Store
from runner.study.study import Study


class MapLandscapeKeywords(MapKeywords, ClusterKeywords, total=False):
    """The loose keywords of `map_landscape`."""


def map_landscape(
    study: Study | str | Path,
    client: Any = None,
    *,
    for_s: float | None = None,
    trust_model: bool = False,
    overwrite: bool = False,
    report: MapProgressCallback | None = None,
    options: MapOptions | None = None,
    cluster: ClusterOptions | None = None,
    **keywords: Unpack[MapLandscapeKeywords],
) -> Study:
    """Search a study's loss surfaces for critical points, and add what was found as tables.

    Parameters
    ----------
    study : Study, str or Path
        Finished or not. Searches start from committed endpoints too. The URL of a study in an
        object store is one too: the map is made in its copy on this machine, and pushed.
    client : distributed.Client, optional
        Where to run; by default what ``cluster`` says.
    for_s : float, optional
        No new search round after so many seconds; one is always begun.
    trust_model : bool
        Whether the study's own model may be executed, where it has one.
    overwrite : bool
        Whether to replace a map that was made with other options.
    report : callable, optional
        Called with a `MapProgress` now and then.
    options : MapOptions, optional
        How to search, when to end, and which tolerances to use.
    cluster : ClusterOptions, optional
        Which scheduler or how many processes of this machine, and which kind of device.
    **keywords
        Fields of `MapOptions` (``searches``, ``unchanged``, ...) and of `ClusterOptions`
        (``scheduler``, ``workers``, ...), in place of these objects.

    Returns
    -------
    Study
        Opened anew, with the tables `critical_points`, `transitions`, `paths`, `basins`, `tree` and
        `completeness`.

    Raises
    ------
    ExperimentError
        If an option is unknown or out of range, a network has more parameters than
        ``max_parameters`` or frozen arrays, or the study has a model and ``trust_model`` is false.
    StudyError
        If there is no study, it is damaged, its folder is in use, or it has a map that was made
        with other options or on another kind of device.
    ClusterError
        If there is nothing to run on, or it is lost on the way.

    Notes
    -----
    A map that was interrupted, or is asked for more searches, goes on from what is stored of it;
    one that has as many as are asked for, or more, stays as it is.

    Examples
    --------
    >>> import runner
    >>> study = runner.map_landscape("results/xor", unchanged=20_000)  # doctest: +SKIP
    >>> study.critical_points  # doctest: +SKIP
    """
    loose = LooseKeywords(
        "runner.map_landscape", map_landscape, keywords, options=MapOptions, cluster=ClusterOptions
    )
    require_flags("runner.map_landscape", overwrite=overwrite, trust_model=trust_model)
    options = loose.collected("options", MapOptions, options)
    cluster = loose.collected("cluster", ClusterOptions, cluster)
    path = study.path if isinstance(study, Study) else study
    with changeable(path, required=True) as folder:
        store = Store(folder)
        sweep = Study(store.path).plan.trusting(trust_model)
        with store.locked() as lock:
            plan = MapPlan(Study(store.path), sweep, options)
            plan.require_maps()
            if not table_files.up_to_date(store, plan, cluster.device):
                _StoredMap(store, lock, plan, overwrite).make(client, cluster, report, for_s)
        return Study(store.path)


@dataclass(frozen=True)
class _StoredMap:
    """The map in a study's folder, whether it is there yet or not."""

    store: Store
    lock: StudyLock
    plan: MapPlan
    overwrite: bool
    """Whether what is there is forgotten."""

    def make(
        self,
        client: Any,
        cluster: ClusterOptions,
        report: MapProgressCallback | None,
        for_s: float | None,
    ) -> None:
        """Search as far as is asked for, and write the tables."""
        if not self.overwrite:
            table_files.tell_replaced(self.store, self.plan)
        plan, groups = self.plan, _maps(self.plan)
        progress = _Progress([each for group in groups for each in group], report)

        def checkpoints_of(device: str) -> Checkpoints:
            self._require(progress.maps, [device])
            return Checkpoints(self.store, self.lock, plan.key(device), "map")

        # before any worker starts
        self._require(progress.maps, KINDS if cluster.device == "auto" else [cluster.device])
        with stages(client, cluster, plan.engine, checkpoints_of, progress) as run:
            rounds = SearchRounds(groups, run.checkpoints, run, plan.engine, plan.options)
            rounds.make(progress.goes_on(for_s))
            rounds.look_at_basins()
        made = tables(progress.maps, plan.study.parameter_names)
        table_files.write(self.store, self.lock, plan, run.kind, made)

    def _require(self, maps: Iterable[ConfigurationMap], kinds: Collection[str]) -> None:
        """Have maps get as many searches as there are; StudyError if those are of another map."""
        searches = {} if self.overwrite else table_files.searches(self.store, self.plan, kinds)
        for each in maps:
            each.least = searches.get(each.configuration.index, 0)


def _maps(plan: MapPlan) -> list[list[ConfigurationMap]]:
    """Return an empty map of every configuration, group by group."""
    groups = []
    for number, group in enumerate(plan.sweep.groups):
        owner, weights = _endpoints(plan, number)
        maps = []
        for each in group.configurations:
            stream = SearchStream(
                plan.sweep.experiment.seed,
                each.symmetries,
                weights[:, owner == each.index],
                plan.options.highest_index,
            )
            maps.append(ConfigurationMap(each, stream, plan.options))
        groups.append(maps)
    return groups


def _endpoints(plan: MapPlan, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Configurations (n,) and weights (n_parameters, n) of a group's endpoints within reach."""
    names = plan.sweep.groups[number].configurations[0].architecture.parameter_names
    table = plan.study.endpoints(number, plan.options.endpoints)
    if not table.num_rows:
        return np.zeros(0, int), np.zeros((len(names), 0))
    weights = np.stack([table[name].to_numpy().astype(np.float64) for name in names])
    within = (np.abs(weights) <= plan.options.reach).all(axis=0)  # diverged ones are not
    return table["configuration"].to_numpy()[within], weights[:, within]


class _Progress:
    """Tells the caller how far the maps are, and `SearchRounds` whether to begin another."""

    def __init__(
        self, maps: Iterable[ConfigurationMap], report: MapProgressCallback | None
    ) -> None:
        self.maps = sorted(maps, key=lambda each: each.configuration.index)
        self._report = report
        self._started = time.monotonic()

    def goes_on(self, for_s: float | None) -> Callable[[], bool]:
        """Return what says whether a search round may begin; the first one always may."""
        rounds = iter(range(1))
        return lambda: (
            next(rounds, None) is not None
            or for_s is None
            or time.monotonic() - self._started < for_s
        )

    def __call__(self, stage: AnalysisProgress) -> None:
        """Report, while a stage is done."""
        if self._report is None:
            return
        points = [point for each in self.maps for point in each.points.points]
        searched = sum(each.searches for each in self.maps)
        if stage.stage.startswith("searches"):
            searched += stage.done
        self._report(
            MapProgress(
                searched,
                sum(point.is_minimum and not point.is_family for point in points),
                sum(point.index == 1 and not point.is_family for point in points),
                len(points),
                sum(each.is_done for each in self.maps),
                len(self.maps),
                stage.workers,
                time.monotonic() - self._started,
            )
        )
