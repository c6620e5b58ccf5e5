"""Programs for threads, each of which has one lane: the bits of vectors, and nothing but `.rn`."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from shutil import which

import numpy as np
import pytensor.tensor as pt
import pytest
from support.nvptx import needs_nvptx
from support.ptx_machine import Machine
from support.threads import HARD, Given, cases, ended, expected, given, programs, signature_of

from runner.engines.gpu_kernel import tried
from runner.engines.registry import compiled
from runner.engines.simd.errors import UnknownOperation
from runner.engines.simd.gpu_loop import GpuLoop
from runner.engines.simd.lane_refills import STEPS_BETWEEN_REFILLS
from runner.engines.simd.lowering import lower_loops
from runner.engines.simd.machine_code import Loop, assemble
from runner.engines.simd.ptx import ptx
from runner.experiment.experiment import load_experiment
from runner.experiment.plan import Plan
from runner.training.lanes import train

needs_ptxas = pytest.mark.skipif(which("ptxas") is None, reason="no ptxas of CUDA on PATH")

# The instructions of PTX on floats: those that round do so once, to the nearest; none flushes.
ROUNDED = re.compile(
    r"(add|sub|mul|div|rcp|sqrt|fma)\.rn\.f(32|64)|cvt\.rn\.f32\.f64|cvt\.rn\.f(32|64)\.[su]\d+"
)
EXACT = re.compile(
    r"(abs|neg|copysign|min|max|min\.NaN|max\.NaN|selp|mov|setp\.\w+|(ld|st)(\.\w+)*)\.f(32|64)"
    r"|cvt\.(rni|rmi)\.f(32|64)\.f(32|64)|cvt\.f64\.f32"
)


def instructions(code: str) -> Counter[str]:
    """The instructions of PTX on floats, counted."""
    found = re.findall(r"^\s+(?:@!?%\w+ )?([a-z]+(?:\.\w+)+)\s", code, re.M)
    return Counter(each for each in found if re.search(r"\.f(32|64)\b", each))


def others(code: str) -> set[str]:
    """The instructions on floats that are neither rounded once nor exact."""
    return {x for x in instructions(code) if not (ROUNDED.fullmatch(x) or EXACT.fullmatch(x))}


def rounded_operations(text: str) -> Counter[str]:
    """The multiplications of a program, counted, fused or not."""
    found = re.findall(r"= (fmul) <|call <1 x \w+> @\"llvm\.(fmuladd)\.", text)
    return Counter(name or fused for name, fused in found)


@pytest.mark.parametrize("case", [each for each in cases() if each.layout == "lanes"], ids=str)
def test_one_thread_gives_the_bits_of_vectors(case) -> None:
    """Whatever the numbers are: infinities, zeros of both signs, subnormal ones, none."""
    _, program = programs(signature_of(case))
    assert program.interface.width == 1
    assert given(case).run(Loop(assemble(program))).bits == expected(case).bits


@needs_nvptx
@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_gpu_as_its_manual_has_it_gives_the_bits_of_vectors(case) -> None:
    """The PTX, run by what is written from the manual; and of no instruction that approximates.

    Of matrices, three threads of each block compute a restart together.
    """
    lanes, program = programs(signature_of(case))
    assert program.interface.kind == ("threads" if case.layout == "lanes" else "blocks")
    code, hard = ptx(program), given(case).first(2 * len(HARD))
    limit = np.where(np.arange(len(hard.steps)), hard.limit // 8, STEPS_BETWEEN_REFILLS + 6)
    few = replace(hard, limit=limit.astype(np.int32))
    wanted = few.run(Loop(assemble(lanes)))
    assert few.run(GpuLoop(code, program.interface, Machine())).bits == wanted.bits
    found, written = instructions(code), rounded_operations(program.text)
    assert not others(code)
    kind = "f32" if case.dtype == "float32" else "f64"
    # nothing is fused that was not; LLVM leaves out what is there twice, and writes x + x for 2 x
    assert found[f"fma.rn.{kind}"] <= written["fmuladd"]
    assert found[f"mul.rn.{kind}"] <= written["fmul"]


@needs_nvptx
def test_threads_that_share_tiles_of_a_product_give_the_bits_of_vectors() -> None:
    """16 patterns by 65 units: tiles of 2 by 2 and what is left of them."""
    content = {"name": "x", "problem": {"gate": "PARITY-4"}, "network": {"hidden": [65]}}
    (configuration,) = Plan(load_experiment(content)).configurations
    lanes, program = programs(configuration.signature())
    state, steps, _, *fixed = tried(configuration.signature(), 40, 1)
    given = Given(state, steps, np.full_like(steps, 2), *fixed).first(3)
    ours = given.run(GpuLoop(ptx(program), program.interface, Machine()))
    assert ours.bits == given.run(Loop(assemble(lanes))).bits


@needs_nvptx
def test_every_function_is_exact_on_a_gpu_or_rounded_once() -> None:
    x, y = (pt.tensor(name, dtype="float64", shape=(8,)) for name in "xy")
    every = pt.maximum(x, y) + pt.minimum(x, y) + pt.floor(x) + pt.sqrt(y) + pt.sign(x) + 1 / x
    every += pt.exp(x) + pt.log(y) + pt.log1p(y) + pt.tanh(x) + pt.abs(y)
    narrow = pt.switch(x > y, every, -every).astype("float32")
    moved = (narrow * narrow).astype("float64") + (x > y).astype("int8").astype("int32")
    (program,) = lower_loops(
        [x, y], [], [moved, every], pt.gt(x, 1e3), [pt.isnan(x)], kinds=["threads"]
    )
    code, rng = ptx(program), np.random.default_rng(3)
    assert not {
        each
        for each in instructions(code)
        if not (ROUNDED.fullmatch(each) or EXACT.fullmatch(each))
    }
    columns = np.concatenate([rng.normal(0, 3, (2, 9)), [HARD, HARD[::-1]], [HARD, HARD]], axis=1)
    ends = []
    for loop in (Loop(assemble(program)), GpuLoop(code, program.interface, Machine())):
        numbers, steps = columns.copy(), np.zeros(columns.shape[1], np.int32)
        told = np.zeros(steps.size, bool)
        loop(numbers, steps, np.full_like(steps, 2), [], [told])
        ends.append(ended(numbers, steps, told).bits)
    assert ends[0] == ends[1]


@needs_nvptx
def test_what_a_gpu_has_no_instruction_for_is_refused() -> None:
    x, y = (pt.tensor(name, dtype="float64", shape=(8,)) for name in "xy")
    (program,) = lower_loops(
        [x], [y], [pt.abs(x) ** y], pt.gt(x, 1e3), [pt.isnan(x)], kinds=["threads"]
    )
    with pytest.raises(UnknownOperation, match="pow on a GPU"):
        ptx(program)
    with pytest.raises(ValueError, match="expected one for threads or blocks"):
        ptx(replace(program, interface=replace(program.interface, kind="loop")))


@pytest.mark.parametrize("stops", [(), ("solved",)])
def test_threads_that_share_a_counter_take_every_restart_once(xor, restarts, stops) -> None:
    """Curves' pauses and stopping rules are those of vectors."""
    signature = xor(dtype="float32", stops=stops)
    vectors = compiled("pytensor", signature)
    _, program = programs(signature)
    loop = Loop(assemble(program))
    run, n_threads = loop._run, 3

    def together(*arguments: int) -> None:
        with ThreadPoolExecutor(n_threads) as pool:
            list(pool.map(run, *([argument] * n_threads for argument in arguments)))

    loop._run = together

    def advance(state, steps, limit, hyper, targets):
        state, steps, solved = state.copy(order="C"), steps.copy(), np.zeros(len(steps), bool)
        loop(state, steps, limit, [hyper, targets], [solved])
        return state, steps, solved

    work = restarts(signature, n=200, max_steps=300, rate=2.0, traced=30)
    gpu = replace(vectors, advance=advance, record=None)
    ours, theirs = train(gpu, work), train(vectors, work)
    np.testing.assert_array_equal(ours.state, theirs.state)
    np.testing.assert_array_equal(ours.steps, theirs.steps)
    np.testing.assert_array_equal(ours.solved, theirs.solved)
    np.testing.assert_array_equal(ours.curves.loss, theirs.curves.loss)


@needs_nvptx
@needs_ptxas
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [[], [2], [8], [64, 64]])
def test_networks_of_the_readme_fit_into_registers(hidden, dtype, tmp_path) -> None:
    training = {"dtype": dtype, "stop_solved": True}
    problem = {"name": "x", "problem": {"gate": "XOR"}, "network": {"hidden": hidden}}
    plan = Plan(load_experiment(problem | {"training": training}))
    _, program = programs(plan.configurations[0].signature())
    (tmp_path / "x.ptx").write_text(ptx(program))
    said = subprocess.run(
        ["ptxas", "-arch=sm_90", "-v", "-o", "x.cubin", "x.ptx"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    assert "0 bytes spill stores, 0 bytes spill loads" in said
    registers = int(re.search(r"Used (\d+) registers", said)[1])
    assert registers <= 255
    # Threads that an SM with 65,536 registers holds, which are given out by eights.
    assert 65_536 // (-(-registers // 8) * 8) // 32 * 32 >= 256
