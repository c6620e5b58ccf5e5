"""A study's results as pandas tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from runner.errors import StudyError
from runner.errors.messages import printable
from runner.experiment.batches import Batch
from runner.experiment.digest import digest
from runner.experiment.experiment import Experiment
from runner.experiment.plan import Plan
from runner.network.optimizers.registry import OPTIMIZERS
from runner.study import analysis_tables
from runner.study.commits import Commit
from runner.study.statistics.budgets import budgets
from runner.study.statistics.comparisons import comparisons
from runner.study.statistics.losses import losses
from runner.study.statistics.strategies import strategies
from runner.study.statistics.summary import summary
from runner.study.statistics.times import times
from runner.study.store import Store
from runner.study.tally import COLUMNS, Tally, tallies
from runner.training.labels import LABELS
from runner.training.shards import RESTART_COLUMNS, shard_schema

INDEX = ["configuration", "restart"]
"""Index of every table with a row per restart."""

# Arrow's threads would read shards faster than they are counted, and keep them in memory.
_NOT_AHEAD = {"batch_readahead": 1, "fragment_readahead": 1, "use_threads": False}

SAMPLE = 2**21
"""Restarts of a study that are read at once to look at them one by one; see `Study.sample`."""


def open_study(path: str | Path) -> Study:
    """Open a study's folder for reading, finished or not.

    Parameters
    ----------
    path : str or Path
        For example ``results/gates``.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        If there is no study or its plan is damaged.
    """
    study = Study(path)
    _ = study.plan
    return study


class Study:
    """The results of one experiment; tables are read when first asked for.

    Notes
    -----
    A table shows what was committed when it was first read: open the study again for news.
    ``configuration`` is the position in the grid, ``restart`` the number of the restart in it.
    """

    def __init__(self, path: str | Path) -> None:
        self._store = Store(path)
        self._checked: set[Batch] = set()  # batches whose shards have been looked at

    def __repr__(self) -> str:
        done, all_ = self.n_done, self.plan.n_restarts
        return f"<Study {self.experiment.name!r}: {done:,} of {all_:,} restarts>"

    @property
    def path(self) -> Path:
        """The study's folder."""
        return self._store.path

    @cached_property
    def plan(self) -> Plan:
        """What was to be done."""
        return self._store.read_plan()[0]

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that the study was made with."""
        return self._store.read_plan()[1]

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of the plan, and of the list of all committed shards' own."""
        shards = [[commit.batch.name, commit.sha256] for commit in self.commits]
        return {"plan": self._store.plan_sha256, "shards": digest(shards)}

    @property
    def report_path(self) -> Path:
        """Where the report lies once it is written."""
        return self._store.report_path

    @property
    def experiment(self) -> Experiment:
        """The experiment as it was run."""
        return self.plan.experiment

    @cached_property
    def commits(self) -> list[Commit]:
        """What is committed, sorted by batch; StudyError if the plan has no such batch."""
        commits = sorted(self._store.commits(), key=lambda commit: commit.batch)
        for commit in commits:
            if not self.plan.holds(commit.batch):
                raise self._damaged(f"batch {commit.batch.name} in the log is none of the plan's")
        return commits

    def _damaged(self, problem: str) -> StudyError:
        where = printable(str(self.path))
        return StudyError(
            f"{where}: {problem}. Run `python -m runner verify {where}`; with `--repair` it puts "
            "this right."
        )

    @property
    def n_done(self) -> int:
        """Restarts that are trained or have failed for good."""
        return sum(len(commit.batch) for commit in self.commits)

    @cached_property
    def trained(self) -> pd.Series[int]:
        """Restarts of each configuration that are trained, as the log tells without any shard."""
        trained = np.zeros(len(self.plan.configurations), np.int64)
        for commit in self.commits:
            for segment in self.plan.segments(commit.batch):
                trained[segment.configuration.index] += segment.stop - segment.start
        np.subtract.at(trained, self.failures["configuration"].to_numpy(np.int64), 1)
        return pd.Series(trained, pd.RangeIndex(len(trained), name="configuration"), name="n")

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.n_done == self.plan.n_restarts

    @cached_property
    def configurations(self) -> pd.DataFrame:
        """One row per configuration: the grid's columns, id and n_parameters."""
        points = self.plan.configurations
        frame = pd.DataFrame({name: self._grid(name) for name in self.experiment.grid})
        frame.index = pd.RangeIndex(len(points), name="configuration")
        frame["id"] = [c.id for c in points]
        frame["n_parameters"] = [c.architecture.n_parameters for c in points]
        return frame

    def _grid(self, name: str) -> pd.Categorical:
        """One axis of the grid, as text where its values are lists."""
        values = [_cell(c.point[name]) for c in self.plan.configurations]
        return pd.Categorical(values, categories=[_cell(v) for v in self.experiment.grid[name]])

    @cached_property
    def restarts(self) -> pd.DataFrame:
        """One row per restart.

        Columns
        -------
        the grid's columns : category
        label : category, one of `runner.training.labels.LABELS`
        solved : bool
        steps : int32, updates made
        loss : float64, at the final weights, the L2 term included
        gradient_norm : float64, largest absolute component of the gradient there
        weight_norm : float64, Euclidean norm of the final weights and biases
        level : float64, exact loss level that a plateau or saturated restart has come to
        mistakes : int64, corrections made; only with optimizer perceptron
        period : int64, passes after which the weights came back, 0 if not; likewise
        """
        return self._restarts()

    @property
    def n_sampled(self) -> int:
        """Restarts of each configuration in `sample`."""
        return min(self.experiment.restarts, max(1, SAMPLE // len(self.plan.configurations)))

    @cached_property
    def sample(self) -> pd.DataFrame:
        """The first `n_sampled` restarts of each configuration, as in `restarts`.

        They are as random as any. Where a study has at most `SAMPLE` restarts, these are all.
        """
        if self.n_sampled == self.experiment.restarts:
            return self.restarts
        return self._restarts(ds.field("restart") < self.n_sampled)

    @cached_property
    def tallies(self) -> dict[int, Tally]:
        """How all restarts ended, counted, by configuration; those without restarts are left out.

        Read shard by shard: memory does not grow with the number of restarts.
        """
        with self._reading():
            return tallies(self._pieces(COLUMNS))

    def _pieces(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield all rows, a part of a shard at a time."""
        for number, dataset in self._datasets():
            last = -1
            for batch in dataset.to_batches(columns=list(columns), **_NOT_AHEAD):
                table = pa.table(batch)
                last = self._check_rows(number, table, last)
                yield table

    def _restarts(self, rows: Any = None) -> pd.DataFrame:
        counted = {name: None for rule in OPTIMIZERS.values() for name in rule.columns}
        table = self._read([*RESTART_COLUMNS, *counted], rows)
        frame: pd.DataFrame = table.to_pandas()
        frame["label"] = pd.Categorical(frame["label"], categories=list(LABELS))
        frame = frame.set_index(INDEX)
        owner = frame.index.get_level_values("configuration").to_numpy()
        for position, name in enumerate(self.experiment.grid):
            values = self._grid(name)
            codes = pd.Categorical.from_codes(values.codes[owner], dtype=values.dtype)
            frame.insert(position, name, pd.Series(codes, index=frame.index))
        return frame

    @cached_property
    def weights(self) -> pd.DataFrame:
        """One row per restart, same index as `restarts`; one column per weight and bias.

        Notes
        -----
        ``W1[j,i]`` is the weight of unit j of the first layer on input i, ``b1[j]`` its bias, and
        so on layer by layer; missing where a configuration's network has no such parameter.
        """
        names = self.parameter_names
        frame: pd.DataFrame = self._read([*INDEX, *names]).to_pandas()
        return frame.set_index(INDEX)

    @cached_property
    def starts(self) -> pd.DataFrame:
        """Starting weights of every restart, in the same form as `weights`; redrawn, not stored."""
        frames = []
        for configuration, numbers in self.restarts.groupby(level="configuration").groups.items():
            c = self.plan.configurations[int(str(configuration))]
            restarts = numbers.get_level_values("restart").to_numpy()
            first = int(restarts.min())
            drawn = c.starts(self.experiment.seed).draw(first, int(restarts.max()) + 1)
            names = c.architecture.parameter_names
            frames.append(pd.DataFrame(drawn[:, restarts - first].T, index=numbers, columns=names))
        empty = pd.DataFrame(index=self.restarts.index)
        return pd.concat(frames).reindex(columns=self.parameter_names) if frames else empty

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Loss at log-spaced steps of a sample: the first restarts of each configuration.

        Columns are configuration, restart, step (int32) and loss (float64), a row per recorded
        step. ``curves.attrs["restarts_per_configuration"]`` says how many restarts are sampled.
        """
        sampled = ds.field("restart") < self.plan.n_curves
        columns = [*INDEX, "curve_steps", "curve_losses"]
        frame: pd.DataFrame = self._read(columns, sampled).to_pandas()
        frame = frame.rename(columns={"curve_steps": "step", "curve_losses": "loss"})
        try:
            frame = frame.explode(["step", "loss"], ignore_index=True)
            frame = frame.astype({"step": "int32", "loss": "float64"})
        except (TypeError, ValueError):
            raise self._damaged("a shard holds a loss curve that is none") from None
        frame.attrs["restarts_per_configuration"] = self.plan.n_curves
        return frame

    @cached_property
    def failures(self) -> pd.DataFrame:
        """Restarts that could not be trained: configuration, restart, reason, traceback."""
        rows = []
        for commit in self.commits:
            for failure in commit.failures:
                piece = Batch(commit.batch.group, failure.position, failure.position + 1)
                (segment,) = self.plan.segments(piece)
                rows.append(
                    (
                        segment.configuration.index,
                        segment.start,
                        failure.reason,
                        failure.traceback,
                    )
                )
        return pd.DataFrame(rows, columns=[*INDEX, "reason", "traceback"])

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per configuration.

        Columns
        -------
        the grid's columns
        n : restarts trained
        solved : how many of them are solved
        success_rate, ci_low, ci_high : their share, with its 95% Wilson interval
        plateau … diverged : how many have each other label
        loss_q05, loss_median, loss_q95 : quantiles of the final loss, in `sample`
        steps_q05, steps_median, steps_q95 : quantiles of the updates made

        Notes
        -----
        All restarts are counted, shard by shard. ``attrs["loss_sample"]`` says of how many
        restarts of each configuration, the first ones, the loss's quantiles are.
        """
        points = self.configurations[list(self.experiment.grid)]
        table = summary(points, self.tallies, self.sample)
        table.attrs["loss_sample"] = self.n_sampled
        return table

    def endpoints(self, group: int, restarts: int) -> pa.Table:
        """Return the first restarts of each configuration of a group of the plan.

        Returns
        -------
        pyarrow.Table
            Columns configuration, restart, label, loss, level and every weight and bias; sorted by
            configuration and restart.
        """
        configurations = self.plan.groups[group].configurations
        wanted = ds.field("configuration").isin([c.index for c in configurations])
        names = configurations[0].architecture.parameter_names
        columns = [*INDEX, "label", "loss", "level", *names]
        return self._read(columns, wanted & (ds.field("restart") < restarts))

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """Success against step budget: see `runner.study.statistics.budgets`."""
        return budgets(self.plan, self.tallies)

    @cached_property
    def times(self) -> pd.DataFrame:
        """Kaplan-Meier estimate of the time to solution: see `runner.study.statistics.times`."""
        return times(self.plan, self.tallies)

    @cached_property
    def strategies(self) -> pd.DataFrame:
        """What a solution costs under restart strategies: see `statistics.strategies`."""
        return strategies(self.plan, self.tallies)

    @cached_property
    def losses(self) -> pd.DataFrame:
        """Final losses by label: see `runner.study.statistics.losses`."""
        return losses(self.plan, self.tallies, self.sample)

    @cached_property
    def comparisons(self) -> pd.DataFrame:
        """Success of configurations that differ in one axis: see `statistics.comparisons`."""
        return comparisons(self.plan, self.sample)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what is committed: tables made from another state of the study differ."""
        return self.hashes["shards"]

    def _finding(self, name: str) -> pd.DataFrame:
        return analysis_tables.read(self._store.tables_path, name, self.digest)

    @cached_property
    def curvature(self) -> pd.DataFrame:
        """One row per analysed restart, indexed by configuration and restart.

        Columns
        -------
        gradient_norm : float64, largest absolute component of the gradient in float64
        smallest, largest : float64, eigenvalues of the Hessian; missing for networks with more
            parameters than ``attrs["max_parameters"]`` and for endpoints that are not finite
        index : float64, eigenvalues below minus the tolerance ``attrs["null"]`` × the largest
            absolute one
        condition : float64, largest over smallest absolute eigenvalue
        null_directions : float64, eigenvalues within the tolerance of 0
        label : str, the restart's label, with ``stationary`` split into ``minimum``, ``saddle``
            and ``indeterminate``
        critical : str, what a damped Newton search finds next to the endpoint, whatever its
            label: ``minimum``, ``saddle``, ``indeterminate`` or ``none``
        polished_loss : float64, the loss there; missing with ``none``
        polish_distance : float64, how far it is from the endpoint
        returned : boolean, whether minimising again from a perturbed point came back to it;
            missing where no minimum was at stake
        swap_excess : float64, rise of the loss half way to the endpoint with the first two hidden
            units exchanged; missing where no layer has two units

        Raises
        ------
        StudyError
            If the study has not been analysed; the same for all tables below.
        """
        return self._finding("curvature")

    @cached_property
    def classes(self) -> pd.DataFrame:
        """One row per analysed restart: its class.

        The one column, ``class`` (int64), numbers the classes of a configuration from 0 by
        falling size, as in `minima`; it is -1 where the endpoint belongs to none.
        """
        return self._finding("classes")

    @cached_property
    def minima(self) -> pd.DataFrame:
        """One row per class of endpoints that the network's symmetries make the same.

        Columns
        -------
        configuration, class : int64
        kind : str; ``minimum`` and ``saddle``, grouped by their weights in canonical form, saddles
            with flat directions by outputs and loss; ``indeterminate``, critical points whose kind
            is open, grouped by outputs and loss; ``solved``, whose weights grow without bound,
            grouped by hidden code; ``saturated``, which do too, grouped by loss level and hidden
            code; ``plateau``, grouped by loss level
        size : int64, analysed restarts in the class
        share, ci_low, ci_high : float64, their share with its 95% Wilson interval
        loss : float64, of the representative: at the critical point, or at the endpoint
        accuracy : float64, share of the outputs that are on the right side
        smallest, largest, index : float64, of the Hessian there
        multiplicity : float64, size of the orbit under the finite symmetries
        level : float64, exact loss level that a saturated class or a plateau comes to
        code : str, hidden code: each unit's activation over the patterns as 0, h, 1 (or -, 0, +)
        restart : int64, the representative
        W1[0,0], ... : float64, its weights in canonical form
        """
        return self._finding("minima")

    @cached_property
    def unseen(self) -> pd.DataFrame:
        """One row per configuration: how many classes the analysed restarts have not met.

        Columns
        -------
        n, classes, singletons, doubletons : int64, restarts that belong to a class, classes, and
            classes met exactly once and twice
        good_turing : float64, estimated chance that a new restart ends in a class not met before,
            singletons / n (Good 1953, Biometrika 40:237)
        chao1 : float64, lower estimate of the number of all classes,
            classes + f1 (f1 - 1) / (2 (f2 + 1)) (Chao 1984, Scand. J. Statist. 11:265; the
            bias-corrected form)
        boender_rinnooy_kan : float64, posterior mean of the number of all classes,
            classes (n - 1) / (n - classes - 2) (Boender and Rinnooy Kan 1987, Math. Programming
            37:59); missing where n <= classes + 2
        """
        return self._finding("unseen")

    @cached_property
    def barriers(self) -> pd.DataFrame:
        """The loss on straight paths between pairs of endpoints; two rows a pair.

        Columns
        -------
        configuration : int64
        pairs : str, ``representatives`` (of classes) or ``sample`` (of endpoints)
        restart_a, restart_b, class_a, class_b : int64
        aligned : bool, whether the second endpoint was first replaced by the nearest of its
            images under the network's symmetries
        midpoint_violation : float64, loss half way minus the mean of the ends' losses; positive
            breaks convexity (Jensen's inequality)
        excess : float64, largest rise of the path above the straight line between its ends
        barrier : float64, highest loss on the path minus the mean of the ends' losses
        curve_barrier : float64, the same on a quadratic Bézier curve trained to be low; missing
            where no curve was trained
        path : list of 33 float64, losses at equal steps from the first end to the second
        """
        return self._finding("barriers")

    @cached_property
    def verdicts(self) -> pd.DataFrame:
        """One row per configuration: what is known of the loss's convexity.

        Columns
        -------
        configuration : int64
        verdict : str, ``non-convex, proven``, ``convex, known`` or ``no violation found``
        reason : str, in plain words with numbers
        pairs, violations : int64, pairs of endpoints looked at, and those whose straight path
            rises above the line between its ends
        worst_violation : float64, the largest such rise
        swap_violation : float64, largest rise on the way to an endpoint's own image with two
            hidden units exchanged; missing where there are no two
        restart_a, restart_b : int64, the pair of the worst violation (the same restart twice
            where it is the exchange of units); -1 where there is none
        """
        return self._finding("verdicts")

    @property
    def parameter_names(self) -> list[str]:
        """Columns of `weights`: of all networks of the grid, layer by layer, weights first."""
        names: dict[str, None] = {}
        for group in self.plan.groups:
            names |= dict.fromkeys(group.configurations[0].architecture.parameter_names)
        if any(c.architecture.as_layers is None for c in self.plan.configurations):
            return list(names)  # in the order of the file
        # layer by layer, weights before biases, whatever network came first
        return sorted(names, key=_parameter_order)

    def _read(self, columns: Sequence[str], rows: Any = None) -> pa.Table:
        """Read columns of all committed shards, sorted by configuration and restart.

        A column that a group's shards lack is missing there; ``rows`` filters.
        """
        parts = list(self._groups(columns, rows))
        if not parts:
            schema = {name: pa.int64() if name in INDEX else pa.float64() for name in columns}
            return pa.schema(schema).empty_table()
        table = pa.concat_tables(parts, promote_options="permissive")
        table = table.select([name for name in columns if name in table.column_names])
        return table.sort_by([(name, "ascending") for name in INDEX])

    def _groups(self, columns: Sequence[str], rows: Any) -> Iterator[pa.Table]:
        """One table for each group of configurations, whose shards have the same columns."""
        with self._reading():
            for number, dataset in self._datasets():
                present = [name for name in columns if name in dataset.schema.names]
                table = dataset.to_table(columns=present, filter=rows)
                self._check_rows(number, table)
                yield table

    def _datasets(self) -> Iterator[tuple[int, ds.Dataset]]:
        """Yield the shards of every group, with its number."""
        held: dict[int, list[Commit]] = {}
        for commit in self.commits:
            if commit.rows:
                held.setdefault(commit.batch.group, []).append(commit)
        for number, commits in held.items():
            schema = shard_schema(self.plan.groups[number].configurations[0].signature())
            for commit in commits:
                self._check_shard(commit, schema)
            paths = [str(self._store.shard_path(commit.batch)) for commit in commits]
            yield number, ds.dataset(paths, schema=schema, format="parquet")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Turn what is wrong with a shard into a StudyError."""
        try:
            yield
        except (OSError, ValueError, pa.ArrowException) as error:
            problem = printable(" ".join(str(error).split())[:300])
            raise self._damaged(f"a committed shard cannot be read ({problem})") from error

    def _check_rows(self, number: int, table: pa.Table, after: int = -1) -> int:
        """Raise StudyError if rows are not restarts of the group, each at most once, in order.

        They must come after a position in the group; that of the last one is returned.
        """
        owners = [c.index for c in self.plan.groups[number].configurations]
        whole = not any(column.null_count for column in table.columns)
        if whole:
            owner, restart = (table[name].to_numpy() for name in INDEX)
            n = self.experiment.restarts
            inside = np.isin(owner, owners) & (restart >= 0) & (restart < n)
            position = np.searchsorted(owners, owner) * n + restart
            whole = bool(inside.all() and (np.diff(position, prepend=after) > 0).all())
            after = int(position[-1]) if len(position) else after
        if whole and "label" in table.column_names:
            whole = set(table["label"].unique().to_pylist()) <= set(LABELS)
        if not whole:
            raise self._damaged("a shard holds rows that are not those of its batch")
        return after

    def _check_shard(self, commit: Commit, schema: pa.Schema) -> None:
        """Raise StudyError if a shard is not what its commit says, as far as its footer tells.

        A shard may come from anywhere: what it holds is bounded before it is read.
        """
        if commit.batch in self._checked:
            return
        path = self._store.shard_path(commit.batch)
        if path.is_symlink() or path.stat().st_size != commit.size:
            raise self._damaged(f"shard {commit.batch.name} is not of the size that the log says")
        footer = pq.read_metadata(path)
        if footer.num_rows != commit.rows or footer.schema.to_arrow_schema() != schema:
            raise self._damaged(f"shard {commit.batch.name} has not the plan's rows or columns")
        self._checked.add(commit.batch)


def _cell(value: Any) -> Any:
    """A grid value as a table shows it: lists as text."""
    return str(list(value)) if isinstance(value, list | tuple) else value


def _parameter_order(name: str) -> tuple[int, bool, list[int]]:
    head, _, tail = name.rstrip("]").partition("[")
    return int(head[1:]), head[0] == "b", [int(i) for i in tail.split(",")]
