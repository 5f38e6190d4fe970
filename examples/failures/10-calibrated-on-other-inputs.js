// Calibrated on pixels from 0 to 255, run on normalised ones: the codes that are left say nearly nothing.
// npm run build && node examples/failures/10-calibrated-on-other-inputs.js
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { calibrate, DataLoader, evaluate, fit, models, optim, prepare, ptqConfig, trace } from 'octograd';
import { loadIdxFolder } from 'octograd/node';

const folder = loadIdxFolder(fileURLToPath(new URL('../../data/fashion-mnist', import.meta.url)));
const normalize = { mean: 0.286, std: 0.353 };
const train = folder.train.slice(0, 1280);
const loader = new DataLoader(train, { ...normalize, shuffle: true, seed: 1 });
const test = new DataLoader(folder.test.slice(0, 500), { ...normalize, batchSize: 100 });
const percent = async (model) => 100 * (await evaluate({ model, loader: test })).accuracy;

const model = models.createModel('plain', { seed: 1 });
await fit({ model, optimizer: new optim.AdamW(model.parameters(), { lr: 0.01 }), loader, epochs: 2 });

const inputs = (loader) => [...loader].slice(0, 8).map((batch) => batch.inputs);
const graph = trace(model, inputs(loader)[0]);
const quantized = (batches) => percent(calibrate(prepare(graph, ptqConfig()), batches));

const float = await percent(model);
const raw = await quantized(inputs(new DataLoader(train, { std: 1 / 255 })));
const same = await quantized(inputs(loader));

const [f, r, a] = [float, raw, same].map((accuracy) => `${accuracy.toFixed(1)} %`);
console.log(`before: ${f} in float, ${r} in INT8`);
console.log(`after: ${a} in INT8`);
assert.ok(float - raw > 20);
assert.ok(float - same < 2);
