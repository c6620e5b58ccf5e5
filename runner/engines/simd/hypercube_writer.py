"""Writes a sigmoid layer at the corners of a hypercube, and sums over them, as vector code.

With e = exp(z), an output is 1/2 + (e - 1) / (e + 1) / 2. The e of a corner is that of the first
one times a factor for each input that is at its second level, so a corner more costs one product.

Where weights are small e is near 1, and e - 1 is what is computed, to more digits than e has left:
(1 + a) (1 + b) - 1 = a (1 + b) + b, one fused multiply-add. All units take this form, with 0 in
place of b where weights are larger. Lanes in which products could leave the dtype's range are
computed with powers of two apart; those with huge weights, infinities or nan from sums, as in other
layers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from runner.engines.simd import math_functions
from runner.engines.simd.buffers import Buffers
from runner.engines.simd.hypercube_layers import HypercubeLayer
from runner.engines.simd.memory import Index, Matrix
from runner.engines.simd.type_aliases import Pointer, Value
from runner.engines.simd.vectors import I64, Vectors

_SMALL = 1.75
"""Absolute weights whose sum is less: e - 1 is what is computed. Its error grows with the largest
factor that follows, that of e with the number of factors."""

_LARGE = {"float32": 80.0, "float64": 690.0}
"""Absolute weights whose sum is less: no product of exponentials leaves the dtype's range."""

_HUGE = 8192.0
"""Absolute weights whose sum is less: the powers of two in their exponentials are exact."""

_POWER = {"float32": 100.0, "float64": 960.0}
"""Powers of two stop here: what is left to the products is within the dtype's range, and outputs
have long stopped."""

_STOP = {"float32": 2.0**-23, "float64": 2.0**-53}
"""Outputs stop so far from 0 and 1, where tanh stops too (`math_functions`): no slope is 0."""

_TOGETHER = 8
"""Sums that are taken at once: so many latencies overlap."""


@dataclass(frozen=True)
class _Factor:
    """What an exponential is multiplied by along an edge."""

    scale: Value
    """The factor, or without its power of two."""
    less_one: Value
    """The factor less 1 where that is computed, and 0 elsewhere."""
    power: Value | None
    """The power of two, an integer in a float, where it is apart."""


class HypercubeWriter:
    """Writes the outputs of a layer at a hypercube's corners, strip by strip.

    Parameters
    ----------
    buffers : Buffers
        Of the graph; the layer's weights and biases lie there.
    layer : HypercubeLayer
    size : int
        Patterns of a strip, a power of two.
    """

    def __init__(self, buffers: Buffers, layer: HypercubeLayer, size: int) -> None:
        self._v, self._memory = buffers.vectors, buffers.memory
        self._layer, self._size = layer, size
        self._dtype = layer.tanh.type.dtype
        self._weights = buffers.at(layer.weights)
        self._bias = None if layer.bias is None else buffers.at(layer.bias)
        self._units = layer.tanh.type.shape[1]
        self._bits = size.bit_length() - 1
        n, shape = len(layer.hypercube.low), (self._units,)
        edges, firsts = (self._bits, *shape), (2 ** (n - self._bits), *shape)
        self._scales, self._less_one, self._powers = (self._new(edges) for _ in range(3))
        self._firsts, self._first_powers = (self._new(firsts) for _ in range(2))
        self._ones = self._new(shape)  # what has been taken from e
        self._patterns = self._memory.constant(layer.hypercube.rows)
        self._sizes = self._new(shape)
        self._large = buffers.running("bool", 0)
        self._huge = buffers.running("bool", 0)
        self._find_sizes()
        self._apart_or_not(self._write_factors)

    def _new(self, shape: tuple[int, ...]) -> Matrix:
        return self._memory.new(shape, self._dtype)

    def _apart_or_not(self, write: Callable[[bool], None]) -> None:
        """Write code with powers of two apart, for blocks with large weights, and without."""
        v = self._v
        with v.builder.if_else(v.any(v.builder.load(self._large))) as (large, other):
            with large:
                write(True)
            with other:
                write(False)

    def _find_sizes(self) -> None:
        """Write the sums of absolute weights, and which lanes have large ones in any unit."""
        v = self._v

        def unit(j: Value) -> None:
            base, edges = self._sums(j)
            size = v.absolute(base)
            for edge in edges:
                size = v.builder.fadd(size, v.absolute(edge))
            self._memory.store(size, self._sizes, [j])

        v.share(self._units, unit)
        self._note(_LARGE[self._dtype], self._large)

    def _note(self, limit: float, lanes: Pointer) -> None:
        """Write which lanes have weights beyond a limit, in any unit."""
        v, b = self._v, self._v.builder

        def unit(j: Value) -> None:
            size = self._memory.load(self._sizes, [j])
            beyond = b.fcmp_unordered(">=", size, v.constant_like(limit, size))  # or a nan
            b.store(b.or_(b.load(lanes), v.spread(beyond)), lanes)

        v.repeat(self._units, unit)

    def _write_factors(self, apart: bool) -> None:
        """Write the exponentials of first corners and of edges."""
        v, memory = self._v, self._memory
        if apart:
            self._note(_HUGE, self._huge)

        def unit(j: Value) -> None:
            base, edges = self._sums(j)
            size = memory.load(self._sizes, [j])
            small = v.builder.fcmp_ordered("<", size, v.constant_like(_SMALL, size))
            none, one = (v.constant_like(x, size) for x in (0, 1))
            memory.store(v.builder.select(small, one, none), self._ones, [j])
            start = self._factor(base, small, apart)
            # the last input changes fastest
            factors = [self._factor(x, small, apart) for x in reversed(edges)]
            for k, factor in enumerate(factors[: self._bits]):
                memory.store(factor.scale, self._scales, [I64(k), j])
                memory.store(factor.less_one, self._less_one, [I64(k), j])
                if factor.power is not None:
                    memory.store(factor.power, self._powers, [I64(k), j])
            first = v.builder.select(small, start.less_one, start.scale)
            firsts = [(first, start.power)]
            for factor in factors[self._bits :]:
                firsts += [self._along(*corner, factor) for corner in firsts]
            for k, (value, power) in enumerate(firsts):
                memory.store(value, self._firsts, [I64(k), j])
                if power is not None:
                    memory.store(power, self._first_powers, [I64(k), j])

        v.share(self._units, unit)

    def _factor(self, x: Value, small: Value, apart: bool) -> _Factor:
        """The exponential of what an edge adds."""
        v, b, none = self._v, self._v.builder, self._v.constant_like(0, x)
        parts, one = math_functions.exp_parts(v, x), v.constant_like(1, x)
        two = math_functions.power_of_two(v, parts.power)
        less_one = b.select(small, v.fused(parts.less_one, two, b.fsub(two, one)), none)
        whole = b.fmul(parts.series, two)
        if not apart:
            return _Factor(whole, less_one, None)
        scale = b.select(small, whole, parts.series)
        return _Factor(scale, less_one, b.select(small, none, parts.power))

    def _along(
        self, value: Value, power: Value | None, edge: _Factor
    ) -> tuple[Value, Value | None]:
        """What the next corner along an edge has in place of a value and its power of two."""
        value = self._v.fused(value, edge.scale, edge.less_one)
        if power is None or edge.power is None:
            return value, None
        return value, self._v.builder.fadd(power, edge.power)

    def _sums(self, j: Value) -> tuple[Value, list[Value]]:
        """The pre-activation at the first corner, and what each input adds on the way up."""
        v, hypercube = self._v, self._layer.hypercube
        weights = [self._memory.load(self._weights, [I64(i), j]) for i in range(len(hypercube.low))]
        base = v.splat(0, self._dtype)
        if self._bias is not None:
            base = self._memory.load(self._bias, [I64(0), j])
        for weight, low in zip(weights, hypercube.low, strict=True):
            if low:
                base = v.fused(weight, v.splat(low, self._dtype), base)
        edges = []
        for weight, low, high in zip(weights, hypercube.low, hypercube.high, strict=True):
            step = high - low
            edges.append(
                weight if step == 1 else v.builder.fmul(weight, v.splat(step, self._dtype))
            )
        return base, edges

    def write(self, strip: Value) -> Matrix:
        """Write a strip's outputs."""
        target = self._new((self._size, self._units))

        def write(apart: bool) -> None:
            self._v.share(self._units, lambda j: self._write_unit(strip, j, target, apart))
            if apart:
                self._correct(strip, target)

        self._apart_or_not(write)
        return target

    def _write_unit(self, strip: Value, j: Value, target: Matrix, apart: bool) -> None:
        """Write a unit's outputs."""
        v, memory = self._v, self._memory
        edges = [
            _Factor(
                memory.load(self._scales, [I64(k), j]),
                memory.load(self._less_one, [I64(k), j]),
                memory.load(self._powers, [I64(k), j]) if apart else None,
            )
            for k in range(self._bits)
        ]
        ones, one = memory.load(self._ones, [j]), v.splat(1, self._dtype)
        to_numerator, to_denominator = v.builder.fsub(ones, one), v.builder.fadd(ones, one)

        def corners(number: int, value: Value, power: Value | None, bits: int) -> None:
            if bits:
                corners(number, value, power, bits - 1)
                value, power = self._along(value, power, edges[bits - 1])
                corners(number + 2 ** (bits - 1), value, power, bits - 1)
                return
            if power is not None:
                value = v.builder.fmul(value, self._power_of_two(power))
            above, below = (v.builder.fadd(value, x) for x in (to_numerator, to_denominator))
            memory.store(self._output(v.builder.fdiv(above, below)), target, [I64(number), j])

        power = memory.load(self._first_powers, [strip, j]) if apart else None
        corners(0, memory.load(self._firsts, [strip, j]), power, self._bits)

    def _power_of_two(self, power: Value) -> Value:
        """A power of two, of an exponent within bounds."""
        v = self._v
        low, high = (v.splat(x * _POWER[self._dtype], self._dtype) for x in (-1, 1))
        return math_functions.power_of_two(v, v.larger(v.smaller(power, high), low))

    def _output(self, tanh: Value) -> Value:
        """The output of a unit."""
        v, stop = self._v, _STOP[self._dtype]
        half, low, high = (v.splat(x, self._dtype) for x in (0.5, stop, 1 - stop))
        return v.larger(v.smaller(v.fused(half, tanh, half), high), low)

    def _correct(self, strip: Value, target: Matrix) -> None:
        """Write the outputs of lanes with huge weights again, from sums."""
        v, memory, n = self._v, self._memory, len(self._layer.hypercube.low)
        huge = v.builder.load(self._huge)

        def corners(tile: list[Index]) -> None:
            b, half = v.builder, v.splat(0.5, self._dtype)
            places = list(itertools.product(*tile))
            sums = [v.splat(0, self._dtype)] * len(places)
            for i in range(n):
                rows = [b.add(b.mul(strip, I64(self._size)), k) for k in tile[0]]
                x = [memory.load(self._patterns, [row, I64(i)]) for row in rows]
                weights = [memory.load(self._weights, [I64(i), j]) for j in tile[1]]
                pairs = itertools.product(x, weights)
                sums = [v.fused(*pair, z) for pair, z in zip(pairs, sums, strict=True)]
            for (k, j), z in zip(places, sums, strict=True):
                if self._bias is not None:
                    z = b.fadd(memory.load(self._bias, [I64(0), j]), z)
                value = v.fused(half, math_functions.tanh(v, z, -1), half)
                value = b.select(v.holds(huge), value, memory.load(target, [k, j]))
                memory.store(value, target, [k, j])

        with v.builder.if_then(v.any(huge)):
            memory.share_tiles(target.shape, (_TOGETHER, 1), corners)


def face_sums(v: Vectors, numbers: Sequence[Callable[[], Value]]) -> list[Value]:
    """The sum of numbers; then, from the lowest bit on, of those whose places have the bit."""
    if len(numbers) == 1:
        return [numbers[0]()]
    half, b = len(numbers) // 2, v.builder
    low, *below = face_sums(v, numbers[:half])
    high, *above = face_sums(v, numbers[half:])
    sums = [b.fadd(x, y) for x, y in zip(below, above, strict=True)]
    return [b.fadd(low, high), *sums, high]
