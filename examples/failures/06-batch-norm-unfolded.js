// Trained with weights quantized before batch norm; exported with batch norm folded in, which takes them off the grid.
// npm run build && node examples/failures/06-batch-norm-unfolded.js
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import {
  calibrate,
  conv2d,
  convert,
  DataLoader,
  evaluate,
  fakeQuantize,
  fit,
  minMax,
  nn,
  optim,
  prepare,
  qatConfig,
  qatSchedule,
  quantRange,
  Random,
  Session,
  Tensor,
  trace,
} from 'octograd';
import { loadIdxFolder } from 'octograd/node';

const folder = loadIdxFolder(fileURLToPath(new URL('../../data/fashion-mnist', import.meta.url)));
const normalize = { mean: 0.286, std: 0.353 };
const loader = new DataLoader(folder.train.slice(0, 1280), { ...normalize, shuffle: true, seed: 1 });
const test = new DataLoader(folder.test.slice(0, 500), { ...normalize, batchSize: 100 });
const calibration = [...loader].slice(0, 4).map((batch) => batch.inputs);
const percent = async (model) => 100 * (await evaluate({ model, loader: test })).accuracy;
const train = (model, epochs, lr, onStep) =>
  fit({ model, optimizer: new optim.AdamW(model.parameters(), { lr }), loader, epochs, onStep });

const BITS = 3;
let simulate = true;
class Conv extends nn.Conv2d {
  forward(x) {
    if (!simulate) return super.forward(x);
    const observer = minMax()({ ...quantRange(BITS, { narrow: true }), symmetric: true, axis: null });
    observer.observe(this.weight.value);
    const { stride, padding, dilation, groups } = this;
    return conv2d(x, fakeQuantize(this.weight, observer.qparams()), null, {
      stride,
      padding,
      dilation,
      groups,
    });
  }
}
const network = () => {
  const random = new Random(1);
  return new nn.Sequential(
    new Conv(1, 8, 3, { stride: 2, padding: 1, bias: false, random }),
    new nn.BatchNorm(8),
    new nn.ReLU(),
    new Conv(8, 16, 3, { stride: 2, padding: 1, bias: false, groups: 8, random }),
    new nn.BatchNorm(16),
    new nn.ReLU(),
    new nn.Flatten(),
    new nn.Linear(7 * 7 * 16, 10, { random }),
  );
};
const runtime = (module) => {
  const session = new Session(convert(module.eval()), { batch: 100 });
  return { training: false, train: () => {}, forward: (x) => new Tensor(session.run(x.value)) };
};
const config = (granularity) =>
  qatConfig({ weightBits: BITS, granularity, layers: { 7: { weightBits: 8 } } });

const float = network();
simulate = false;
await train(float, 3, 0.01);

simulate = true;
const unfolded = network();
unfolded.loadStateDict(float.stateDict());
await train(unfolded, 2, 0.002);
const shown = await percent(unfolded);
simulate = false;
const exported = trace(unfolded, calibration[0]);
const deployed = await percent(runtime(calibrate(prepare(exported, config('per-tensor')), calibration)));

// Here the forward pass folds first and quantizes then: what training shows is what runs.
const folded = async (granularity) => {
  const module = calibrate(prepare(trace(float, calibration[0]), config(granularity)), calibration);
  const schedule = qatSchedule(module, { totalSteps: 2 * loader.length });
  let step = 0;
  await train(module, 2, 0.002, () => schedule(++step));
  return { shown: await percent(module.eval()), deployed: await percent(runtime(module)) };
};
const perTensor = await folded('per-tensor');
const perChannel = await folded('per-channel');

const text = ({ shown, deployed }) => `${shown.toFixed(1)} % and ${deployed.toFixed(1)} %`;
console.log(`before: training shows ${shown.toFixed(1)} %, integers give ${deployed.toFixed(1)} %`);
console.log(`after: ${text(perTensor)} with a scale per tensor, ${text(perChannel)} with one per channel`);
assert.ok(shown - deployed > 15);
for (const module of [perTensor, perChannel]) {
  assert.equal(module.shown, module.deployed);
  assert.ok(module.deployed - deployed > 15);
}
