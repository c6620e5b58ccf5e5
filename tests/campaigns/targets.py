"""What comes from outside, as functions of bytes: for hypothesis and for the fuzzer.

Each target feeds bytes to one reader. A `RunnerError` is an answer; any other exception is a fault,
and so is a file outside the folder that the target was given.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
from support.crafted import crafted

from runner.errors import RunnerError
from runner.experiment.content_hash import digest
from runner.experiment.experiment import load_experiment, parse_axis, parse_change
from runner.experiment.formats.registry import read_table
from runner.experiment.plan import Plan
from runner.landscape.references import reference
from runner.study import damage
from runner.study.store import Store
from runner.study.study import Study
from runner.training.shards import decode, encode

XOR = {"name": "x", "problem": {"gate": "XOR"}}

NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 10**30, -(10**30), 2**63, 1e308, -0.0, 0.5, float("nan")),
    *(float("inf"), "", "x", "\0", "../../up", "/etc/hostname", "x" * 5000, "é\u202e\x1b[31m"),
    *([], {}, [[]], [0], [10**30], {"": ""}, [[[[[[]]]]]], "PARITY-60", "W1[0,0]=0:1:10000"),
)


def experiment_file(data: bytes, folder: Path) -> None:
    """Read an experiment file, and plan it where the plan is small."""
    path = folder / "experiment.toml"
    path.write_bytes(data)
    experiment = load_experiment(path)
    plan = Plan(experiment)
    if len(experiment.points()) < 50:
        _ = plan.n_batches


def table_file(data: bytes, folder: Path) -> None:
    """Read a truth table."""
    path = folder / "table.csv"
    path.write_bytes(data)
    with suppress(RunnerError):
        read_table(path)
    load_experiment(XOR | {"problem": {"table": str(path)}}).points()[0][1].truth_table(folder)


def options(data: bytes, folder: Path) -> None:
    """Change an experiment, and cross it, as the command line does."""
    first, _, second = data.decode("utf-8", "surrogateescape").partition("\n")
    for text in (first, second):
        with suppress(RunnerError):
            load_experiment(XOR, changes=dict([parse_change(text)]))
        with suppress(RunnerError):
            load_experiment(XOR, grid=dict([parse_axis(text)]))


def weights(data: bytes, folder: Path) -> None:
    """Put given weights into a network."""
    values = [NASTY[byte % len(NASTY)] for byte in data]
    count = data[0] if data else 0
    with suppress(RunnerError):
        reference(XOR, values, count % 3 - 1)
    names = ["W1[0,0]", "W1[0,1]", "W1[1,0]", "W1[1,1]", "b1[0]", "b1[1]", "W2[0,0]", "W2[0,1]"]
    given = dict(zip([*names, "b2[0]"], [*values, *[1.0] * 9], strict=False))
    with suppress(RunnerError):
        reference(XOR, given, NASTY[count % len(NASTY)])
    reference(XOR, NASTY[count % len(NASTY)])


def template(folder: Path) -> Path:
    """Make the study that `study` changes, once in a folder."""
    path = folder / "template"
    if not path.exists():
        crafted(path, {0: [3, 5, 7]}, {0: [True, False, True]}, failed=(1,))
    return path


def study(data: bytes, folder: Path) -> None:
    """Change a study's plan, log, shard or raw bytes, with every hash made right again; read it."""
    path = folder / "study"
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(template(folder), path)
    store, how, rest = Store(path), data[0] % 5 if data else 0, data[1:]
    if how == 0:
        content = json.loads(store.plan_path.read_bytes())
        content.pop("sha256")
        content = changed(content, rest)
        with suppress(ValueError, AttributeError, TypeError):
            content = content | {"sha256": digest(content)}
        store.plan_path.write_text(json.dumps(content))
    elif how == 1:
        line = store.log.path.read_bytes().rpartition(b" ")[0]
        text = json.dumps(changed(json.loads(line), rest))
        again = b"\n" if rest[-1:] == b"\1" else b""
        signed = f"{text} {zlib.crc32(text.encode()):08x}\n".encode()
        store.log.path.write_bytes(signed + signed * bool(again))
    elif how == 2:
        _replace_shard(store, encode(_other_table(decode(_shard(store).read_bytes()), rest)))
    elif how == 3:
        _replace_shard(store, _spliced(_shard(store).read_bytes(), rest))
    else:
        files = sorted(p for p in path.rglob("*") if p.is_file())
        chosen = files[rest[0] % len(files)] if rest else files[0]
        chosen.write_bytes(_spliced(chosen.read_bytes(), rest[1:]))
    found = Study(path)
    reads: list[Callable[[], object]] = [
        *(lambda: found.summary, lambda: found.weights, lambda: found.starts),
        *(lambda: found.curves, lambda: found.failures, lambda: repr(found)),
        lambda: damage.find(store, found.plan),
        lambda: store.differences(found.plan),
    ]
    for read in reads:
        with suppress(RunnerError):
            read()


def changed(content: Any, data: bytes) -> Any:
    """Put something nasty, or a JSON text from the bytes, in the place of a part of the content."""
    places = list(_places(content))
    place = places[int.from_bytes(data[:2], "big") % len(places)]
    value: Any = NASTY[data[2] % len(NASTY)] if len(data) > 2 else None
    with suppress(ValueError, RecursionError):
        value = json.loads(data[3:])
    if not place:
        return value
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    if data[:1] == b"\xff":
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    return content


def _places(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(content, dict | list):
        for key in content if isinstance(content, dict) else range(len(content)):
            yield from _places(content[key], (*place, key))


def _other_table(table: pa.Table, data: bytes) -> pa.Table:
    """Change one cell, one column's type, its name, or the number of rows."""
    column = data[0] % table.num_columns if data else 0
    kind, value = data[1:2] or b"\0", NASTY[data[2] % len(NASTY)] if len(data) > 2 else None
    name = table.column_names[column]
    if kind[0] % 4 == 0:
        return table.drop_columns([name])
    if kind[0] % 4 == 1:
        return table.rename_columns(
            [*table.column_names[:column], "other", *table.column_names[column + 1 :]]
        )
    if kind[0] % 4 == 2:
        return pa.concat_tables([table] * (1 + len(data) % 3)).slice(len(data) % 2)
    cells = table.column(column).to_pylist()
    cells[len(data) % len(cells)] = value
    try:
        array = pa.array(cells, type=table.schema.field(column).type)
    except (pa.ArrowException, OverflowError, TypeError, ValueError):
        array = pa.array([str(cell) for cell in cells])
    return table.set_column(column, name, array)


def _shard(store: Store) -> Path:
    return next(store.shards_path.rglob("*.parquet"))


def _replace_shard(store: Store, shard: bytes) -> None:
    """Write a shard and make the log agree with it."""
    _shard(store).write_bytes(shard)
    line = json.loads(store.log.path.read_bytes().rpartition(b" ")[0])
    line |= {"size": len(shard), "sha256": hashlib.sha256(shard).hexdigest()}
    text = json.dumps(line)
    store.log.path.write_text(f"{text} {zlib.crc32(text.encode()):08x}\n")


def _spliced(content: bytes, data: bytes) -> bytes:
    """Put some bytes over, or into, a content."""
    at = int.from_bytes(data[:2], "big") % (len(content) + 1)
    return content[:at] + data[3:] + content[at + (data[2] % 64 if len(data) > 2 else 0) :]


TARGETS: dict[str, Callable[[bytes, Path], None]] = {
    "experiment": experiment_file,
    "table": table_file,
    "options": options,
    "study": study,
    "weights": weights,
}


def feed(name: str, data: bytes, folder: Path) -> None:
    """Feed a target; raise what no user may see."""
    before = {p.name for p in folder.parent.iterdir()}
    with suppress(RunnerError):
        TARGETS[name](data, folder)
    assert {p.name for p in folder.parent.iterdir()} == before, "a file outside the folder"
