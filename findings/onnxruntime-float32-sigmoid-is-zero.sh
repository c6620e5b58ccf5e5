#!/bin/sh
# ONNX Runtime: the float32 sigmoid is 0 from -18 on, and does not always grow with its argument.
#
# Expected: ONNX's Sigmoid is 1 / (1 + exp(-x)). In float32 that has seven digits for every x that exp can stand, as in
# NumPy: at -20 it is 2.06e-9, of which the loss -log is 20.
# Seen: the error is 1e-7 of one, not of the value: at -10 three digits are right, at -15 it is 17% too large. From -18
# on it is exactly 0, whose -log is infinite. It should rise, and falls in 311 of 1,000 steps from -18 to -14: it is
# 8.9e-8 at -16.7 and 6.0e-8 at -16. The same runtime's Softplus keeps seven digits there, and its Sigmoid of float64
# eight.
# Versions: onnxruntime 1.32.0 (CPU), onnx 1.23.2, numpy 2.4.6, Python 3.11, x86-64 with AVX2.
# Cost: rows with small probabilities are ranked by noise, and the cross-entropy of an exported classifier is infinite by
# one confident mistake, where the program that trained it says 20. A restart compared with its export differs in its
# loss, not in its weights.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install -q --disable-pip-version-check \
    onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/env/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper


def function(operator, kind=TensorProto.FLOAT):
    """Return ONNX Runtime's `operator` of a vector."""
    ends = [helper.make_tensor_value_info(name, kind, [None]) for name in "xy"]
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"])], "one", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x})[0]


def exact(x):
    return 1 / (1 + np.exp(-x.astype(np.float64)))


print("onnxruntime", onnxruntime.__version__)
sigmoid = function("Sigmoid")
x = np.array([-5, -10, -15, -16, -16.7, -18, -20, -30], np.float32)
with np.errstate(divide="ignore"):
    for row in zip(x, sigmoid(x), 1 / (1 + np.exp(-x)), exact(x), -np.log(sigmoid(x))):
        print("  x {:6.1f}: ONNX Runtime {:.4e}, NumPy float32 {:.4e}, exact {:.4e}; -log {:.3f}".format(*row))
grid = np.linspace(-18, -14, 1001, dtype=np.float32)
falls = int((np.diff(sigmoid(grid)) < 0).sum())
print(f"  1,000 steps from -18 to -14: the sigmoid falls in {falls}, NumPy's in",
      int((np.diff(1 / (1 + np.exp(-grid))) < 0).sum()))


def error(y, true):
    return float(np.abs(y / true - 1).max())


small = np.linspace(-17.9, -10, 1001, dtype=np.float32)
one = np.logaddexp(0, small.astype(np.float64))
errors = {
    "Sigmoid": error(sigmoid(small), exact(small)),
    "Sigmoid, float64": error(function("Sigmoid", TensorProto.DOUBLE)(small.astype(np.float64)), exact(small)),
    "Softplus": error(function("Softplus")(small), one),
    "NumPy": error(1 / (1 + np.exp(-small)), exact(small)),
}
print("  largest relative error from -17.9 to -10:", {name: f"{e:.1e}" for name, e in errors.items()})
good = errors["NumPy"] < 1e-6 and errors["Softplus"] < 1e-6
bad = errors["Sigmoid"] > 0.3 and (sigmoid(x[-3:]) == 0).all() and falls > 50
raise SystemExit(0 if good and bad else 1)
PYTHON
