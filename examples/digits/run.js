// Handwritten digits of 8 x 8 pixels: a convolutional network of a few kilobytes, 4-bit weights and 4-bit activations.
// npm run build && node examples/digits/run.js [--rehearsal]
import { mkdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import {
  ArrayDataset,
  calibrate,
  compareCodes,
  contactSheet,
  convert,
  DataLoader,
  enlarge,
  fit,
  GraphModule,
  NDArray,
  nn,
  noGrad,
  optim,
  parseTable,
  prepare,
  ptqConfig,
  qatConfig,
  qatSchedule,
  Random,
  Session,
  trace,
} from 'octograd';
import { encodeModel } from 'octograd/formats';
import { writeImage } from 'octograd/node';

let options;
try {
  options = parseArgs({ options: { rehearsal: { type: 'boolean' } } }).values;
} catch (error) {
  console.error(`${error.message}\nusage: node examples/digits/run.js [--rehearsal]`);
  process.exit(2);
}
const { rehearsal } = options;
const seeds = rehearsal ? [1] : [1, 2, 3, 4, 5];
// 64 pixels of 0 to 16 and the digit in each line
const table = parseTable(
  gunzipSync(readFileSync(new URL('../../data/digits/digits.csv.gz', import.meta.url))).toString(),
);

function datasetOf(rows) {
  const pixels = Uint8Array.from(rows.flatMap((i) => table[i].slice(0, 64)), (v) => 15 * v); // prettier-ignore
  const labels = Int32Array.from(rows, (i) => table[i][64]);
  return new ArrayDataset(new NDArray(pixels, [rows.length, 8, 8]), new NDArray(labels, [rows.length]));
}

async function train(model, loader, { epochs, lr, onStep }) {
  const optimizer = new optim.AdamW(model.parameters(), { lr });
  const totalSteps = epochs * loader.length;
  const schedule = new optim.Schedule(optimizer, optim.oneCycle({ maxLr: lr, totalSteps }));
  await fit({ model, optimizer, schedule, loader, epochs, onStep });
}

const classesOf = ({ data }) =>
  Array.from({ length: data.length / 10 }, (_, i) => {
    const scores = data.subarray(10 * i, 10 * i + 10);
    return scores.indexOf(Math.max(...scores));
  });

async function runSeed(seed) {
  // Four fifths to train on, one to test on; another split and other initial weights for each seed.
  const order = [...new Random(`split ${seed}`).permutation(table.length)];
  const count = Math.floor(0.8 * table.length);
  const [trainSet, testSet] = [datasetOf(order.slice(0, count)), datasetOf(order.slice(count))];
  const normal = { mean: 0.29, std: 0.36 };
  const loader = new DataLoader(trainSet, { ...normal, batchSize: 32, shuffle: true, seed, dropLast: true });
  const [test] = new DataLoader(testSet, { ...normal, batchSize: testSet.length });
  const calibration = [...loader].slice(0, 8).map(({ inputs }) => inputs);

  const random = new Random(seed);
  const model = new nn.Sequential(
    new nn.Conv2d(1, 8, 3, { padding: 1, bias: false, random }),
    new nn.BatchNorm(8),
    new nn.ReLU(),
    new nn.Conv2d(8, 16, 3, { stride: 2, padding: 1, bias: false, random }),
    new nn.BatchNorm(16),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Flatten(),
    new nn.Linear(64, 10, { random }),
  );
  await train(model, loader, { epochs: 8, lr: 0.01 });
  const graph = trace(model, test.inputs);

  const results = [];
  const report = (name, scores, file) => {
    const classes = classesOf(scores);
    const right = classes.filter((digit, i) => digit === testSet.labels.data[i]).length;
    results.push({ name, accuracy: right / testSet.length, bytes: encodeModel(file).length, classes });
  };
  report('float', noGrad(() => new GraphModule(graph).eval().forward(test.inputs)).value, graph);

  const reportIntegers = (name, module) => {
    const integers = convert(module.eval());
    const { codesDifferent } = compareCodes(module, integers, [test.inputs]);
    if (codesDifferent > 0) throw new Error(`${name}: ${codesDifferent} codes differ`);
    report(name, new Session(integers, { batch: testSet.length }).run(test.inputs.value), integers);
  };
  for (const bits of [{ weightBits: 8 }, { weightBits: 4, activationBits: 4 }]) {
    const name = `W${bits.weightBits}A${bits.activationBits ?? 8}`;
    reportIntegers(`${name} PTQ`, calibrate(prepare(graph, ptqConfig(bits)), calibration));
  }
  const qat = calibrate(prepare(graph, qatConfig({ weightBits: 4, activationBits: 4 })), calibration);
  const epochs = 6;
  const freeze = qatSchedule(qat, { totalSteps: epochs * loader.length });
  let step = 0;
  await train(qat, loader, { epochs, lr: 0.005, onStep: () => freeze(++step) });
  reportIntegers('W4A4 QAT', qat);
  return { results, trainSet, testSet };
}

const runs = [];
for (const seed of seeds) runs.push(await runSeed(seed));

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
const deviation = (values) => Math.sqrt(mean(values.map((v) => (v - mean(values)) ** 2)));
const rows = runs[0].results.map(({ name, bytes }, i) => {
  const accuracies = runs.map(({ results }) => 100 * results[i].accuracy);
  return { name, 'accuracy, %': mean(accuracies).toFixed(2), '+-': deviation(accuracies).toFixed(2), bytes };
});
console.table(rows);

// What the 4-bit integers get wrong, next to the mean of what they take it for.
const pictureOf = (set, i) => new NDArray(set.images.data.slice(64 * i, 64 * i + 64), [8, 8, 1]);
function meanPicture(set, digit) {
  const indices = [...set.labels.data.keys()].filter((i) => set.labels.data[i] === digit);
  const pixel = (at) => mean(indices.map((i) => set.images.data[64 * i + at]));
  return new NDArray(Uint8Array.from({ length: 64 }, (_, at) => pixel(at)), [8, 8, 1]); // prettier-ignore
}
const pairs = runs.flatMap(({ results, trainSet, testSet }) =>
  results
    .at(-1)
    .classes.flatMap((taken, i) =>
      taken === testSet.labels.data[i] ? [] : [[pictureOf(testSet, i), meanPicture(trainSet, taken)]],
    ),
);
const out = `out/${rehearsal ? 'rehearsal/' : ''}digits`;
mkdirSync(out, { recursive: true });
if (pairs.length > 0) {
  const sheet = pairs.slice(0, 20).map((pair) => contactSheet(pair.map((p) => enlarge(p, 6)), 2)); // prettier-ignore
  writeImage(`${out}/mistakes.png`, contactSheet(sheet, 5));
}
console.log(`${pairs.length} mistakes; ${process.cpuUsage().user / 1e6} s of computing; pictures in ${out}`);
