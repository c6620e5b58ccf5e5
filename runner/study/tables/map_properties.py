"""The tables of `python -m runner map` as properties of a study: what each column means."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property

import pandas as pd


class MapProperties(ABC):
    """What `runner.study.study.Study` offers of a map."""

    @abstractmethod
    def _analysis_table(self, name: str) -> pd.DataFrame: ...

    @cached_property
    def critical_points(self) -> pd.DataFrame:
        """One row per critical point modulo the network's symmetries, or per family of them.

        Columns
        -------
        configuration : int64
        class : int64, from 0 in each configuration, by index and then by loss
        kind : str, ``minimum``, ``transition state`` (index 1), ``saddle`` (a higher one), or
            ``family`` with flat directions: any number of points of equal outputs and loss
        index : int64, eigenvalues below minus ``attrs["null_tolerance"]`` × the largest absolute
            one; of a family, of its point with most of them
        null_directions : int64, eigenvalues within that tolerance of 0
        loss : float64 (loss), the L2 term included
        gradient_norm : float64 (loss), largest absolute component of the gradient
        multiplicity : float64, images under the network's symmetries; missing for families
        found : int64 (searches), and paths, that came to it
        from_random, from_between, from_endpoint : int64 (searches), of these, from random points,
            from points between known ones, and from endpoints of restarts
        from_path : int64 (paths), of steepest descent, that came to it
        first_search : int64, number of the search that found it first; of a path, of the last
            search before
        eigenvalues : list of float64 (loss), of the Hessian, rising
        W1[0,0], ... : float64, weights in canonical form

        Raises
        ------
        StudyError
            If the study has not been mapped; the same for all tables below.
        """
        return self._analysis_table("critical_points")

    @cached_property
    def transitions(self) -> pd.DataFrame:
        """One row per saddle from which steepest descent was followed to both sides.

        Those are all of index 1, families that lead down, and others at which such a path has
        ended. The lower end is a.

        Columns
        -------
        configuration : int64
        class : int64, of the saddle in `critical_points`
        index : int64, its index
        loss : float64 (loss), there
        curvature : float64 (loss), lowest eigenvalue of the Hessian there
        end_a, end_b : str, kind of the critical point that the path came to, ``infinity`` where its
            weights grow without bound, or ``unfinished`` where it ran out of steps
        class_a, class_b : int64, its class; -1 without one
        loss_a, loss_b : float64 (loss), there
        height_a, height_b : float64 (loss), how much higher the saddle is
        path_length_a, path_length_b : float64, Euclidean length of the path in weights
        """
        return self._analysis_table("transitions")

    @cached_property
    def paths(self) -> pd.DataFrame:
        """One row per station of a path of steepest descent from a saddle of `transitions`.

        Of the lowest saddles, until a configuration has 50,000 rows. A path is as it was followed:
        the images of its saddle and its end are not those of `critical_points`.

        Columns
        -------
        configuration : int64
        class : int64, of the saddle
        side : str, ``a`` or ``b``, as in `transitions`
        station : int64, from 0 at the saddle; the last one of a side is its end
        distance : float64, length of the path up to there, in weights
        loss : float64 (loss), there
        W1[0,0], ... : float64, weights there
        """
        return self._analysis_table("paths")

    @cached_property
    def basins(self) -> pd.DataFrame:
        """One row per start on a grid in a plane, from which steepest descent was followed.

        The plane is that of the two lowest classes of minima, at images that the lowest known way
        joins, and of the highest saddle on this way; where the three lie on one line, of this line
        and of where the way goes furthest astray. (Where the way's paths do not hang together, as
        at a family, of the ends of those around the saddle.) A configuration without a way has no
        rows, nor has one of more than some hundred parameters.

        Columns
        -------
        configuration : int64
        saddle : int64, class of the saddle
        x : float64, distance of the start from the way's beginning, at the lowest class, in
            weights, in the direction of its end
        y : float64, at right angles to that in the plane, towards the saddle
        outcome : str, kind of the critical point that the way down came to, ``infinity`` where its
            weights grow without bound, or ``unfinished`` where it ran out of steps
        class : int64, its class; -1 without one, or of a point that the map does not have
        loss : float64 (loss), there
        W1[0,0], ... : float64, weights of the start
        """
        return self._analysis_table("basins")

    @cached_property
    def tree(self) -> pd.DataFrame:
        """One row per node of the disconnectivity graphs.

        Columns
        -------
        configuration : int64
        reading : str, ``classes``: images of a minimum are one leaf; ``images``: each is a leaf of
            its own. Only with up to 400 symmetries, and without families
        node : int64, from 0 in each configuration and reading
        parent : int64, the node above; -1 of a root
        kind : str, ``minimum`` or ``join``
        class : int64, in `critical_points`, of the minimum, or of the saddle that joins
        image : int64, number of the minimum's image; -1 where these are not told apart
        loss : float64 (loss), of the minimum; of a join, the lowest known up to which one has to go
            to get from any minimum below to any other
        minima : int64, minima at or below the node
        lowest : int64, class of the lowest one
        """
        return self._analysis_table("tree")

    @cached_property
    def completeness(self) -> pd.DataFrame:
        """One row per configuration and index: how complete the map is.

        Columns
        -------
        configuration : int64
        index : int64, of the critical points that are counted; -1 for all of them
        classes : int64, known critical points, families included
        families : int64, families among them
        images : float64, sum of the multiplicities, without families
        searches : int64 (searches), made
        arrived, left, unfinished : int64 (searches), of these, how many came to a critical point,
            went to infinity, or ran out of steps
        unchanged : int64 (searches), since the last one that found something new
        done : bool, whether that is as many as was asked for, of all indices together
        chance_bound : float64, the chance that the next search from a random point finds one that
            no such search has found is smaller, with 95% confidence at all numbers of searches at
            once (`runner.study.statistics.discoveries`)
        first_half, second_half, both_halves : int64, critical points that searches of even number
            from random points found, those of odd number, and both
        estimate, ci_low, ci_high : float64, Chapman's estimate of their number by capture and
            recapture, with a 95% interval (Chao 1987, Biometrics 43:783)
        euler : float64, sum of (-1)^index over all images, which is 1 if none is missing or
            degenerate; missing without an L2 term, with families, and in rows of one index
        """
        return self._analysis_table("completeness")
