"""An environment without JAX: the installed packages by links, and only they are on the path."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]


class WithoutJax:
    """Runs Python where JAX is not installed.

    Parameters
    ----------
    folder : Path
        An empty folder, for links to all other packages.
    """

    def __init__(self, folder: Path) -> None:
        for installed in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
            for path in Path(installed).iterdir():
                if not path.name.startswith("jax") and path.suffix != ".pth":
                    (folder / path.name).symlink_to(path)
        # Without -S the environment's own packages would be found, too. Processes that Python's
        # multiprocessing starts inherit it.
        self.python = [sys.executable, "-S"]
        paths = (ROOT, ROOT / "tests", folder)
        self.env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run Python; return its exit code and what it printed."""
        return subprocess.run(
            [*self.python, *map(str, arguments)],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=240,
        )
