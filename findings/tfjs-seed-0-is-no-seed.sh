#!/bin/sh
# TensorFlow.js: the seed 0 is no seed for normal numbers, and so for half of the initialisers.
#
# Expected: `glorotNormal({seed: 0})` gives the same weights whenever it is asked, as with 1, 2, …: seeds counted from 0 are
# the usual way to number restarts.
# Seen: `randomNormal`, `truncatedNormal` and all that draw from them (`glorotNormal`, `heNormal`, `leCunNormal`, `orthogonal`,
# the initialisers `randomNormal` and `truncatedNormal`) take 0 for "no seed" and start from the clock's random number. The uniform
# ones take 0 as any other seed.
# Versions: @tensorflow/tfjs 4.22.0, Node.js 20.20.2.
# Cost: of restarts 0 to n-1 the first is never the same again, and nothing says so: a result that hangs on it cannot be
# repeated. Count seeds from 1.
# Needs: node and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund @tensorflow/tfjs@4.22.0 >/dev/null
cat > seeds.js <<'JS'
console.warn = () => {};
const tf = require("@tensorflow/tfjs");

const makers = ["glorotUniform", "heUniform", "leCunUniform", "randomUniform",
                "glorotNormal", "heNormal", "leCunNormal", "randomNormal", "truncatedNormal", "orthogonal"];
const weights = (maker, seed) => tf.initializers[maker]({seed}).apply([3, 3]).dataSync().join();

async function main() {
  await tf.setBackend("cpu");
  console.log("tfjs", tf.version.tfjs, "node", process.version);
  const found = {};
  for (const maker of makers) {
    // of seeds 0, 1 and 2: how many different sets of weights in twenty calls
    found[maker] = [0, 1, 2].map((seed) => new Set(Array.from({length: 20}, () => weights(maker, seed))).size);
    console.log(`  ${maker}: in 20 calls with seeds 0, 1, 2 different weights: ${found[maker].join(", ")}`);
  }
  const uniform = makers.slice(0, 4).every((maker) => found[maker].join() === "1,1,1");
  const normal = makers.slice(4).every((maker) => found[maker].join() === "20,1,1");
  process.exit(uniform && normal ? 0 : 1);
}
main();
JS
node seeds.js
