"""The tables of `python -m runner analyze` as properties of a study: what each column means."""

from __future__ import annotations

from abc import abstractmethod
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from runner.experiment.plan import Plan
from runner.study.folder import StudyFolder
from runner.study.statistics.discoveries import new_class_chances
from runner.study.tables import analysis_tables
from runner.study.tables.analysis_tables import WITH_WEIGHTS
from runner.study.tables.map_properties import MapProperties
from runner.study.tables.plan_tables import parameter_names


class AnalysisProperties(MapProperties):
    """What `runner.study.study.Study` offers of an analysis.

    Notes
    -----
    To add a table: its columns in `runner.study.tables.analysis_tables.TABLES`, and a property here
    that says what each of them is.
    """

    @property
    @abstractmethod
    def path(self) -> Path:
        """The study's folder."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """SHA-256 of what is committed."""

    @property
    @abstractmethod
    def plan(self) -> Plan:
        """What was to be done."""

    def _analysis_table(self, name: str) -> pd.DataFrame:
        folder = StudyFolder(self.path).tables_path
        weights = parameter_names(self.plan) if name in WITH_WEIGHTS else []
        n_configurations = len(self.plan.configurations)
        return analysis_tables.read(folder, name, self.digest, n_configurations, weights)

    @cached_property
    def curvature(self) -> pd.DataFrame:
        """One row per analysed restart, indexed by configuration and restart.

        Columns
        -------
        gradient_norm : float64 (loss), largest absolute component of the gradient in float64
        smallest, largest : float64 (loss), eigenvalues of the Hessian; missing for networks with
            more parameters than ``attrs["max_parameters"]`` and for endpoints that are not finite
        index : float64, eigenvalues below minus the tolerance ``attrs["null"]`` × the largest
            absolute one
        condition : float64, largest over smallest absolute eigenvalue
        null_directions : float64, eigenvalues within the tolerance of 0
        label : str, the restart's label, with ``stationary`` split into ``minimum``, ``saddle``
            and ``indeterminate``
        critical : str, what a damped Newton search finds next to the endpoint, whatever its
            label: ``minimum``, ``saddle``, ``indeterminate`` or ``none``
        polished_loss : float64 (loss), there; missing with ``none``
        polish_distance : float64, how far it is from the endpoint
        returned : boolean, whether minimising again from a perturbed point came back to it;
            missing where no minimum was at stake
        swap_excess : float64 (loss), rise half way to the endpoint with the first two hidden units
            exchanged; missing where no layer has two units

        Raises
        ------
        StudyError
            If the study has not been analysed; the same for all tables below.
        """
        return self._analysis_table("curvature")

    @cached_property
    def classes(self) -> pd.DataFrame:
        """One row per analysed restart: its class.

        Columns
        -------
        class : int64, numbers the classes of a configuration from 0 by falling size, as in
            `minima`; -1 where the endpoint belongs to none
        """
        return self._analysis_table("classes")

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
        size : int64 (restarts), analysed, in the class
        share, ci_low, ci_high : float64, their share with its 95% Wilson interval
        loss : float64 (loss), of the representative: at the critical point, or at the endpoint
        accuracy : float64, share of the outputs that are right; of classes, of the rows
        smallest, largest : float64 (loss), eigenvalues of the Hessian there
        index : float64, how many of them are below 0, as in `curvature`
        multiplicity : float64, size of the orbit under the finite symmetries
        level : float64 (loss), exact level that a saturated class or a plateau comes to
        code : str, hidden code: each unit's activation over the patterns as 0, h, 1 (or -, 0, +)
        restart : int64, the representative
        W1[0,0], ... : float64, its weights in canonical form
        """
        return self._analysis_table("minima")

    @cached_property
    def unseen(self) -> pd.DataFrame:
        """One row per configuration: how many classes the analysed restarts have not met.

        Columns
        -------
        configuration : int64
        n : int64 (restarts), that belong to a class
        classes, singletons, doubletons : int64, all, and those met exactly once and twice
        good_turing : float64, estimated chance that a new restart ends in a class not met before,
            singletons / n (Good 1953, Biometrika 40:237)
        chance_bound : float64, that chance is smaller, with 95% confidence at all numbers of
            restarts at once (`runner.study.statistics.discoveries`); missing for starts on a grid
        chao1 : float64, lower estimate of the number of all classes,
            classes + f1 (f1 - 1) / (2 (f2 + 1)) (Chao 1984, Scand. J. Statist. 11:265; the
            bias-corrected form)
        boender_rinnooy_kan : float64, posterior mean of the number of all classes,
            classes (n - 1) / (n - classes - 2) (Boender and Rinnooy Kan 1987, Math. Programming
            37:59); missing where n <= classes + 2
        """
        # not in the file, which says nothing of when a class was met
        table = self._analysis_table("unseen").drop(columns="chance_bound", errors="ignore")
        bounds = new_class_chances(self.classes).reindex(table["configuration"])
        sampled = [c.settings.init.slice is None for c in self.plan.configurations]
        bounds = bounds.where(np.array(sampled)[table["configuration"]])
        after = table.columns.tolist().index("good_turing") + 1
        table.insert(after, "chance_bound", bounds.to_numpy())
        return table

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
        midpoint_violation : float64 (loss), half way minus the mean of the ends; positive breaks
            convexity (Jensen's inequality)
        excess : float64 (loss), largest rise of the path above the straight line between its ends
        barrier : float64 (loss), highest on the path minus the mean of the ends' losses
        curve_barrier : float64 (loss), the same on a quadratic Bézier curve trained to be low;
            missing where no curve was trained
        path : list of 33 float64 (loss), losses at equal steps from the first end to the second
        """
        return self._analysis_table("barriers")

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
        worst_violation : float64 (loss), the largest such rise
        swap_violation : float64 (loss), largest rise on the way to an endpoint's own image with two
            hidden units exchanged; missing where there are no two
        restart_a, restart_b : int64, the pair of the worst violation (the same restart twice
            where it is the exchange of units); -1 where there is none
        """
        return self._analysis_table("verdicts")
