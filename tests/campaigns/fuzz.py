"""Feed the readers of all that comes from outside, guided by the code that each input reaches.

    python tests/campaigns/fuzz.py --target study --most-s 60

Needs atheris, which `make fuzz` installs apart from the environment. An input that ends in anything
but an answer is written down as Python, to become a test; so is one that takes over 10 seconds or
2 GiB.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
LIMITS = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=4096", "-print_final_stats=1"]
NAMES = ("experiment", "table", "options", "study", "weights")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--target", choices=NAMES, action="append", help="default: each in turn")
    parser.add_argument("--most-s", type=float, default=60.0, help="seconds for each target")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = 0
    for name in options.target or NAMES:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            limits = [*LIMITS, f"-max_total_time={options.most_s:.0f}", f"-seed={options.seed}"]
            limits.append(f"-artifact_prefix={folder}/")
            command = [sys.executable, __file__, f"--inner={name}", *limits]
            started = time.monotonic()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            wanted = ("stat::number_of_executed_units", "stat::peak_rss_mb")
            runs = [line[6:] for line in done.stderr.splitlines() if line.startswith(wanted)]
            print(f"{name}: {time.monotonic() - started:.0f} s, {' '.join(runs) or 'stopped'}")
            for path in Path(folder).glob("*-*"):
                print(f"{name}: {path.name.partition('-')[0]} with {path.read_bytes()!r}")
            if done.returncode:
                print("\n".join((done.stdout + done.stderr).splitlines()[-40:]))
                failed += 1
    return 1 if failed else 0


def inner(name: str, arguments: list[str]) -> None:
    """Fuzz one target in this process, which libFuzzer ends."""
    import atheris

    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]
    with atheris.instrument_imports(include=["runner", "csv", "tomllib"]):
        from campaigns.targets import feed

    folder = Path(tempfile.mkdtemp(prefix="fuzzed-")) / "folder"
    folder.mkdir()
    feed(name, b"", folder)  # what is imported late does not count as the first input's time
    atheris.Setup([sys.argv[0], *arguments], lambda data: feed(name, data, folder))
    atheris.Fuzz()


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1].startswith("--inner="):
        inner(sys.argv[1].partition("=")[2], sys.argv[2:])
    sys.exit(main())
