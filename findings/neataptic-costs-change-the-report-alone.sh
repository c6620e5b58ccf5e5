#!/bin/sh
# neataptic, synaptic: whichever cost is named, the same weights are trained, by the gradient of cross-entropy.
#
# Expected: `train(set, {cost: methods.cost.MSE})`, the default of both, follows the gradient of the mean squared error, HINGE that of the
# hinge loss, and so on.
# Seen: the cost is used for the error that is reported, and for when to stop. After 200 epochs the weights are the same bits under
# all of them, and one step is along the gradient of the cross-entropy of logistic outputs, by finite differences. A pattern's part
# of the squared error's gradient has a factor 2 o (1 - o) more, o the output, which is what makes saturated plateaus; it is nowhere.
# With a batch neataptic takes the sum over its patterns, not the mean that it reports.
# Versions: neataptic 1.4.7, synaptic 1.1.4, Node.js 20.20.2.
# Cost: a comparison of losses, or of plateaus of the squared error with those of cross-entropy, compares a
# thing with itself; results are not those of other programs with the loss that they name. A rate found for a batch of one is 100
# times too large for a batch of 100.
# Needs: node and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private": true}' > package.json
npm install --silent --no-audit --no-fund neataptic@1.4.7 synaptic@1.1.4 >/dev/null
cat > costs.js <<'JS'
const neataptic = require("neataptic");
const synaptic = require("synaptic");

const SET = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]].map((row) => ({input: row.slice(0, 2), output: row.slice(2)}));
const RATE = 1e-4;
const programs = {
  neataptic: {
    create: () => new neataptic.architect.Perceptron(2, 2, 1).toJSON(),
    load: (json) => neataptic.Network.fromJSON(JSON.parse(JSON.stringify(json))),
    units: (json) => json.nodes,
    costs: neataptic.methods.cost,
    train: (net, set, cost, rate, iterations) =>
      net.train(set, {rate, iterations, error: -1e9, cost, momentum: 0, batchSize: set.length}),
  },
  synaptic: {
    create: () => new synaptic.Architect.Perceptron(2, 2, 1).toJSON(),
    load: (json) => synaptic.Network.fromJSON(JSON.parse(JSON.stringify(json))),
    units: (json) => json.neurons,
    costs: synaptic.Trainer.cost,
    train: (net, set, cost, rate, iterations) =>
      new synaptic.Trainer(net).train(set, {rate, iterations, error: -1e9, cost}),
  },
};

// weights, and the biases of all units that have one
function read(program, json) {
  return json.connections.map((c) => c.weight).concat(program.units(json).slice(2).map((unit) => unit.bias));
}

function write(program, json, values) {
  const copy = JSON.parse(JSON.stringify(json));
  const n = copy.connections.length;
  copy.connections.forEach((c, i) => (c.weight = values[i]));
  program.units(copy).slice(2).forEach((unit, i) => (unit.bias = values[n + i]));
  return copy;
}

function gradient(program, json, set, cost) {
  const at = (values) => {
    const net = program.load(write(program, json, values));
    return set.reduce((sum, row) => sum + cost(row.output, net.activate(row.input)), 0);
  };
  const start = read(program, json);
  return start.map((_, i) => {
    const [up, down] = [start.slice(), start.slice()];
    up[i] += 1e-5;
    down[i] -= 1e-5;
    return (at(up) - at(down)) / 2e-5;
  });
}

const apart = (a, b) => Math.hypot(...a.map((v, i) => v - b[i])) / Math.hypot(...b);
let seen = true;
console.log("node", process.version);
for (const [name, program] of Object.entries(programs)) {
  const json = program.create();
  const ends = new Set();
  for (const cost of Object.values(program.costs)) {
    const net = program.load(json);
    program.train(net, SET, cost, 0.3, 200);
    ends.add(read(program, net.toJSON()).join());
  }
  console.log(`  ${name} ${require(`${name}/package.json`).version}: ${Object.keys(program.costs).join(", ")}:`
              + ` ${ends.size} different set(s) of weights after 200 epochs`);
  seen &&= ends.size === 1 && Object.keys(program.costs).length >= 3;
  // synaptic steps after every pattern: at so small a rate the steps of an epoch add up
  const net = program.load(json);
  program.train(net, SET, program.costs.MSE, RATE, 1);
  const after = read(program, net.toJSON());
  const step = read(program, json).map((v, i) => (v - after[i]) / RATE);
  for (const cost of ["MSE", "CROSS_ENTROPY"]) {
    const off = apart(step, gradient(program, json, SET, program.costs[cost]));
    console.log(`    a step of MSE, against the gradient of the sum of ${cost}: ${off.toExponential(1)} apart`);
    seen &&= cost === "MSE" ? off > 0.5 : off < 0.05;
  }
}
process.exit(seen ? 0 : 1);
JS
node costs.js
