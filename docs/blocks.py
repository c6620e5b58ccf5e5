"""Run a page's Python blocks in one session: python docs/blocks.py PAGE.md [N]

Prints the page anew, with what each block printed under it; N takes the place of the page's number
of restarts. From the project's folder: results go to results/, where finished ones are only read.
"""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

BLOCK = re.compile(r"(```python\n(.*?)```\n)(?:\n((?:    [^\n]*\n|\n)*    [^\n]*\n))?", re.DOTALL)


def renewed(page: str, restarts: str = "") -> str:
    """The page with fresh outputs."""
    session: dict[str, object] = {"__name__": "page"}

    def run(found: re.Match[str]) -> str:
        block, code, _ = found.groups()
        code = re.sub(r"^N = \d+$", f"N = {restarts}", code, flags=re.M) if restarts else code
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(code, "page", "exec"), session)  # noqa: S102  the page's own code
        lines = [f"    {line.rstrip()}".rstrip() for line in printed.getvalue().splitlines()]
        return block + ("\n" + "\n".join(lines) + "\n" if lines else "")

    return BLOCK.sub(run, page)


if __name__ == "__main__":
    sys.path.insert(0, "")  # the folder that it is started in, as for `python -m`
    print(renewed(Path(sys.argv[1]).read_text(), *sys.argv[2:3]), end="")
