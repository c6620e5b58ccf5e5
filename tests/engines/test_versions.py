"""The hash of the runner's own code: what changes it, and what does not."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tokenize
from pathlib import Path

import pytest

from runner.engines import versions
from runner.engines.versions import COMPUTING, code_alone, computing_source, source

PACKAGE = Path(versions.__file__).parents[1]
FILES = sorted(path for room in COMPUTING for path in (PACKAGE / room).rglob("*.py"))
LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_tokens(text: str) -> list[str]:
    """Tokens of a file but those of comments, layout, and lines that are a string alone."""
    lines: list[list[str]] = [[]]
    strings: list[bool] = [True]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NEWLINE:
            lines.append([])
            strings.append(True)
        elif token.type not in LAYOUT:
            lines[-1].append(token.string)
            strings[-1] &= token.type == tokenize.STRING
    return [word for line, alone in zip(lines, strings, strict=True) if not alone for word in line]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_what_is_left_of_a_file_is_its_code(path) -> None:
    text = path.read_text("utf-8")
    left = code_alone(text)
    assert code_tokens(left) == code_tokens(text)
    comments = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type in LAYOUT]
    assert not any(c.string.strip() in left for c in comments if len(c.string.strip()) > 20)


CODE = 'def f(x):\n    return g(x, "# a", """\n# b\n\n  c  """, \'"""\')  \n'


@pytest.mark.parametrize(
    "other",
    [
        f"# a word\n{CODE}",
        f'"""Of the file.\n\nMore: "a", \\"""b\\""".\n"""\n\n{CODE}',
        CODE.replace(
            "\n    return", '\n    r"""Of the function, \'\'\'."""  # so\n\n    return', 1
        ),
        CODE.replace("'  \n", "'  # why\n"),
        f"{CODE}\n\n  # the end",
    ],
)
def test_words_are_no_code(other) -> None:
    assert code_alone(other) == code_alone(CODE)


@pytest.mark.parametrize(
    ("old", "new"),
    [("# a", "# d"), ("# b", "# d"), ("\n\n", "\n"), ("  c  ", "  c "), ("    return", "  return")],
)
def test_strings_and_depth_are_code(old, new) -> None:
    changed = CODE.replace(old, new, 1)
    assert changed != CODE
    assert code_alone(changed) != code_alone(CODE)


def test_the_source_is_that_of_the_rooms_that_compute(monkeypatch, tmp_path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "runner", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(versions, "__file__", str(tmp_path / "runner" / "engines" / "versions.py"))
    hashed = computing_source.__wrapped__
    before = hashed()
    assert before == computing_source()
    for name, addition, changes in (
        ("training/labels.py", "x = 1\n", True),
        ("network/step.py", "x = 1\n", True),
        ("engines/simd/control_flow.py", "x = 1\n", True),
        ("experiment/grid/grid.py", "x = 1\n", True),
        ("training/labels.py", "# x\n", False),
        ("network/step.py", '"""x"""\n', False),
        ("report/page.py", "x = 1\n", False),
        ("cli/app.py", "x = 1\n", False),
    ):
        path = tmp_path / "runner" / name
        text = path.read_text()
        path.write_text(text + addition)
        assert (hashed() != before) == changes, (name, addition)
        path.write_text(text)
    assert hashed() == before


def test_a_file_that_is_written_anew_is_another_source(monkeypatch, tmp_path) -> None:
    first, second = tmp_path / "runner" / "a.py", tmp_path / "runner" / "engines" / "b.py"
    second.parent.mkdir(parents=True)
    monkeypatch.setattr(versions, "__file__", str(second))
    for n, (a, b) in enumerate([(b"1", b"2"), (b"1", b"3"), (b"11", b"3"), (b"1", b"2")]):
        for path, content in ((first, a), (second, b)):
            path.write_bytes(content)
            os.utime(path, ns=(n, n))  # a clock may tick too slowly
        expected = hashlib.sha256(b"a.py" + a + b"engines/b.py" + b).hexdigest()[:8]
        assert source() == source() == expected
