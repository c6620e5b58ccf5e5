#!/bin/sh
# TensorFlow.js: He's, Glorot's and LeCun's normal weights have 0.88 of the standard deviation that they name.
#
# Expected: `heNormal` draws from "a truncated normal distribution … with stddev = sqrt(2 / fanIn)" (its documentation), and, as in
# Keras, whose initialisers these are, the weights have that deviation: the variance is what the method is about.
# Seen: a normal distribution of that deviation is cut at two deviations and not widened for it. The weights' variance is 0.774 of what is
# named, in every shape; Keras divides by 0.8796 and has it right. The uniform ones are right in both.
# Versions: @tensorflow/tfjs 4.22.0, Node.js 20.20.2; keras 3.15.1, jax 0.10.2, numpy 2.4.6, Python 3.11.
# Cost: the same network with the same initialiser starts elsewhere in the browser than in Python. With relu, where each layer is to keep the
# variance, ten layers after one another lose 92% of it; shares of solved restarts of the two cannot be compared.
# Needs: node and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv env
env/bin/pip install -q --disable-pip-version-check keras==3.15.1 jax==0.10.2 numpy==2.4.6
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat > spread.js <<'JS'
console.warn = () => {};
const tf = require("@tensorflow/tfjs");
const spread = (maker, shape) => Math.sqrt(tf.moments(tf.initializers[maker]({seed: 1}).apply(shape)).variance.dataSync()[0]);

tf.setBackend("cpu").then(() => {
  for (const maker of ["glorotUniform", "glorotNormal", "heUniform", "heNormal", "leCunUniform", "leCunNormal"])
    console.log(maker, spread(maker, [200, 300]));
  let x = tf.randomNormal([500, 200], 0, 1, "float32", 1);
  const before = tf.mean(tf.square(x)).dataSync()[0];
  for (let layer = 1; layer <= 10; layer++)
    x = tf.relu(tf.matMul(x, tf.initializers.heNormal({seed: layer}).apply([200, 200])));
  console.log("kept", tf.mean(tf.square(x)).dataSync()[0] / before);
});
JS
node spread.js > spread.txt
KERAS_BACKEND=jax env/bin/python -W ignore - <<'PYTHON'
from importlib.metadata import version
from pathlib import Path

import keras
import numpy as np

named = {"glorot": (2 / 500) ** 0.5, "he": (2 / 200) ** 0.5, "lecun": (1 / 200) ** 0.5}
seen = dict(line.split() for line in Path("spread.txt").read_text().splitlines())
kept = float(seen.pop("kept"))
print("tfjs 4.22.0, keras", version("keras"))
shares = {}
for name, value in seen.items():
    kind = name.removesuffix("Uniform").removesuffix("Normal").lower()
    how = "uniform" if name.endswith("Uniform") else "normal"
    drawn = keras.ops.convert_to_numpy(keras.initializers.get(f"{kind}_{how}")((200, 300)))
    shares[name] = float(value) / named[kind], float(np.std(drawn)) / named[kind]
    print("  {}: standard deviation over the one named {:.3f}, in Keras {:.3f}".format(name, *shares[name]))
print(f"  ten layers of relu after heNormal keep {kept:.2f} of the mean square")
uniform = [v for name, pair in shares.items() if name.endswith("Uniform") for v in pair]
normal = [pair for name, pair in shares.items() if name.endswith("Normal")]
right = all(abs(v - 1) < 0.02 for v in [*uniform, *(b for _, b in normal)])
narrow = all(abs(a - 0.8796) < 0.02 for a, _ in normal)
raise SystemExit(0 if right and narrow and kept < 0.2 else 1)
PYTHON
