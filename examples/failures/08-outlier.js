// One broken pixel in the calibration set: the smallest and the largest value stretch the grid, and all others share what is left.
// npm run build && node examples/failures/08-outlier.js
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import {
  calibrate,
  DataLoader,
  evaluate,
  fit,
  minMax,
  mse,
  nn,
  optim,
  percentile,
  prepare,
  ptqConfig,
  Random,
  trace,
} from 'octograd';
import { loadIdxFolder } from 'octograd/node';

const folder = loadIdxFolder(fileURLToPath(new URL('../../data/fashion-mnist', import.meta.url)));
const normalize = { mean: 0.286, std: 0.353 };
const train = new DataLoader(folder.train.slice(0, 1500), { ...normalize, shuffle: true, seed: 1 });
const test = new DataLoader(folder.test.slice(0, 500), { ...normalize, batchSize: 100 });
const percent = async (model) => 100 * (await evaluate({ model, loader: test })).accuracy;

const random = new Random(1);
const model = new nn.Sequential(
  new nn.Flatten(),
  new nn.Linear(784, 64, { random }),
  new nn.ReLU(),
  new nn.Linear(64, 10, { random }),
);
await fit({ model, optimizer: new optim.Adam(model.parameters(), { lr: 3e-3 }), loader: train, epochs: 4 });

const calibration = [...train].slice(0, 8).map((batch) => batch.inputs);
calibration[3].data[300] = 500; // of 200,704 pixels, which otherwise lie between -0.8 and 2.1
const graph = trace(model, calibration[0]);
const quantized = (activationObserver) =>
  percent(calibrate(prepare(graph, ptqConfig({ activationObserver })), calibration));

const float = await percent(model);
const extremes = await quantized(minMax());
const inner = await quantized(percentile());
const least = await quantized(mse()); // one value weighs 250,000 in a sum of squares: no cure for a single large outlier

const [f, m, p, l] = [float, extremes, inner, least].map((accuracy) => `${accuracy.toFixed(1)} %`);
console.log(`before: ${f} in float, ${m} in INT8 with min-max ranges`);
console.log(`after: ${p} with percentiles; ${l} with the least squared error`);
assert.ok(float - extremes > 10);
assert.ok(float - inner < 2);
