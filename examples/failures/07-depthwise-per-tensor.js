// One scale for all filters of a depthwise layer: the largest filter sets it, and the small ones round to nothing.
// npm run build && node examples/failures/07-depthwise-per-tensor.js
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import {
  calibrate,
  DataLoader,
  equalize,
  evaluate,
  fit,
  nn,
  optim,
  prepare,
  ptqConfig,
  Random,
  trace,
} from 'octograd';
import { loadIdxFolder } from 'octograd/node';

const folder = loadIdxFolder(fileURLToPath(new URL('../../data/fashion-mnist', import.meta.url)));
const normalize = { mean: 0.286, std: 0.353 };
const loader = new DataLoader(folder.train.slice(0, 1280), { ...normalize, shuffle: true, seed: 1 });
const test = new DataLoader(folder.test.slice(0, 500), { ...normalize, batchSize: 100 });
const calibration = [...loader].slice(0, 4).map((batch) => batch.inputs);
const percent = async (model) => 100 * (await evaluate({ model, loader: test })).accuracy;

const random = new Random(1);
const depthwise = new nn.Sequential(
  new nn.DepthwiseConv2d(16, 3, { stride: 2, padding: 1, bias: false, random }),
  new nn.BatchNorm(16),
  new nn.ReLU(),
);
const pointwise = new nn.Conv2d(16, 32, 1, { bias: false, random });
const model = new nn.Sequential(
  new nn.Conv2d(1, 16, 3, { stride: 2, padding: 1, bias: false, random }),
  new nn.BatchNorm(16),
  new nn.ReLU(),
  depthwise,
  pointwise,
  new nn.BatchNorm(32),
  new nn.ReLU(),
  new nn.Flatten(),
  new nn.Linear(7 * 7 * 32, 10, { random }),
);
await fit({ model, optimizer: new optim.AdamW(model.parameters(), { lr: 0.01 }), loader, epochs: 3 });

// Long training spreads the filters of a depthwise layer. Here they are spread by hand, from 1 to 1/1000, and the layer
// behind takes it back: the float network computes what it did.
const [, { weight, bias }] = depthwise.layers;
for (let c = 0; c < 16; c++) {
  const factor = 1000 ** (-c / 15);
  weight.data[c] *= factor;
  bias.data[c] *= factor;
  for (let f = 0; f < 32; f++) pointwise.weight.data[16 * f + c] /= factor;
}

const graph = trace(model, calibration[0]);
const quantized = (network, granularity) =>
  percent(calibrate(prepare(network, ptqConfig({ granularity })), calibration));
const float = await percent(model);
const perTensor = await quantized(graph, 'per-tensor');
const perChannel = await quantized(graph, 'per-channel');
const equalized = await quantized(equalize(graph), 'per-tensor');

const [f, t, c, e] = [float, perTensor, perChannel, equalized].map((accuracy) => `${accuracy.toFixed(1)} %`);
console.log(`before: ${f} in float, ${t} in INT8 with a scale per tensor`);
console.log(`after: ${c} with a scale per channel, ${e} equalized with a scale per tensor`);
assert.ok(float - perTensor > 20);
assert.ok(float - perChannel < 6);
assert.ok(float - equalized < 2);
