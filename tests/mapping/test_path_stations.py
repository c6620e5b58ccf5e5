"""Stations of paths: however long a path is, a bounded number that is spread over it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runner.mapping.path_stations import StationRecorder


@given(st.lists(st.integers(0, 90), min_size=1, max_size=4), st.integers(2, 9))
def test_what_is_kept_is_evenly_spread_over_the_points(lengths, most) -> None:
    recorder = StationRecorder(2, len(lengths), most)
    for step in range(1, max(lengths) + 1):
        going = np.flatnonzero(np.array(lengths) >= step)
        at = np.stack([10.0 * step + going, -going])
        recorder.add(going, at, np.full(going.size, float(step)))
    path, distance, weights = recorder.kept()
    assert path.tolist() == sorted(path)
    for k, length in enumerate(lengths):
        steps = distance[path == k].astype(int)
        every = steps[0] if steps.size else 1
        # every point, or every second one, or every fourth ...
        assert steps.tolist() == list(range(every, length + 1, every))
        assert every & (every - 1) == 0
        assert steps.size < most
        assert steps.size == length or steps.size >= most // 2
        np.testing.assert_array_equal(weights[0, path == k], 10.0 * steps + k)
        assert (weights[1, path == k] == -k).all()
