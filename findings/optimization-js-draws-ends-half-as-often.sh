#!/bin/sh
# optimization-js: random search draws the first and the last category, and the least and the greatest integer, half as often as the others.
#
# Expected: `Categorical` and `Integer` are documented as "uniformly distributed": each of three optimizers is drawn in a third of the trials.
# Seen: the index is `Math.round(Math.random() * (n - 1))`: of three categories the middle one is drawn in half of the trials, the others in a quarter each;
# of the integers 1 to 4 the ends in a sixth each. The genetic search mutates categories by the same rule.
# Versions: optimization-js 1.5.0, Node.js 20.20.2.
# Cost: the order in which choices are listed decides how often they are tried, and shares of successes by setting rest on other numbers than
# planned; a best value at an end of n needs 2 (n - 1) trials on average instead of n. With two choices nothing is wrong. List the first one
# once more at the end, or draw an index from `Real(0, n)` and round it down.
# Needs: node and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund optimization-js@1.5.0 >/dev/null
cat > draws.cjs <<'JS'
const optimjs = require("optimization-js");
const TRIALS = 10000;
console.log("  optimization-js", require("optimization-js/package.json").version, "node", process.version);

// the random numbers are those of a fixed sequence, so that the shares are the same again
let state = 1;
Math.random = () => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state / 4294967296; };

const seen = [];
for (const [name, choice, expected] of [
  ["three categories", optimjs.Categorical(["sgd", "adam", "rmsprop"]), [1 / 4, 1 / 2, 1 / 4]],
  ["integers 1 to 4", optimjs.Integer(1, 4), [1 / 6, 1 / 3, 1 / 3, 1 / 6]],
  ["two categories", optimjs.Categorical(["tanh", "relu"]), [1 / 2, 1 / 2]],
]) {
  const counts = new Map();
  const found = optimjs.dummy_minimize(([value]) => { counts.set(value, (counts.get(value) || 0) + 1); return 0; }, [choice], TRIALS);
  const values = choice.categories || [1, 2, 3, 4];
  const shares = values.map((value) => counts.get(value) / TRIALS);
  console.log(`  ${name}: ${values.map((value, i) => `${value} ${shares[i].toFixed(3)}`).join(", ")} of ${found.Y.length} trials`);
  seen.push(shares.every((share, i) => Math.abs(share - expected[i]) < 0.02));
}
process.exit(seen.every(Boolean) ? 0 : 1);
JS
node draws.cjs
