"""The first pass over an elementwise graph: exponents, fused products, what is the same each step.

An oracle of its own: every expression is evaluated in NumPy with its exponents, one operation after
the other, and must give the graph's values to the bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
import pytest
from pytensor.graph.basic import Constant

from runner.engines.simd import expressions as kinds
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.exponents import Analysis
from runner.engines.simd.lowering import rewritten


def vectors(names: str) -> list[Any]:
    return [pt.tensor(name, dtype="float64", shape=(8,)) for name in names]


def logistic(z: Any) -> Any:
    return 0.5 + 0.5 * pt.tanh(0.5 * z)


def value(analysis: Analysis, inputs: dict[Any, float], variable: Any) -> float:
    """A variable by its expression, whose vectors are multiplied by their powers of two."""
    if isinstance(variable, Constant):
        return float(variable.data.item())
    if variable in inputs:
        return inputs[variable]
    expression = analysis.expressions[variable]

    def at(operand: kinds.Operand) -> float:
        return value(analysis, inputs, operand.variable) / 2.0**operand.exponent

    match expression:
        case kinds.Copy():
            vector = at(expression.operand)
        case kinds.Product():
            vector = np.prod([at(f) for f in expression.factors]) * 2.0**expression.power
        case kinds.Square():
            vector = at(expression.factor) ** 2
        case kinds.Absolute():
            vector = abs(at(expression.operand))
        case kinds.Tanh():
            vector = np.tanh(at(expression.argument) * 2.0**expression.shift)
        case kinds.Sum():
            products = [value(analysis, inputs, p) for p in expression.products]
            scaled = [p / 2.0**expression.exponent for p in products]
            vector = sum([*map(at, expression.terms), *scaled])
        case kinds.Difference():
            vector = at(expression.first) - at(expression.second)
        case _:
            raise AssertionError(expression)
    return vector * 2.0**expression.exponent


def two_units(x: Any, w: Any, t: Any) -> Any:
    error = logistic(w * logistic(x)) - t
    return w - 0.25 * error * error * (1 - logistic(x) ** 2) + abs(error)


@pytest.mark.parametrize("make", [two_units, lambda x, w, t: logistic(8 * x) * t + 0.125 * w])
def test_expressions_with_their_exponents_are_the_graphs(make) -> None:
    x, w, t = vectors("xwt")
    graph = rewritten([x, w, t], [make(x, w, t)])
    analysis = Analysis(graph)
    assert any(expression.exponent for expression in analysis.expressions.values())
    for numbers in np.random.default_rng(0).normal(size=(20, 3)):
        found = value(analysis, dict(zip(graph.inputs, numbers, strict=True)), graph.outputs[0])
        wanted = make(x, w, t).eval(
            {v: np.full(8, n) for v, n in zip((x, w, t), numbers, strict=True)}
        )
        np.testing.assert_allclose(found, wanted[0], rtol=1e-13)


def test_only_what_comes_from_a_tanh_has_an_exponent() -> None:
    x, w, t = vectors("xwt")
    graph = rewritten([x, w, t], [0.5 * x * w + 0.25 * t])
    assert {e.exponent for e in Analysis(graph).expressions.values()} == {0}


def test_a_product_that_one_sum_needs_is_fused_and_no_other() -> None:
    x, w, t = vectors("xwt")
    graph = rewritten([x, w, t], [x * w + t, x * t, x * t - w])
    analysis = Analysis(graph)
    products = [e for e in analysis.expressions.values() if isinstance(e, kinds.Product)]
    # x w; but x t is needed twice
    assert sorted(product.is_term for product in products) == [False, True]


def test_what_depends_on_fixed_inputs_alone_is_written_once() -> None:
    x, w, t = vectors("xwt")
    graph = rewritten([x, w, t], [x * (w + t), w - t])
    inputs = graph.inputs
    analysis = Analysis(graph, fixed=inputs[1:])
    assert {v for v in analysis.once if v.owner} == {
        node.outputs[0] for node in graph.toposort() if inputs[0] not in node.inputs
    }
    assert not Analysis(graph).once


def test_exponents_stay_small() -> None:
    """Squaring doubles them; beyond a bound they are multiplied out."""
    (x,) = vectors("x")
    signal = 0.5 * pt.tanh(x)
    for _ in range(6):
        signal = 0.5 * pt.sqr(signal)
    analysis = Analysis(rewritten([x], [signal]))
    exponents = [abs(e.exponent) for e in analysis.expressions.values()]
    assert 0 < max(exponents) <= 8


def test_what_is_not_elementwise_is_refused() -> None:
    (x,) = vectors("x")
    for graph in ([x.cumsum()], [pt.cast(x, "int64")]):
        with pytest.raises(UnknownOperation):
            Analysis(rewritten([x], graph))
