// Padding with code 0 where the zero point is another: what should be nothing is a bright frame around every image.
// npm run build && node examples/failures/09-padding-with-zero.js
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import {
  calibrate,
  convert,
  DataLoader,
  evaluate,
  fit,
  nn,
  optim,
  padConstant,
  prepare,
  ptqConfig,
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
const percent = async (model) => 100 * (await evaluate({ model, loader: test })).accuracy;

/** Padding as a step of its own, as exporters write it. */
class Pad extends nn.Module {
  forward(x) {
    return padConstant(x, [[0, 0], [1, 1], [1, 1], [0, 0]], 0); // prettier-ignore
  }
}
const random = new Random(1);
const model = new nn.Sequential(
  new Pad(),
  new nn.Conv2d(1, 8, 3, { stride: 2, random }),
  new nn.ReLU(),
  new Pad(),
  new nn.Conv2d(8, 16, 3, { stride: 2, random }),
  new nn.ReLU(),
  new Pad(),
  new nn.Conv2d(16, 16, 3, { stride: 2, random }),
  new nn.ReLU(),
  new nn.Flatten(),
  new nn.Linear(4 * 4 * 16, 10, { random }),
);
await fit({ model, optimizer: new optim.AdamW(model.parameters(), { lr: 0.01 }), loader, epochs: 3 });

const calibration = [...loader].slice(0, 4).map((batch) => batch.inputs);
const integers = convert(calibrate(prepare(trace(model, calibration[0]), ptqConfig()), calibration));
const runtime = (graph) => {
  const session = new Session(graph, { batch: 100 });
  return { training: false, train: () => {}, forward: (x) => new Tensor(session.run(x.value)) };
};

// What code 0 stands for is what a runtime pads with that writes zeros: half of the range after a ReLU.
const zeros = integers.nodes.map((node) => {
  if (node.op !== 'pad') return node;
  const { scale, zeroPoint } = integers.values.get(node.id).qparams;
  return { ...node, value: -zeroPoint[0] * scale[0] };
});
const float = await percent(model);
const wrong = await percent(runtime({ ...integers, nodes: zeros }));
const right = await percent(runtime(integers)); // pads with the zero point

const [f, w, r] = [float, wrong, right].map((accuracy) => `${accuracy.toFixed(1)} %`);
console.log(`before: ${f} in float, ${w} in INT8 padded with code 0`);
console.log(`after: ${r} padded with the zero point`);
assert.ok(float - wrong > 20);
assert.ok(float - right < 2);
