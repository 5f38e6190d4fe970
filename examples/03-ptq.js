// Post-training quantization: trace, prepare, calibrate, convert, run integers, and count the codes that differ.
// npm run build && node examples/03-ptq.js
import { fileURLToPath } from 'node:url';
import {
  calibrate,
  compareCodes,
  convert,
  DataLoader,
  fit,
  models,
  optim,
  prepare,
  printGraph,
  ptqConfig,
  Session,
  trace,
} from 'octograd';
import { decodeModel, encodeModel } from 'octograd/formats';
import { loadIdxFolder } from 'octograd/node';

const folder = loadIdxFolder(fileURLToPath(new URL('../data/fashion-mnist', import.meta.url)));
const normalize = { mean: 0.286, std: 0.353 };
const loader = new DataLoader(folder.train.slice(0, 800), { ...normalize, shuffle: true, seed: 1 });
const test = new DataLoader(folder.test.slice(0, 200), { ...normalize, batchSize: 100 });

const model = models.createModel('residual', { seed: 1 });
const optimizer = new optim.AdamW(model.parameters(), { lr: 0.01 });
await fit({ model, optimizer, loader, epochs: 2 });

// A batch shows the shapes; the graph refers to the weights of the model.
const batches = [...test].map((batch) => batch.inputs);
const graph = trace(model, batches[0]);

// Batch norm is folded, ReLU fused, observers put on every tensor; calibration shows them typical inputs.
const module = prepare(graph, ptqConfig({ weightBits: 8, granularity: 'per-channel' }));
calibrate(
  module,
  [...loader].slice(0, 4).map((batch) => batch.inputs),
);

const integers = convert(module);
console.log(printGraph(integers));

// What was simulated is what runs: the codes of both are compared, tensor by tensor.
const { codesCompared, codesDifferent } = compareCodes(module, integers, batches);
console.log(`${codesCompared} codes compared, ${codesDifferent} different`);

const file = encodeModel(integers);
console.log(`model file: ${file.length} bytes`);
const session = new Session(decodeModel(file).graph, { batch: 100 });
console.log('scores of the first image:', session.run(batches[0].value).data.slice(0, 10));
