"""Implicit QL steps, which make a symmetric tridiagonal matrix diagonal."""

from __future__ import annotations

from dataclasses import dataclass

from llvmlite import ir

from runner.engines.simd.lane_arrays import LaneArrays
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
        taken, ends = on.cell(I64), on.cell(on.wholes)
        again, step, after = (b.function.append_basic_block(n) for n in ("again", "step", "after"))
        b.store(I64(0), taken)
        b.branch(again)
        b.position_at_end(again)
        last, so_far = self._find_ends(low, ends), b.load(taken)
        open_ = b.icmp_signed(">", last, low)
        b.cbranch(b.and_(open_, b.icmp_signed("<", so_far, I64(_MOST_STEPS))), step, after)
        b.position_at_end(step)
        b.store(b.add(so_far, I64(1)), taken)
        self._step(low, last, b.load(ends))
        b.branch(again)
        b.position_at_end(after)

    def _find_ends(self, low: Value, ends: Value) -> Value:
        """Store where each lane's block ends, before the first nothing; return the last end."""
        on, b = self.arrays, self.arrays.vectors.builder
        flags = ir.VectorType(ir.IntType(1), on.vectors.width)
        known, at = on.cell(flags), on.cell(I64)
        look, inside, found = (b.function.append_basic_block(n) for n in ("look", "in", "found"))
        b.store(on.vectors.repeated(I64(len(self) - 1)), ends)
        b.store(ir.Constant(flags, [0] * flags.count), known)
        b.store(low, at)
        b.branch(look)
        b.position_at_end(look)
        here = b.load(at)
        b.cbranch(b.icmp_signed("<", here, I64(len(self) - 1)), inside, found)
        b.position_at_end(inside)
        nothing, before = self._is_nothing(here), b.load(known)
        new = b.and_(nothing, b.not_(before))
        b.store(b.select(new, on.vectors.repeated(here), b.load(ends)), ends)
        now = b.or_(nothing, before)
        b.store(now, known)
        bits = b.bitcast(now, ir.IntType(flags.count))
        b.store(b.select(self._all(bits), here, b.add(here, I64(1))), at)
        b.cbranch(self._all(bits), found, look)
        b.position_at_end(found)
        return b.load(at)

    def _all(self, bits: Value) -> Value:
        return self.arrays.vectors.builder.icmp_unsigned("==", bits, bits.type(-1))

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
        turn = _Turn(self, ends)
        b.store(b.fadd(b.fsub(self._at(low, last, ends), lowest), pulled), turn.g)

        def one_turn(number: Value) -> None:
            turn.write(b.sub(b.sub(last, I64(1)), number))

        v.repeat(b.sub(last, low), one_turn)
        on.update(d, low, by=lambda x: b.select(open_, b.fsub(x, b.load(turn.moved)), x))
        on.update(e, low, by=lambda x: b.select(open_, b.load(turn.g), x))

    def _at(self, low: Value, last: Value, ends: Value) -> Value:
        """The number on the diagonal at each lane's end."""
        on, v, b = self.arrays, self.arrays.vectors, self.arrays.vectors.builder
        found = on.cell()
        b.store(on.number(0.0), found)

        def look(number: Value) -> None:
            at = b.add(low, number)
            here = b.icmp_signed("==", v.repeated(at), ends)
            b.store(b.select(here, on.load(self.diagonal, at), b.load(found)), found)

        v.repeat(b.add(b.sub(last, low), I64(1)), look)
        return b.load(found)


class _Turn:
    """What a step carries from one pair of rows to the next, downwards."""

    def __init__(self, steps: QLSteps, ends: Value) -> None:
        on, b = steps.arrays, steps.arrays.vectors.builder
        self._steps, self._ends = steps, ends
        self.g, self._sine, self._cosine, self.moved = (on.cell() for _ in range(4))
        for cell, value in ((self._sine, 1.0), (self._cosine, 1.0), (self.moved, 0.0)):
            b.store(on.number(value), cell)

    def write(self, i: Value) -> None:
        """Turn rows i and i + 1."""
        on, v = self._steps.arrays, self._steps.arrays.vectors
        b, d, e = v.builder, self._steps.diagonal, self._steps.beside
        zero, one, above = on.number(0.0), on.number(1.0), b.add(i, I64(1))
        active = b.icmp_signed("<", v.repeated(i), self._ends)
        inside = b.icmp_signed("<", v.repeated(above), self._ends)
        beside, g = on.load(e, i), b.load(self.g)
        f, h = b.fmul(b.load(self._sine), beside), b.fmul(b.load(self._cosine), beside)
        r = v.intrinsic("sqrt", v.fused(f, f, b.fmul(g, g)))
        some = b.fcmp_ordered(">", r, zero)
        divisor = b.select(some, r, one)
        s, c = b.select(some, b.fdiv(f, divisor), zero), b.select(some, b.fdiv(g, divisor), one)
        on.update(e, above, by=lambda x: b.select(inside, r, x))
        upper = b.fsub(on.load(d, above), b.load(self.moved))
        apart, twice = b.fsub(on.load(d, i), upper), b.fmul(on.number(2.0), c)
        t = v.fused(apart, s, b.fmul(twice, h))
        moved = b.fmul(s, t)
        on.update(d, above, by=lambda x: b.select(active, b.fadd(upper, moved), x))
        carried = (self.g, v.fused(c, t, b.fneg(h))), (self.moved, moved)
        for cell, new in (*carried, (self._sine, s), (self._cosine, c)):
            b.store(b.select(active, new, b.load(cell)), cell)
        self._rows(i, above, b.select(active, s, zero), b.select(active, c, one))

    def _rows(self, i: Value, above: Value, s: Value, c: Value) -> None:
        on, v, rows = self._steps.arrays, self._steps.arrays.vectors, self._steps.rows
        b, minus = v.builder, v.builder.fneg(s)

        def at(k: Value) -> None:
            x, y = on.load(rows, i, k), on.load(rows, above, k)
            on.store(v.fused(s, x, b.fmul(c, y)), rows, above, k)
            on.store(v.fused(minus, y, b.fmul(c, x)), rows, i, k)

        v.repeat(rows.shape[1], at)
