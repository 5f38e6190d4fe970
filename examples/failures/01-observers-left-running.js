// Observers that go on watching while fake quantization is off: validation moves the ranges that training uses.
// npm run build && node examples/failures/01-observers-left-running.js
import assert from 'node:assert/strict';
import {
  fakeQuantize,
  movingAverageMinMax,
  nn,
  observedRanges,
  prepare,
  qatConfig,
  Random,
  tensor,
  trace,
} from 'octograd';

const random = new Random(1);
const batch = (spread) =>
  tensor(Array.from({ length: 64 }, () => [0, 1, 2, 3].map(() => spread * random.normal())));
const training = Array.from({ length: 50 }, () => batch(1));
const validation = Array.from({ length: 50 }, () => batch(20)); // pictures from another camera, say
const meanError = (x, y) => x.data.reduce((sum, v, i) => sum + Math.abs(v - y.data[i]), 0) / x.size;

// Two flags for two things that belong together, and someone who switches one of them off.
class FakeQuantizer {
  observing = true;
  quantizing = true;
  observer = movingAverageMinMax({ averagingConstant: 0.1 })({
    quantMin: -128,
    quantMax: 127,
    symmetric: false,
    axis: null,
  });
  forward(x) {
    if (this.observing) this.observer.observe(x.value);
    return this.quantizing ? fakeQuantize(x, this.observer.qparams()) : x;
  }
}
const flags = new FakeQuantizer();
for (const x of training) flags.forward(x);
flags.observing = false;
const trained = meanError(training[0], flags.forward(training[0]));
flags.observing = true;

flags.quantizing = false; // "what would the float network give?", and the observer is forgotten
for (const x of validation) flags.forward(x);
flags.quantizing = true;
flags.observing = false;
const drifted = meanError(training[0], flags.forward(training[0]));

// Here there is one switch. 'off' is the float network and nothing watches; in eval mode nothing watches either.
const model = new nn.Sequential(
  new nn.Linear(4, 8, { random }),
  new nn.ReLU(),
  new nn.Linear(8, 2, { random }),
);
const module = prepare(trace(model, training[0]), qatConfig());
module.phase = 'train';
module.train();
for (const x of training) module.forward(x);
const ranges = () => JSON.stringify([...observedRanges(module)]);
const before = ranges();
module.phase = 'off';
for (const x of validation) module.forward(x);
module.phase = 'train';
module.eval();
for (const x of validation) module.forward(x);
const moved = ranges() === before ? 0 : 1;

console.log(`before: a mean error of ${trained.toFixed(4)} becomes ${drifted.toFixed(4)} by looking`);
console.log(`after: ${moved} ranges move`);
assert.ok(drifted > 5 * trained);
assert.equal(moved, 0);
