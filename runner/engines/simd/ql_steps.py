"""Implicit QL steps, which make a symmetric tridiagonal matrix diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llvmlite import ir

from runner.engines.simd.lane_arrays import LaneArrays
from runner.engines.simd.lane_loops import each
from runner.engines.simd.memory import Matrix
from runner.engines.simd.type_aliases import Value
from runner.engines.simd.vectors import I64

_ROUNDING = 2.0**-53
_NOTHING = 2.0**-60  # of a matrix whose largest number is 1
_MOST_STEPS = 60  # to an eigenvalue; two are usual


@dataclass(frozen=True)
class QLSteps:
    """Writes them; a lane that is done, or whose block ends earlier, is turned by nothing."""

    arrays: LaneArrays
    diagonal: Matrix
    """Overwritten with the eigenvalues, in no order."""
    beside: Matrix
    """The numbers beside the diagonal, the last one 0; overwritten."""
    rows: Matrix
    """What is turned with them, a row for each eigenvalue."""

    def write(self) -> None:
        """Write the loop over eigenvalues, and for each steps until nothing is beside it."""
        if len(self) > 1:
            self.arrays.vectors.repeat(len(self) - 1, self._settle)

    def __len__(self) -> int:
        return self.diagonal.shape[0]

    def _settle(self, low: Value) -> None:
        on, b = self.arrays, self.arrays.vectors.builder

        def one(_: Value, found: Sequence[Value]) -> list[Value]:
            self._step(low, *found)
            return self._find_ends(low)

        each(
            on.vectors,
            I64(_MOST_STEPS),
            self._find_ends(low),
            one,
            lambda found: b.icmp_signed(">", found[0], low),
        )

    def _find_ends(self, low: Value) -> list[Value]:
        """The last of the ends of lanes' blocks, and where each ends, before the first nothing."""
        on, b = self.arrays, self.arrays.vectors.builder
        flags = ir.VectorType(ir.IntType(1), on.vectors.width)

        def look(number: Value, carried: Sequence[Value]) -> list[Value]:
            here, (_, ends, known) = b.add(low, number), carried
            nothing = self._is_nothing(here)
            new = b.and_(nothing, b.not_(known))
            ends = b.select(new, on.vectors.repeated(here), ends)
            now = b.or_(nothing, known)
            return [b.select(self._all(now), here, b.add(here, I64(1))), ends, now]

        last = I64(len(self) - 1)
        begun = [low, on.vectors.repeated(last), ir.Constant(flags, [0] * flags.count)]
        *found, _ = each(
            on.vectors,
            b.sub(last, low),
            begun,
            look,
            lambda carried: b.not_(self._all(carried[2])),
        )
        return found

    def _all(self, flags: Value) -> Value:
        b = self.arrays.vectors.builder
        bits = b.bitcast(flags, ir.IntType(flags.type.count))
        return b.icmp_unsigned("==", bits, bits.type(-1))

    def _is_nothing(self, at: Value) -> Value:
        on, v, b = self.arrays, self.arrays.vectors, self.arrays.vectors.builder
        one, other = on.load(self.diagonal, at), on.load(self.diagonal, b.add(at, I64(1)))
        around = b.fadd(v.absolute(one), v.absolute(other))
        least = v.fused(on.number(_ROUNDING), around, on.number(_NOTHING))
        return b.fcmp_ordered("<=", v.absolute(on.load(self.beside, at)), least)

    def _step(self, low: Value, last: Value, ends: Value) -> None:
        """Write a step of rows ``low`` to ``last``, in each lane up to its own end."""
        on, v, b = self.arrays, self.arrays.vectors, self.arrays.vectors.builder
        d, e, one = self.diagonal, self.beside, on.number(1.0)
        open_ = b.icmp_signed(">", ends, v.repeated(low))
        lowest, beside = on.load(d, low), b.select(open_, on.load(e, low), one)
        apart = b.fsub(on.load(d, b.add(low, I64(1))), lowest)
        ratio = b.fdiv(apart, b.fmul(on.number(2.0), beside))
        root = v.intrinsic("sqrt", v.fused(ratio, ratio, one))
        pulled = b.fdiv(beside, b.fadd(ratio, v.intrinsic("copysign", root, ratio)))
        begun = [b.fadd(b.fsub(self._at(low, last, ends), lowest), pulled), one, one]

        def turn(number: Value, carried: Sequence[Value]) -> list[Value]:
            return self._turn(b.sub(b.sub(last, I64(1)), number), ends, carried)

        g, _, _, moved = each(v, b.sub(last, low), [*begun, on.number(0.0)], turn)
        on.update(d, low, by=lambda x: b.select(open_, b.fsub(x, moved), x))
        on.update(e, low, by=lambda x: b.select(open_, g, x))

    def _at(self, low: Value, last: Value, ends: Value) -> Value:
        """The number on the diagonal at each lane's end."""
        on, v, b = self.arrays, self.arrays.vectors, self.arrays.vectors.builder

        def look(found: Value, number: Value) -> Value:
            at = b.add(low, number)
            here = b.icmp_signed("==", v.repeated(at), ends)
            return b.select(here, on.load(self.diagonal, at), found)

        return on.sum(b.add(b.sub(last, low), I64(1)), look)

    def _turn(self, i: Value, ends: Value, carried: Sequence[Value]) -> list[Value]:
        """Turn rows i and i + 1; what is carried goes from one pair of rows to the next."""
        on, v = self.arrays, self.arrays.vectors
        b, d, e = v.builder, self.diagonal, self.beside
        g, sine, cosine, before = carried
        zero, one, above = on.number(0.0), on.number(1.0), b.add(i, I64(1))
        active = b.icmp_signed("<", v.repeated(i), ends)
        inside = b.icmp_signed("<", v.repeated(above), ends)
        beside = on.load(e, i)
        f, h = b.fmul(sine, beside), b.fmul(cosine, beside)
        r = v.intrinsic("sqrt", v.fused(f, f, b.fmul(g, g)))
        some = b.fcmp_ordered(">", r, zero)
        divisor = b.select(some, r, one)
        s, c = b.select(some, b.fdiv(f, divisor), zero), b.select(some, b.fdiv(g, divisor), one)
        on.update(e, above, by=lambda x: b.select(inside, r, x))
        upper = b.fsub(on.load(d, above), before)
        apart, twice = b.fsub(on.load(d, i), upper), b.fmul(on.number(2.0), c)
        t = v.fused(apart, s, b.fmul(twice, h))
        moved = b.fmul(s, t)
        on.update(d, above, by=lambda x: b.select(active, b.fadd(upper, moved), x))
        self._turn_rows(i, above, b.select(active, s, zero), b.select(active, c, one))
        new = (v.fused(c, t, b.fneg(h)), s, c, moved)
        return [b.select(active, x, old) for x, old in zip(new, carried, strict=True)]

    def _turn_rows(self, i: Value, above: Value, s: Value, c: Value) -> None:
        on, v, rows = self.arrays, self.arrays.vectors, self.rows
        b, minus = v.builder, v.builder.fneg(s)

        def at(k: Value) -> None:
            x, y = on.load(rows, i, k), on.load(rows, above, k)
            on.store(v.fused(s, x, b.fmul(c, y)), rows, above, k)
            on.store(v.fused(minus, y, b.fmul(c, x)), rows, i, k)

        v.repeat(rows.shape[1], at)
