// Thirty numbers of a cell sample in, benign or malignant out: a network of a kilobyte for a microcontroller, 4-bit weights.
// npm run build && node examples/tabular/run.js [--rehearsal]
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import * as vega from 'vega';
import * as vegaLite from 'vega-lite';
import {
  calibrate,
  columnStatistics,
  compareCodes,
  convert,
  fit,
  GraphModule,
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
  TableLoader,
  trace,
} from 'octograd';
import { encodeModel } from 'octograd/formats';

let options;
try {
  options = parseArgs({ options: { rehearsal: { type: 'boolean' } } }).values;
} catch (error) {
  console.error(`${error.message}\nusage: node examples/tabular/run.js [--rehearsal]`);
  process.exit(2);
}
const { rehearsal } = options;
const seeds = rehearsal ? [1] : [1, 2, 3, 4, 5];
const table = parseTable(
  readFileSync(new URL('../../data/breast-cancer/breast_cancer.csv', import.meta.url), 'utf8'),
  { skip: 1 },
);
const features = table.map((row) => row.slice(0, -1));
const benign = table.map((row) => row.at(-1)); // 1 benign, 0 malignant

async function train(model, loader, { epochs, lr, onStep }) {
  const optimizer = new optim.AdamW(model.parameters(), { lr, weightDecay: 0.05 });
  const totalSteps = epochs * loader.length;
  const schedule = new optim.Schedule(optimizer, optim.oneCycle({ maxLr: lr, totalSteps }));
  await fit({ model, optimizer, schedule, loader, epochs, onStep });
}

// How sure the network is that a sample is malignant: the difference of its two scores.
const suspicion = ({ data }) =>
  Array.from({ length: data.length / 2 }, (_, i) => data[2 * i] - data[2 * i + 1]);

async function runSeed(seed) {
  // 70 % of the samples to train on, 30 % to test on; another split and other initial weights for each seed.
  const order = [...new Random(`split ${seed}`).permutation(table.length)];
  const trainRows = order.slice(0, Math.floor(0.7 * table.length));
  const testRows = order.slice(trainRows.length);
  const statistics = columnStatistics(trainRows.map((i) => features[i]));
  const loaderOf = (rows, options) =>
    new TableLoader(rows.map((i) => features[i]), rows.map((i) => benign[i]), { ...statistics, ...options }); // prettier-ignore
  const loader = loaderOf(trainRows, { batchSize: 32, shuffle: true, seed });
  const [test] = loaderOf(testRows, { batchSize: testRows.length });
  const calibration = [...loader].map(({ inputs }) => inputs);

  const random = new Random(seed);
  const model = new nn.Sequential(
    new nn.Linear(30, 16, { random }),
    new nn.ReLU(),
    new nn.Linear(16, 8, { random }),
    new nn.ReLU(),
    new nn.Linear(8, 2, { random }),
  );
  await train(model, loader, { epochs: 30, lr: 0.01 });
  const graph = trace(model, test.inputs);

  const results = [];
  const report = (name, scores, file) => {
    const malignant = suspicion(scores);
    const right = malignant.filter((s, i) => s > 0 === (test.targets.data[i] === 0)).length;
    results.push({ name, accuracy: right / testRows.length, bytes: encodeModel(file).length, malignant });
  };
  report('float', noGrad(() => new GraphModule(graph).eval().forward(test.inputs)).value, graph);

  const reportIntegers = (name, module) => {
    const integers = convert(module.eval());
    const { codesDifferent } = compareCodes(module, integers, [test.inputs]);
    if (codesDifferent > 0) throw new Error(`${name}: ${codesDifferent} codes differ`);
    report(name, new Session(integers, { batch: testRows.length }).run(test.inputs.value), integers);
  };
  for (const weightBits of [8, 4])
    reportIntegers(`W${weightBits}A8 PTQ`, calibrate(prepare(graph, ptqConfig({ weightBits })), calibration));
  const qat = calibrate(prepare(graph, qatConfig({ weightBits: 4 })), calibration);
  const epochs = 20;
  const freeze = qatSchedule(qat, { totalSteps: epochs * loader.length });
  let step = 0;
  await train(qat, loader, { epochs, lr: 0.003, onStep: () => freeze(++step) });
  reportIntegers('W4A8 QAT', qat);
  return { results, labels: test.targets.data };
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

// The share of malignant samples that are found, over the share of benign ones that are taken for malignant: the tested
// samples of all seeds, from the most suspicious on.
function rocPoints(index) {
  const { name } = rows[index];
  const samples = runs
    .flatMap(({ results, labels }) => results[index].malignant.map((s, i) => ({ s, sick: labels[i] === 0 })))
    .sort((a, b) => b.s - a.s);
  const sick = samples.filter((sample) => sample.sick).length;
  let [found, alarms] = [0, 0];
  return samples.map((sample) => {
    if (sample.sick) found++;
    else alarms++;
    return { name, alarms: alarms / (samples.length - sick), found: found / sick };
  });
}
const axis = (field, title, domain) => ({ field, title, type: 'quantitative', scale: { domain } });
const { spec } = vegaLite.compile({
  width: 320,
  height: 320,
  background: 'white',
  data: { values: [0, 3].flatMap(rocPoints).filter(({ alarms }) => alarms <= 0.2) },
  mark: { type: 'line', clip: true, interpolate: 'step-after', strokeWidth: 1.5 },
  encoding: {
    x: axis('alarms', 'benign samples taken for malignant', [0, 0.2]),
    y: axis('found', 'malignant samples found', [0.8, 1]),
    color: { field: 'name', title: null, sort: null },
  },
});
const out = `out/${rehearsal ? 'rehearsal/' : ''}tabular`;
mkdirSync(out, { recursive: true });
writeFileSync(`${out}/roc.svg`, await new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG());
console.log(`${process.cpuUsage().user / 1e6} s of computing; the curve is in ${out}/roc.svg`);
