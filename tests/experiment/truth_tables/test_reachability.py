"""What cannot be reached, beside a search over the outputs that weights could give."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from runner.experiment.configuration import Configuration
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.experiment.truth_tables.reachability import Reachability, table_notes

RANGES = {
    "sigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "relu": (0.0, 60.0),
    "linear": (-60.0, 60.0),
    "step": (0.0, 1.0),
}
REDUCTIONS = {"sum": 1.0, "half-sum": 0.5}


def configuration(folder: Path, inputs, targets, **sections) -> Configuration:
    names = [f"x{i}" for i in range(np.shape(inputs)[1])]
    names += [f"y{i}" for i in range(np.shape(targets)[1])]
    rows = [",".join(map(repr, map(float, row))) for row in np.column_stack([inputs, targets])]
    (folder / "t.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    raw = {"name": "t", "problem": {"table": str(folder / "t.csv")}} | sections
    return Plan(load_experiment(raw)).configurations[0]


def gate(**problem_and_sections) -> Configuration:
    return Plan(load_experiment({"name": "t"} | problem_and_sections)).configurations[0]


def random_table(seed: int, levels, n_outputs: int = 1):
    """Few inputs, so that rows repeat; every target column has two different values."""
    rng = np.random.default_rng(seed)
    inputs = rng.integers(0, 2, (9, 2))
    targets = rng.choice(levels, (9, n_outputs))
    targets[0], targets[1] = levels[0], levels[-1]
    return inputs, targets


def term(kind: str, y: float, t: float) -> float:
    if kind == "squared-error":
        return (y - t) ** 2
    left = -t * np.log(y) if t else 0.0
    return left - ((1 - t) * np.log(1 - y) if t < 1 else 0.0)


def lowest_loss(inputs, targets, kind: str, output: str) -> float:
    """Sum of the terms, smallest over one value for each group of equal inputs and output."""
    total = 0.0
    low, high = RANGES[output]
    for point in np.unique(inputs, axis=0):
        rows = (inputs == point).all(axis=1)
        for column in targets[rows].T:

            def loss(y: float, column=column) -> float:
                return sum(term(kind, y, t) for t in column)

            if output == "step":
                total += min(loss(0.0), loss(1.0))
            else:
                edge = 1e-13 if kind == "cross-entropy" else 0.0
                bounds = (low + edge, high - edge)
                found = minimize_scalar(
                    loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}
                )
                total += min(found.fun, loss(bounds[0]), loss(bounds[1]))
    return total


def rows_right(inputs, targets, output: str) -> int:
    """Most rows right together, over all outputs on a fine grid of the open range."""
    low, high = RANGES[output]
    grid = [0.0, 1.0] if output == "step" else np.linspace(low, high, 2403)[1:-1]
    grid = np.append(grid, 0.0) if output == "relu" else np.asarray(grid)
    levels = [np.unique(column) for column in targets.T]
    total = 0
    for point in np.unique(inputs, axis=0):
        rows = targets[(inputs == point).all(axis=1)]
        right = []
        for column, level in zip(rows.T, levels, strict=True):
            if len(level) == 2:
                middle = level.sum() / 2
                right.append([(grid > middle) == (t > middle) for t in column])
            else:
                near = np.diff(level).min() / 2
                right.append([np.abs(grid - t) < near for t in column])
        per_output = [np.array(each) for each in right]  # (rows, grid)
        choices = itertools.product(*(np.unique(each, axis=1).T for each in per_output))
        total += max(int(np.all(choice, axis=0).sum()) for choice in choices)
    return total


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("output", RANGES)
@pytest.mark.parametrize(
    "levels", [[0.0, 1.0], [-1.0, 1.0], [0.0, 2.0], [-0.4, 0.1, 0.9, 3.0], [-5.0, -2.0]]
)
def test_squared_errors_beside_a_search(tmp_path, seed, output, levels) -> None:
    inputs, targets = random_table(seed, levels, n_outputs=2)
    expected = lowest_loss(inputs, targets, "squared-error", output)
    factors = REDUCTIONS | {"mean": 1 / targets.size}
    for reduction, factor in factors.items():
        found = Reachability(
            configuration(
                tmp_path,
                inputs,
                targets,
                network={"output": output},
                loss={"kind": "squared-error", "reduction": reduction},
            )
        )
        assert found.lowest_loss == pytest.approx(factor * expected, rel=1e-6, abs=1e-12)
    assert found.rows_right == rows_right(inputs, targets, output)
    low, high = RANGES[output]
    outside = ((targets < low) | (targets > high)).any(axis=1)
    assert found.unreachable_rows == outside.sum()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("levels", [[0.0, 1.0], [0.1, 0.9], [0.0, 0.25, 1.0]])
def test_cross_entropy_beside_a_search(tmp_path, seed, levels) -> None:
    inputs, targets = random_table(seed, levels, n_outputs=2)
    found = Reachability(configuration(tmp_path, inputs, targets))
    expected = lowest_loss(inputs, targets, "cross-entropy", "sigmoid") / targets.size
    assert found.lowest_loss == pytest.approx(expected, rel=1e-6, abs=1e-11)
    assert found.rows_right == rows_right(inputs, targets, "sigmoid")


@pytest.mark.parametrize("kind", ["cross-entropy", "squared-error"])
@pytest.mark.parametrize("seed", range(3))
def test_a_softmax_beside_a_search_over_the_simplex(tmp_path, seed, kind) -> None:
    rng = np.random.default_rng(seed)
    inputs = rng.integers(0, 2, (12, 1))
    classes = np.append([0, 1, 2], rng.integers(0, 3, 9))
    targets = np.eye(3)[classes]
    total, right = 0.0, 0
    for point in (0, 1):
        rows = targets[inputs[:, 0] == point]
        right += int(rows.sum(axis=0).max())

        def loss(z, rows=rows) -> float:
            y = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
            if kind == "cross-entropy":
                return float(-(rows * np.log(y)).sum())
            return float(((y - rows) ** 2).sum())

        total += min(minimize(loss, start, method="BFGS").fun for start in np.eye(3))
    found = Reachability(
        configuration(
            tmp_path,
            inputs,
            targets,
            network={"output": "softmax"},
            loss={"kind": kind, "reduction": "sum"},
        )
    )
    assert found.lowest_loss == pytest.approx(total, rel=1e-5)
    assert found.rows_right == right


def test_rows_are_counted_where_they_contradict_another(tmp_path) -> None:
    inputs = [[0], [1], [1], [1], [2], [2]]
    found = Reachability(configuration(tmp_path, inputs, [[0], [0], [1], [1], [1], [1]]))
    assert found.contradictory_rows == 3
    assert found.rows_right == 5
    third = 1 / 3
    expected = -(np.log(third) + 2 * np.log(2 * third)) / 6
    assert found.lowest_loss == pytest.approx(expected)
    assert found.note == (
        "3 of 6 rows have the inputs of another row, but other targets. The best that any weights "
        f"can reach: a loss of {expected:.4g}, 5 of 6 rows right. No restart can be solved."
    )


def test_inputs_are_equal_in_the_dtype_of_training(tmp_path) -> None:
    inputs, targets = [[1.0], [1.0 + 1e-12], [-0.0], [0.0]], [[0], [1], [1], [1]]
    for dtype, rows in (("float64", 0), ("float32", 2)):
        training = {"dtype": dtype}
        c = configuration(tmp_path, inputs, targets, training=training)
        assert Reachability(c).contradictory_rows == rows


@pytest.mark.parametrize(
    ("output", "targets", "rows", "right", "loss"),
    [
        ("sigmoid", [-1, 1], 2, 2, 0.5),
        ("tanh", [0, 2], 2, 2, 0.5),
        ("tanh", [-1, 1.5], 2, 4, 0.125),  # solved on the side of the middle all the same
        ("relu", [-1, 1], 2, 4, 0.5),  # 0 is on the side of -1
        ("relu", [-1, 0.5], 2, 2, 0.5),
        ("step", [0, 1], 0, 4, 0.0),
        ("linear", [-7, 7], 0, 4, 0.0),
    ],
)
def test_targets_out_of_the_range_of_a_gate(output, targets, rows, right, loss) -> None:
    c = gate(
        problem={"gate": "XOR", "targets": targets},
        network={"output": output},
        loss={"kind": "squared-error"},
    )
    found = Reachability(c)
    assert (found.unreachable_rows, found.rows_right) == (rows, right)
    assert found.lowest_loss == pytest.approx(loss)
    assert bool(found.note) == bool(rows)
    assert found.note.endswith("No restart can be solved.") == (right < 4)


def test_targets_of_any_size_give_no_warning(tmp_path) -> None:
    c = configuration(
        tmp_path,
        [[0], [0]],
        [[1e308], [-1e308]],
        network={"output": "linear"},
        loss={"kind": "squared-error"},
    )
    assert Reachability(c).lowest_loss == np.inf


def test_every_table_is_spoken_of_once_and_gates_need_no_word(tmp_path) -> None:
    configuration(tmp_path, [[0], [1], [1]], [[0], [0], [1]])
    grid = {"problem.gate": ["XOR"], "network.hidden": [[], [2], [3]], "init.scale": [1, 2]}
    assert table_notes(Plan(load_experiment({"name": "t", "grid": grid})).configurations) == []
    raw = {"name": "t", "grid": grid | {"problem.table": [str(tmp_path / "t.csv")]}}
    del raw["grid"]["problem.gate"]
    columns, note = table_notes(Plan(load_experiment(raw)).configurations)
    assert columns == f"{tmp_path / 't.csv'}: 3 rows; input x0; target y0."
    assert note.startswith(f"{tmp_path / 't.csv'}: 2 of 3 rows have the inputs of another row")
    assert "2 of 3 rows right" in note
