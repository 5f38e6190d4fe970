// Quantization-aware training: 4-bit weights on a depthwise network, where rounding after training hurts.
// npm run build && node examples/04-qat.js
import { fileURLToPath } from 'node:url';
import {
  calibrate,
  convert,
  DataLoader,
  evaluate,
  fit,
  models,
  optim,
  prepare,
  ptqConfig,
  qatConfig,
  qatSchedule,
  Session,
  Tensor,
  trace,
} from 'octograd';
import { loadIdxFolder } from 'octograd/node';

const folder = loadIdxFolder(fileURLToPath(new URL('../data/fashion-mnist', import.meta.url)));
const normalize = { mean: 0.286, std: 0.353 };
const loader = new DataLoader(folder.train.slice(0, 1280), {
  ...normalize,
  shuffle: true,
  seed: 1,
  dropLast: true,
});
const test = new DataLoader(folder.test.slice(0, 200), { ...normalize, batchSize: 100 });
const calibration = [...loader].slice(0, 4).map((batch) => batch.inputs);
const percent = async (m) => `${(100 * (await evaluate({ model: m, loader: test })).accuracy).toFixed(1)} %`;

const model = models.createModel('depthwise', { width: 8, seed: 1 });
const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
await fit({ model, optimizer, loader, epochs: 3 });
console.log('float:                 ', await percent(model));

const graph = trace(model, calibration[0]);
for (const granularity of ['per-tensor', 'per-channel']) {
  const rounded = calibrate(prepare(graph, ptqConfig({ weightBits: 4, granularity })), calibration);
  console.log(`W4A8 PTQ ${granularity}: `.padEnd(23), await percent(rounded));
}

// Start from the calibrated ranges and train on with rounding in the forward pass and straight-through gradients.
const module = calibrate(prepare(graph, qatConfig({ weightBits: 4 })), calibration);
const schedule = qatSchedule(module, { totalSteps: 2 * loader.length });
let step = 0;
const adam = new optim.AdamW(module.parameters(), { lr: 0.003 });
await fit({ model: module, optimizer: adam, loader, epochs: 2, onStep: () => schedule(++step) });
console.log('W4A8 QAT per-channel:  ', await percent(module));

// The integers give the same answers.
const session = new Session(convert(module.eval()), { batch: 100 });
const runtime = { training: false, train: () => {}, forward: (x) => new Tensor(session.run(x.value)) };
console.log('the same in integers:  ', await percent(runtime));
