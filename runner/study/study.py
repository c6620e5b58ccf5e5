"""A study's results as pandas tables."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds

from runner.experiment.content_hash import digest
from runner.study import arrays
from runner.study.content_hashes import content_hashes
from runner.study.contents import StudyContents
from runner.study.matrices import matrix
from runner.study.notebook import NotebookProperties
from runner.study.objects.url_copy import readable
from runner.study.statistics.budgets import budgets
from runner.study.statistics.comparisons import comparisons
from runner.study.statistics.losses import losses
from runner.study.statistics.precision import precision
from runner.study.statistics.strategies import strategies
from runner.study.statistics.summary import summary
from runner.study.statistics.times import times
from runner.study.tables import plan_tables
from runner.study.tables.analysis_properties import AnalysisProperties
from runner.study.tables.parameter_properties import ParameterProperties
from runner.study.tables.restart_table import restart_table
from runner.training.shards import INDEX, array_columns

if TYPE_CHECKING:
    import xarray as xr


def open_study(path: str | Path) -> Study:
    """Open a study's folder for reading, finished or not.

    Parameters
    ----------
    path : str or Path
        For example ``results/gates``, or the URL of a study in an object store, such as
        ``s3://bucket/gates``, whose copy on this machine is brought up to date first.

    Returns
    -------
    Study

    Raises
    ------
    StudyError
        If there is no study or its plan is damaged.
    """
    study = Study(readable(path))
    _ = study.plan
    return study


class Study(StudyContents, AnalysisProperties, ParameterProperties, NotebookProperties):
    """The results of one experiment; tables are read when first asked for.

    Parameters
    ----------
    path : str or Path
        The study's folder; `open_study` also checks that there is a study.

    Raises
    ------
    StudyError
        By every property that reads: if there is no study, or what it reads of it is damaged.

    Notes
    -----
    A table shows what was committed when it was first read; open the study again to see what has
    been committed since. ``configuration`` is the position in the grid, ``restart`` the number of
    the restart in it.

    Examples
    --------
    >>> study = open_study("results/gates")  # doctest: +SKIP
    >>> study.summary[["n", "success_rate"]]  # doctest: +SKIP
    >>> solved = study.weights[study.restarts["solved"]]  # doctest: +SKIP
    """

    def __repr__(self) -> str:
        done, all_ = self.n_done, self.plan.n_restarts
        return f"<Study {self.experiment.name!r}: {done:,} of {all_:,} restarts>"

    @cached_property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that the study was made with."""
        return self._store.read_plan()[1]

    @property
    def hashes(self) -> dict[str, str]:
        """SHA-256 of the plan, and of the list of all committed shards' own."""
        shards = [[commit.batch.name, commit.sha256] for commit in self.commits]
        return {"plan": self._store.plan_sha256, "shards": digest(shards)}

    @cached_property
    def configuration_hashes(self) -> pd.Series[str]:
        """SHA-256 of all that is stored of each configuration, in whatever files and rounds.

        A study that has grown has those of the one that is asked for at once: see
        `runner.study.content_hashes`. Reads every byte of every shard, a part at a time.
        """
        return content_hashes(self.plan, self._shards.pieces())

    @property
    def report_path(self) -> Path:
        """Where the report lies once it is written."""
        return self._store.report_path

    @cached_property
    def trained(self) -> pd.Series[int]:
        """Restarts of each configuration that are trained, as the log tells without any shard."""
        return plan_tables.trained(self.plan, self.commits, self.failures)

    @property
    def complete(self) -> bool:
        """Whether nothing is left to do."""
        return self.n_done == self.plan.n_restarts

    @cached_property
    def configurations(self) -> pd.DataFrame:
        """One row per configuration: see `runner.study.tables.plan_tables.configurations`."""
        return plan_tables.configurations(self.plan)

    @cached_property
    def restarts(self) -> pd.DataFrame:
        """One row per restart.

        Columns
        -------
        the grid's columns : category, values of the restart's configuration
        label : category, what is known of where it ended
        solved : bool, whether every output is right
        steps : int32 (steps), updates made
        loss : float64 (loss), at the final weights, the L2 term included
        gradient_norm : float64 (loss), largest absolute component of the gradient there
        weight_norm : float64, Euclidean norm of the final weights and biases
        level : float64 (loss), exact level that a stuck restart has come to; missing for others
        mistakes : int64, corrections made; only with optimizer perceptron
        period : int64, passes after which the weights came back, 0 if not; likewise
        new_starts, perturbations : int64, plateaus left by a new start or noise; only where it can
        rows_right : int32, rows of the table that it answers right
        held_out_loss : float64 (loss), on rows that are held out, the L2 term left out; if any are
        held_out_rows_right : int32, how many of them it answers right; likewise
        """
        return self._restarts()

    @cached_property
    def sample(self) -> pd.DataFrame:
        """The first `n_sampled` restarts of each configuration, as in `restarts`.

        They are as random as any. Where a study has at most `SAMPLE` restarts, these are all.
        """
        if self.n_sampled == self.experiment.restarts:
            return self.restarts
        return self._restarts(ds.field("restart") < self.n_sampled)

    def _restarts(self, rows: ds.Expression | None = None) -> pd.DataFrame:
        return restart_table(self.plan, self._shards, rows)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Loss at log-spaced steps of a sample: the first restarts of each configuration.

        Columns
        -------
        configuration : int32
        restart : int64
        step : int32 (steps), a row per recorded one
        loss : float64 (loss), then

        Notes
        -----
        ``curves.attrs["restarts_per_configuration"]`` says how many restarts are sampled.
        """
        sampled = ds.field("restart") < self.plan.n_curves
        columns = [*INDEX, "curve_steps", "curve_losses"]
        frame: pd.DataFrame = self._shards.read(columns, sampled).to_pandas()
        frame = frame.rename(columns={"curve_steps": "step", "curve_losses": "loss"})
        try:
            frame = frame.explode(["step", "loss"], ignore_index=True)
            frame = frame.astype({"step": "int32", "loss": "float64"})
        except (TypeError, ValueError):
            raise self._store.damaged("a shard holds an invalid loss curve") from None
        frame.attrs["restarts_per_configuration"] = self.plan.n_curves
        return frame

    @cached_property
    def failures(self) -> pd.DataFrame:
        """Restarts that could not be trained: see `runner.study.tables.plan_tables.failures`."""
        return plan_tables.failures(self.plan, self.commits)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per configuration.

        Columns
        -------
        the grid's columns : category, values of this configuration
        n, solved : int64 (restarts), trained, and solved
        success_rate, ci_low, ci_high : float64, their share, with its 95% Wilson interval
        cycling … diverged : int64 (restarts), with each other label
        loss_q05, loss_median, loss_q95 : float64 (loss), quantiles of the final loss, in `sample`
        steps_q05, steps_median, steps_q95 : float64 (steps), quantiles of the updates made
        rows_right_mean : float64, mean of the rows that are answered right, in `sample`; missing
            where some are not known
        held_out_loss_median : float64 (loss), on rows that are held out, in `sample`; if any are
        held_out_rows_right_mean : float64, mean of those answered right, in `sample`; likewise

        Notes
        -----
        All restarts are counted, shard by shard. ``attrs["loss_sample"]`` says of how many
        restarts of each configuration, the first ones, the loss's quantiles are.
        """
        table = self.configurations[list(self.experiment.axes)].copy()
        for name, column in summary(self.plan, self.overview).items():
            table[name] = column
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
        wanted = self._shards.rows_of(configurations)
        network = configurations[0].architecture
        columns = [*INDEX, "label", "loss", "level"]
        rows = wanted & (ds.field("restart") < restarts)
        table = self._shards.read([*columns, *array_columns(network)], rows)
        if not len(table):
            return table.select(columns)
        weights = matrix(table, network)
        names = [*columns, *network.parameter_names]
        return pa.table([*table.select(columns).columns, *weights], names=names)

    def to_xarray(
        self, configurations: Collection[int] | None = None, *, weights: bool = True
    ) -> xr.Dataset:
        """Return restarts and weights as labelled arrays: see `runner.study.arrays.to_xarray`."""
        shards = self._shards if weights else None
        return arrays.to_xarray(
            self.plan, self.restarts, shards, configurations, self.hashes, self._store.where
        )

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """Success against step budget: see `runner.study.statistics.budgets`."""
        return budgets(self.plan, self.tallies)

    @cached_property
    def precision(self) -> pd.DataFrame:
        """Success, and when to believe it: see `runner.study.statistics.precision`."""
        return precision(self.plan, self.tallies)

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
