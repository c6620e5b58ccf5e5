#!/bin/sh
# PyTensor: every operation that adds or moves an axis reads a file of C code, also where no C is compiled.
#
# Expected: with cxx= there is no C compiler, and no C code is looked for; else it is read once.
# Seen: `dimshuffle.c` is opened, read and cut into sections for each DimShuffle that is made: once for each
# number that is added to or multiplied by a vector, and again in gradients and rewrites.
# Version: pytensor 3.0.7.
# Cost: a graph of twenty units reads the file a few hundred times before it runs; that is a tenth of the
# time to build it from a local disk, and a request each where packages lie on a file server.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python=${PYTHON:-python3}
"$python" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check "pytensor==3.0.7"
PYTENSOR_FLAGS="base_compiledir=$folder/compiled,cxx=" "$folder/env/bin/python" - <<'PYTHON'
import sys

opened = []
sys.addaudithook(lambda event, args: event == "open" and opened.append(str(args[0])))
import pytensor
import pytensor.tensor as pt


def reads():
    return sum(name.endswith("dimshuffle.c") for name in opened)


print("pytensor", pytensor.__version__, "with cxx =", repr(pytensor.config.cxx))
x = pt.dvector("x")
before = reads()
y = x
for _ in range(100):
    y = 0.5 * pt.tanh(0.5 * y)
built = reads() - before
pytensor.grad(y.sum(), x)
print(f"  100 units of two products each: {built} times; their gradient: {reads() - before - built} more")
raise SystemExit(0 if built == 200 and reads() - before - built >= 100 else 1)
PYTHON
