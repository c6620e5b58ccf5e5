"""Threads of a GPU, as NVIDIA's manual describes them: run PTX on this process's memory.

Written from the PTX ISA (release 9.0: "Floating-Point Instructions" and on), without LLVM, so that
it is a second opinion on what the compiled code means. It knows the instructions that programs for
threads have, raises KeyError at any other, and takes a minute for what a GPU does in no time.
"""

from __future__ import annotations

import ctypes
import math
import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

_LIBM = ctypes.CDLL("libm.so.6")


def _fused(name: str, kind: type) -> Callable[..., float]:
    """The C library's fused multiply-add, rounded once on any processor."""
    function = getattr(_LIBM, name)
    function.argtypes, function.restype = [kind] * 3, kind
    return function


def _bits(number: float, kind: str) -> int:
    """The bits of a float, ``f`` or ``d``."""
    code = {"f": "<fI", "d": "<dQ"}[kind]
    return struct.unpack(f"<{code[2]}", struct.pack(code[:2], number))[0]


def _float(bits: int, kind: str) -> float:
    code = {"f": "<If", "d": "<Qd"}[kind]
    bits &= 2 ** (8 * struct.calcsize(code[:2])) - 1
    return struct.unpack(f"<{code[2]}", struct.pack(code[:2], bits))[0]


def _narrow(number: float) -> float:
    """Round to float32; of one operation on float32, the result in float64 rounds as the exact."""
    return ctypes.c_float(number).value


def _divided(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)


def _root(a: float) -> float:
    return math.nan if a < 0 else math.sqrt(a)


def _least(a: float, b: float) -> float:
    """The smaller one, the number of a number and a NaN; -0 is less than +0."""
    if math.isnan(a) or math.isnan(b):
        return b if math.isnan(a) else a
    return min(a, b, key=lambda x: (x, math.copysign(1, x)))


def _signed(number: int, bits: int) -> int:
    number &= 2**bits - 1
    return number - 2**bits if number >> (bits - 1) else number


def _read(address: int, kind: str) -> int | float:
    found = ctypes.string_at(address, _SIZE[kind])
    return struct.unpack(f"<{_CODE[kind]}", found)[0]


def _write(address: int, kind: str, value: float) -> None:
    if not kind.startswith("f"):
        value = int(value) % 2 ** (8 * _SIZE[kind])
    ctypes.memmove(address, struct.pack(f"<{_CODE[kind]}", value), _SIZE[kind])


_CODE = {"f32": "f", "f64": "d", "u8": "B", "u32": "I", "s32": "i", "u64": "Q"}
_CODE |= {"b8": "B", "b32": "I", "b64": "Q"}
_SIZE = {kind: struct.calcsize(code) for kind, code in _CODE.items()}

# Expressions of an instruction's operands a, b, c by its name; N stands for the bits of its type.
_ANY = {
    "mov": "a", "selp": "a if c else b", "cvta.to.global": "a",
    "not.pred": "not a", "and.pred": "a and b", "or.pred": "a or b",
}  # fmt: skip
_INTEGER = {
    "add": "a + b & M", "sub": "a - b & M", "and": "a & b", "or": "a | b", "not": "a ^ M",
    "shl": "a << b & M if b < N else 0", "mul.lo": "a * b & M", "mad.lo": "a * b + c & M",
    "mul.hi.u": "(a & M) * (b & M) >> N", "mul.wide.u": "(a & M) * (b & M)",
    "mul.wide.s": "signed(a, N) * signed(b, N) & M ** 2 + 2 * M",
    "min.s": "min(signed(a, N), signed(b, N)) & M",
    "shr.s": "signed(a, N) >> min(b, N) & M", "shr.u": "(a & M) >> b",
}  # fmt: skip
_FLOAT = {
    "abs": "abs(a)", "neg": "-a", "copysign": "copysign(b, a)",
    "add.rn": "R(a + b)", "sub.rn": "R(a - b)", "mul.rn": "R(a * b)", "div.rn": "R(divided(a, b))",
    "rcp.rn": "R(divided(1.0, a))", "sqrt.rn": "R(root(a))", "fma.rn": "fma_N(a, b, c)",
    "min": "least(a, b)", "max": "-least(-a, -b)",
    "min.NaN": "least(a, b) if a == a and b == b else nan",
    "max.NaN": "-least(-a, -b) if a == a and b == b else nan",
    "cvt.rni": "rint(a)", "cvt.rmi": "floor(a)",
}  # fmt: skip
_COMPARED = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}


def _comparison(sign: str, kind: str) -> str:
    if kind.startswith("f"):
        if sign == "nan":
            return "a != a or b != b"
        ordered = "(a == a and b == b)"
        if sign.endswith("u"):
            return f"not {ordered} or a {_COMPARED[sign[:-1]]} b"
        return f"{ordered} and a {_COMPARED[sign]} b"
    read = "signed({}, N)" if kind.startswith("s") else "({} & M)"
    return f"{read.format('a')} {_COMPARED[sign]} {read.format('b')}"


def _expression(name: str, kind: str) -> str:
    """What an instruction gives, of operands a, b and c."""
    n = kind.lstrip("bfsu")
    if name.startswith("setp."):
        found = _comparison(name[5:], kind)
    elif name in _ANY or f"{name}.{kind}" in _ANY:
        found = _ANY.get(name) or _ANY[f"{name}.{kind}"]
    elif kind.startswith("f"):
        found = _FLOAT[name]
    else:
        found = _INTEGER.get(name) or _INTEGER[f"{name}.{kind[0]}"]
    if kind == "f64":
        found = re.sub(r"\bR\(", "(", found)
    return re.sub(r"\bN\b|(?<=_)N", n, found).replace(
        "M", f"{2 ** int(n) - 1}" if n.isdigit() else ""
    )


def _letters(register: str) -> str:
    return register.lstrip("%").rstrip("0123456789")


def _operand(text: str, kind: str) -> str:
    """A register, a symbol or a number, as an instruction of a kind takes it.

    LLVM has had registers of floats, ``%f1`` and ``%fd1``, and has floats in those of bits now.
    """
    is_float = kind.startswith("f")
    if text.startswith("%"):
        holds = _letters(text)
        if is_float and holds in ("r", "rd"):
            return f"float_{'f' if kind == 'f32' else 'd'}({text[1:]})"
        if not is_float and holds in ("f", "fd"):
            return f"bits_{holds[-1]}({text[1:]})"
        return text[1:]
    if re.fullmatch(r"0[fd][0-9A-F]+", text):
        bits = int(text[2:], 16)
        return f"float_{text[1]}({bits})" if is_float else str(bits)
    return text if re.fullmatch(r"-?\d+", text) else f"memory[{text!r}]"


_SPECIAL = {"%tid.x": "thread", "%ntid.x": "n_threads", "%ctaid.x": "block"}
"""Registers that say which thread it is."""


def _kept(register: str, kind: str, value: str) -> str:
    """Put what an instruction of a kind gives into a register."""
    holds, is_float = _letters(register), kind.startswith("f")
    if is_float and holds in ("r", "rd"):
        value = f"bits_{'f' if kind == 'f32' else 'd'}({value})"
    elif not is_float and holds in ("f", "fd"):
        value = f"float_{holds[-1]}({value})"
    return f"{register[1:]} = {value}"


_END = object()


class Kernel:
    """A kernel, which is run in one block of threads after the other.

    Parameters
    ----------
    code : str
        PTX of one kernel.
    n_blocks, n_threads : int
        Blocks, and threads of each, that `run` runs.
    """

    def __init__(self, code: str, n_blocks: int = 1, n_threads: int = 1) -> None:
        self._code, self._source = code, compile(_source(code), "ptx", "exec")
        self.n_blocks, self.n_threads = n_blocks, n_threads

    def run(self, *arguments: int) -> None:
        """Run each block's threads from barrier to barrier, in one order and then in the other.

        So threads that do not wait where they have to give other bits.
        """
        for block in range(self.n_blocks):
            numbers = range(self.n_threads)
            threads = [self._thread()(arguments, k, self.n_threads, block) for k in numbers]
            while threads:
                waiting = [thread for thread in threads if next(thread, _END) is not _END]
                assert len(waiting) in (0, len(threads)), "some threads wait for ever"
                threads = waiting[::-1]

    def _thread(self) -> Callable[..., Iterator[None]]:
        """A thread's function, with memory of its own."""
        code = self._code
        kept: list[np.ndarray] = []
        memory = {}
        for name, size, content in re.findall(
            r"\.(?:global|local) .*?\.b8\s+(\w+)\[(\d+)\](?: = \{(.*?)\})?;", code
        ):
            kept.append(np.zeros(int(size) + 64, np.uint8))
            if content:
                given = [int(byte) for byte in content.split(",")]
                kept[-1][: len(given)] = given
            memory[name] = kept[-1].ctypes.data
        names: dict[str, Any] = {
            "kept": kept, "memory": memory, "nan": math.nan,
            "R": _narrow, "divided": _divided, "root": _root,
            "least": _least, "signed": _signed, "read": _read, "write": _write,
            "copysign": math.copysign, "rint": lambda x: float(np.rint(x)),
            "floor": lambda x: float(np.floor(x)),
            "fma_32": _fused("fmaf", ctypes.c_float), "fma_64": _fused("fma", ctypes.c_double),
            "float_f": lambda x: _float(x, "f"), "float_d": lambda x: _float(x, "d"),
            "bits_f": lambda x: _bits(x, "f"), "bits_d": lambda x: _bits(x, "d"),
        }  # fmt: skip
        exec(self._source, names)  # noqa: S102
        return cast("Callable[..., Iterator[None]]", names["run"])


def _source(code: str) -> str:
    """Python for the kernel: a loop that goes from label to label."""
    body = code[code.index("\n{") :]
    lines = ["def run(parameters, thread, n_threads, block):", " at = ''", " while True:"]
    lines += ["  if parameters is None: yield", "  if at == '':"]  # a generator in any case
    for line in filter(None, (line.strip() for line in body.splitlines())):
        if label := re.match(r"(\$\w+):", line):
            lines += [f"   at = {label[1]!r}", f"  if at == {label[1]!r}:"]
        elif line[0] not in "{}.":
            lines.append("   " + _statement(line.rstrip(";")))
    return "\n".join(lines)


def _statement(line: str) -> str:
    guard, name, rest = re.fullmatch(r"(?:@(!?%\w+) +)?([a-zA-Z.0-9]+)\s*(.*)", line).groups()  # type: ignore[union-attr]
    condition = f"if {guard.replace('!', 'not ').replace('%', '')}: " if guard else ""
    operands = [each.strip() for each in rest.split(",")] if rest else []
    if name == "ret":
        return "return"
    if name == "bar.sync":
        return "yield"
    if name in ("bra", "bra.uni"):
        return f"{condition}at = {operands[0]!r}; continue"
    *parts, kind = name.split(".")
    if operands[-1] in _SPECIAL:
        return f"{operands[0][1:]} = {_SPECIAL[operands[-1]]}"
    if parts[0] in ("ld", "st", "atom"):
        return _memory(parts, kind, rest, operands)
    given = [_operand(each, kind) for each in operands[1:]]
    if parts[0] == "cvt" and len(parts) > 1:
        return _kept(operands[0], parts[-1], _converted(parts[1:], kind, given[0]))
    text = _expression(".".join(parts), kind)
    text = re.sub(r"\b[abc]\b", lambda m: f"({given['abc'.index(m[0])]})", text)
    return _kept(operands[0], "pred" if parts[0] == "setp" else kind, text)


def _memory(parts: list[str], kind: str, rest: str, operands: list[str]) -> str:
    """Read, write or add in memory."""
    place, offset = re.search(r"\[(\S+?)(?:\+(-?\d+))?\]", rest).groups()  # type: ignore[union-attr]
    if parts == ["ld", "param"]:
        return f"{operands[0][1:]} = int(parameters[{place.rpartition('_')[2]}])"
    where = f"{_operand(place, 'u64')} + {offset or 0}"
    if parts[0] == "st":
        return f"write({where}, {kind!r}, {_operand(operands[1], kind)})"
    found = _kept(operands[0], kind, f"read({where}, {kind!r})")
    if parts[0] == "ld":
        return found
    added = f"{operands[0][1:]} + {_operand(operands[2], kind)}"
    return f"{found}; write({where}, {kind!r}, {added})"


def _converted(parts: list[str], source: str, value: str) -> str:
    *mode, target = parts
    if target.startswith("f") and source.startswith("f"):
        if target == source:
            return _FLOAT[f"cvt.{mode[0]}"].replace("(a)", f"({value})")
        return f"R({value})" if target == "f32" else value
    if target.startswith("f"):
        n = source[1:]
        number = f"signed({value}, {n})" if source[0] == "s" else f"({value} & {2 ** int(n) - 1})"
        return f"R({number})" if target == "f32" else f"float({number})"
    if source[0] == "s":
        value = f"signed({value}, {source[1:]})"
    return f"{value} & {2 ** int(target[1:]) - 1}"


class Machine:
    """Runs kernels where a GPU would: on memory of this process, in few threads of a block."""

    name = "a machine that was written from the manual"

    def __init__(self) -> None:
        self.runs = 0
        """Kernels that were run."""

    def load(self, code: str, name: str) -> Kernel:
        assert name == "run"
        return Kernel(code)

    def allocate(self, n_bytes: int) -> np.ndarray:
        return np.full(n_bytes // 8 + 1, -1, np.int64)

    def address(self, memory: np.ndarray) -> int:
        return memory.ctypes.data

    def put(self, array: np.ndarray, memory: np.ndarray) -> None:
        assert array.nbytes <= memory.nbytes
        assert array.flags.c_contiguous
        ctypes.memmove(memory.ctypes.data, array.ctypes.data, array.nbytes)

    def get(self, memory: np.ndarray, array: np.ndarray) -> None:
        assert array.nbytes <= memory.nbytes
        ctypes.memmove(array.ctypes.data, memory.ctypes.data, array.nbytes)

    def most_blocks(self, kernel: Kernel, n_threads: int) -> int:
        assert n_threads % 32 == 0
        return 2

    def run(
        self, kernel: Kernel, n_blocks: int, n_threads: int, arguments: tuple[int, ...]
    ) -> None:
        self.runs += 1
        kernel.n_blocks, kernel.n_threads = n_blocks, min(n_threads, 3)
        kernel.run(*arguments)
