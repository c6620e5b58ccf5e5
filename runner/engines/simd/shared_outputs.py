"""A program that finds which patterns share an output, and what the best is that they can be.

It is what `runner.training.levels` does pass by pass, of a block of lanes that stays in the nearest
cache. All operations and their order are those there.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pytensor.tensor as pt
from pytensor.graph.fg import FunctionGraph

from runner.engines.base import AT_BOUND, MAX_GROUPS, MERGED
from runner.engines.simd.artifact import Interface, Program
from runner.engines.simd.control_flow import in_blocks
from runner.engines.simd.function_frame import Frame
from runner.engines.simd.lane_loops import BOOL, FLOAT64, Rows, each
from runner.engines.simd.loop_bodies import RegisterBody
from runner.engines.simd.type_aliases import Value
from runner.engines.simd.vectors import I64

_TINY = float(np.finfo(float).tiny)


@lru_cache(maxsize=4)
def shared_outputs(n_patterns: int, n_outputs: int, bounds: tuple[float, float] | None) -> Program:
    """Write the program of tables of a size.

    Parameters
    ----------
    n_patterns, n_outputs : int
    bounds : tuple of float, optional
        Of outputs, where one at the wrong end of its range is stuck there.

    Returns
    -------
    Program
        ``(outputs, targets) -> (values, flags)``: what outputs and targets are as in
        `runner.training.levels.stuck_levels`, values are the outputs that the level is of, and
        flags its ``some_merged`` and ``all_merged``.
    """
    n = n_patterns * n_outputs
    inputs = [pt.tensor(f"x{i}", dtype=FLOAT64, shape=(8,)) for i in range(2 * n)]
    graph = FunctionGraph(inputs, inputs[:n], clone=True)
    frame = RegisterBody.opened(graph, "function")
    text = in_blocks(frame, _SharedOutputs(frame, n_patterns, n_outputs, bounds).write)
    told = ((n, FLOAT64), (2, BOOL))
    interface = Interface("function", ((2 * n, FLOAT64),), told, text.width, text.scratch_bytes)
    return Program(text.text, interface)


class _SharedOutputs:
    """Writes what is found of one block of lanes."""

    def __init__(
        self, frame: Frame, n_patterns: int, n_outputs: int, bounds: tuple[float, float] | None
    ) -> None:
        self._frame, self._v, self._bounds = frame, frame.vectors, bounds
        self._p, self._k = n_patterns, n_outputs
        n = n_patterns * n_outputs
        self._y, self._t, self._values = (Rows.reserved(frame, n) for _ in range(3))
        self._limit, self._led, self._aim, self._mean = (
            Rows.reserved(frame, n_outputs) for _ in range(4)
        )
        self._left, self._group = (Rows.reserved(frame, n_patterns, BOOL) for _ in range(2))

    def write(self, first: Value) -> None:
        """Write what is found of the lanes from ``first`` on."""
        frame, v, n = self._frame, self._v, self._p * self._k
        none = v.splat(0, BOOL)

        def fetch(row: Value) -> None:
            for rows, begin in ((self._y, 0), (self._t, n)):
                at = v.builder.add(row, I64(begin))
                place = frame.lanes_in(frame.sources, at, first, FLOAT64)
                rows.store(v.load(place, FLOAT64), row)

        v.repeat(n, fetch)
        v.repeat(self._k, self._write_limit)
        (merged,) = each(v, I64(self._p), [none], self._begin)
        merged, constant = self._rounds(merged)

        def give(row: Value) -> None:
            place = frame.lanes_in(frame.targets, row, first, FLOAT64)
            v.store(self._values.load(row), place, FLOAT64)

        v.repeat(n, give)
        for i, mask in enumerate((merged, constant)):
            v.store(mask, v.address(frame.targets, n + i, first, BOOL), BOOL)

    def _at(self, p: Value, k: Value) -> Value:
        b = self._v.builder
        return b.add(b.mul(p, I64(self._k)), k)

    def _write_limit(self, k: Value) -> None:
        """How near outputs are that count as equal."""
        v = self._v
        start = self._t.load(k)

        def widen(p: Value, ends: Sequence[Value]) -> list[Value]:
            t = self._t.load(self._at(p, k))
            return [v.smaller(t, ends[0]), v.larger(t, ends[1])]

        low, high = each(self._v, I64(self._p), [start, start], widen)
        b = v.builder
        span = v.larger(b.fsub(high, low), v.splat(_TINY, FLOAT64))
        self._limit.store(b.fmul(v.splat(MERGED, FLOAT64), span), k)

    def _begin(self, p: Value, carried: Sequence[Value]) -> list[Value]:
        """Note what a pattern's outputs are at first, and whether it is in no group yet."""
        v, none = self._v, self._v.splat(0, BOOL)

        def output(k: Value, wrong: Sequence[Value]) -> list[Value]:
            at = self._at(p, k)
            value, mask = self._begun(at, k)
            self._values.store(value, at)
            return [v.builder.or_(wrong[0], mask)]

        (wrong,) = each(self._v, I64(self._k), [none], output)
        b = v.builder
        self._left.store(b.not_(wrong), p)
        return [b.or_(carried[0], wrong)]

    def _begun(self, at: Value, k: Value) -> tuple[Value, Value]:
        """What an output is at first, and a mask of where it is at a wrong bound."""
        v, b, t = self._v, self._v.builder, self._t.load(at)
        near_any = v.splat(0, BOOL)
        if self._bounds is None:
            return t, near_any
        y, value = self._y.load(at), t
        reach = v.splat(AT_BOUND * (self._bounds[1] - self._bounds[0]), FLOAT64)
        for bound in self._bounds:
            end = v.splat(bound, FLOAT64)
            near = b.fcmp_ordered("<", v.absolute(b.fsub(y, end)), reach)
            value = b.select(near, end, value)
            near_any = b.or_(near_any, v.spread(near))
        far = b.fcmp_ordered(">", v.absolute(b.fsub(value, t)), self._limit.load(k))
        return value, b.and_(near_any, v.spread(far))

    def _rounds(self, merged: Value) -> tuple[Value, Value]:
        """Write a group after the other, as long as a pattern is left."""
        v, none = self._v, self._v.splat(0, BOOL)

        def group(number: Value, carried: Sequence[Value]) -> list[Value]:
            members, differ = self._form()
            b = v.builder
            whole = v.spread(b.fcmp_ordered("==", members, v.splat(float(self._p), FLOAT64)))
            whole = b.select(b.icmp_signed("==", number, I64(0)), whole, carried[1])
            return [b.or_(carried[0], differ), whole]

        def some_left(_: Sequence[Value]) -> Value:
            (left,) = each(
                self._v,
                I64(self._p),
                [none],
                lambda p, any_: [v.builder.or_(any_[0], self._left.load(p))],
            )
            return v.any(left)

        most = I64(min(self._p, MAX_GROUPS))
        merged, constant = each(self._v, most, [merged, none], group, some_left)
        return merged, constant

    def _form(self) -> tuple[Value, Value]:
        """Write a group; return how many patterns are in it, and where their targets differ."""
        v, n_patterns = self._v, I64(self._p)
        zero, none = v.splat(0.0, FLOAT64), v.splat(0, BOOL)

        def lead(k: Value) -> None:
            def earlier(back: Value, led: Sequence[Value]) -> list[Value]:
                b = v.builder
                p = b.sub(I64(self._p - 1), back)
                at, left = self._at(p, k), v.holds(self._left.load(p))
                found = (self._y.load(at), self._t.load(at))
                return [b.select(left, new, old) for new, old in zip(found, led, strict=True)]

            led, aim = each(v, n_patterns, [self._y.load(k), self._t.load(k)], earlier)
            self._led.store(led, k)
            self._aim.store(aim, k)

        v.repeat(self._k, lead)

        def join(p: Value, carried: Sequence[Value]) -> list[Value]:
            def output(k: Value, inside: Sequence[Value]) -> list[Value]:
                b, at = v.builder, self._at(p, k)
                apart = v.absolute(b.fsub(self._y.load(at), self._led.load(k)))
                near = v.spread(b.fcmp_ordered("<", apart, self._limit.load(k)))
                other = v.spread(b.fcmp_unordered("!=", self._t.load(at), self._aim.load(k)))
                return [b.and_(inside[0], near), b.or_(inside[1], other)]

            inside, other = each(v, I64(self._k), [self._left.load(p), none], output)
            b = v.builder
            self._group.store(inside, p)
            self._left.store(b.and_(self._left.load(p), b.not_(inside)), p)
            one = b.select(v.holds(inside), v.splat(1.0, FLOAT64), zero)
            return [b.fadd(carried[0], one), b.or_(carried[1], b.and_(inside, other))]

        members, differ = each(v, n_patterns, [zero, none], join)
        count = v.larger(members, v.splat(1.0, FLOAT64))

        def average(k: Value) -> None:
            def add(p: Value, total: Sequence[Value]) -> list[Value]:
                b, inside = v.builder, v.holds(self._group.load(p))
                return [b.fadd(total[0], b.select(inside, self._t.load(self._at(p, k)), zero))]

            (total,) = each(v, n_patterns, [zero], add)
            self._mean.store(v.builder.fdiv(total, count), k)

        v.repeat(self._k, average)

        def settle(p: Value) -> None:
            changed = v.holds(v.builder.and_(self._group.load(p), differ))

            def output(k: Value) -> None:
                at = self._at(p, k)
                value = v.builder.select(changed, self._mean.load(k), self._values.load(at))
                self._values.store(value, at)

            v.repeat(self._k, output)

        v.repeat(self._p, settle)
        return members, differ
