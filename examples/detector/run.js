// A detector, trained here from scratch on semi-synthetic scenes, quantized, and measured in integers.
// npm run build && node examples/detector/run.js [--quick | --rehearsal]
import { mkdirSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  calibrate,
  cat,
  compareCodes,
  contactSheet,
  convert,
  enlarge,
  fit,
  GraphModule,
  models,
  NDArray,
  nn,
  noGrad,
  optim,
  prepare,
  ptqConfig,
  qatConfig,
  qatSchedule,
  Random,
  Session,
  sigmoid,
  softplus,
  tidy,
  trace,
} from 'octograd';
import {
  decodeDetections,
  decodeTargets,
  detectionLoss,
  drawBoxes,
  meanAveragePrecision,
  SceneLoader,
  SceneSource,
} from 'octograd/detection';
import { encodeModel } from 'octograd/formats';
import { loadIdxFolder, writeImage } from 'octograd/node';
import { exportOnnx } from 'octograd/onnx';
import { exportTflite } from 'octograd/tflite';

// How many scenes to train on, float and quantized, and to test on. The smaller plans show that all works, not how well.
const plans = {
  full: { epochs: 6, scenes: 6000, qatScenes: 6000, test: 300, width: 16 },
  quick: { epochs: 2, scenes: 2000, qatScenes: 1000, test: 100, width: 16 },
  rehearsal: { epochs: 1, scenes: 32, qatScenes: 32, test: 8, width: 4 },
};
let options;
try {
  options = parseArgs({ options: { quick: { type: 'boolean' }, rehearsal: { type: 'boolean' } } }).values;
} catch (error) {
  console.error(`${error.message}\nusage: node examples/detector/run.js [--quick | --rehearsal]`);
  process.exit(2);
}
const plan = options.rehearsal ? plans.rehearsal : options.quick ? plans.quick : plans.full;
const out = `out/${options.rehearsal ? 'rehearsal/' : ''}detector`;
const strides = models.DETECTOR_STRIDES;
const loss = detectionLoss({ strides });

// Clothes of the training set on canvases to train on, clothes of the test set to test on.
const clothes = loadIdxFolder(fileURLToPath(new URL('../../data/fashion-mnist', import.meta.url)));
const [trainSource, testSource] = [clothes.train, clothes.test].map((set) => new SceneSource(set));
const scenes = (count, seed) => new SceneLoader(trainSource, { scenes: count, batchSize: 16, seed });
const test = new SceneLoader(testSource, { scenes: plan.test, batchSize: 50, seed: 'test', fresh: false });
const testBatches = [...test];
const truth = testBatches.flatMap(({ targets }) => decodeTargets(targets));
const calibration = [...scenes(Math.min(plan.scenes, 256), 'calibration')].map(({ inputs }) => inputs);

async function train(model, loader, { epochs, lr, onStep }) {
  const optimizer = new optim.AdamW(model.parameters(), { lr, weightDecay: 0.01 });
  const totalSteps = epochs * loader.length;
  const schedule = new optim.Schedule(optimizer, optim.oneCycle({ maxLr: lr, totalSteps, pctStart: 0.15 }));
  const onEpoch = (e) =>
    console.log(`epoch ${e.epoch + 1}/${epochs}: loss ${e.loss.toFixed(3)}, ${e.seconds.toFixed(0)} s`);
  const options = { model, optimizer, schedule, loader, epochs, loss, clip: { norm: 10 }, onStep, onEpoch };
  const outcome = await fit(options);
  if (outcome.stopped === 'diverged') throw new Error(outcome.message);
}

// `run` makes outputs of a batch; the outputs become boxes, the boxes of all scenes one number.
function measure(run) {
  const found = testBatches.flatMap(({ inputs }) =>
    decodeDetections(run(inputs), { strides, threshold: 0.01 }),
  );
  return { found, map: meanAveragePrecision(found, truth).meanAveragePrecision };
}
const inFloat = (model) => (x) => tidy(() => noGrad(() => model.forward(x).map(({ value }) => value)));
function inIntegers(graph) {
  const session = new Session(graph, { batch: 50 });
  return (x) => [...session.runAll(new Map([[graph.inputs[0], x.value]])).values()];
}

const rows = [];
function report(name, map, bytes, different = '') {
  rows.push({ name, 'mAP@0.5': (100 * map).toFixed(1), bytes, 'different codes': different });
  console.log(rows.at(-1));
}

console.log(`float, ${plan.epochs * plan.scenes} scenes`);
const detector = new models.Detector({ width: plan.width, random: new Random(1) });
await train(detector, scenes(plan.scenes, 1), { epochs: plan.epochs, lr: 0.005 });
const graph = trace(detector, calibration[0]);
const float = measure(inFloat(new GraphModule(graph).eval()));
report('float', float.map, encodeModel(graph).length);

// The integers of a quantized module, held to it code by code on the first test scenes.
function measureIntegers(name, module) {
  const integers = convert(module.eval());
  const { codesDifferent } = compareCodes(module, integers, [testBatches[0].inputs]);
  const quality = measure(inIntegers(integers));
  report(name, quality.map, encodeModel(integers).length, codesDifferent);
  return { integers, ...quality };
}

const variants = {};
for (const weightBits of [8, 4]) {
  const ptq = calibrate(prepare(graph, ptqConfig({ weightBits })), calibration);
  measureIntegers(`W${weightBits}A8 PTQ`, ptq);

  const qat = calibrate(prepare(graph, qatConfig({ weightBits })), calibration);
  const loader = scenes(plan.qatScenes, `qat ${weightBits}`);
  const freeze = qatSchedule(qat, { totalSteps: loader.length });
  let step = 0;
  await train(qat, loader, { epochs: 1, lr: 0.0015, onStep: () => freeze(++step) });
  variants[weightBits] = measureIntegers(`W${weightBits}A8 QAT`, qat);
}

// What goes wrong in many exported detectors: boxes in pixels and scores of 0 to 1, joined into one tensor, have one integer
// scale, and scores are rounded to the steps of boxes. The larger the picture in whose pixels boxes are told, the larger the steps.
class Joined extends nn.Module {
  constructor(side) {
    super();
    this.detector = detector;
    this.pixels = strides.map((stride) => {
      const conv = new nn.Conv2d(4, 4, 1, { bias: false });
      conv.weight.data.fill(0);
      for (let i = 0; i < 4; i++) conv.weight.data[5 * i] = (stride * side) / testSource.size;
      return conv;
    });
  }
  forward(x) {
    const outputs = this.detector.forward(x);
    return this.pixels.map((pixels, i) => {
      const [boxes, ...scores] = outputs.slice(3 * i, 3 * i + 3);
      return cat([pixels.forward(softplus(boxes)), ...scores.map(sigmoid)], { axis: 3 });
    });
  }
}

// Back to what decodeDetections takes: distances in cells and scores, each before its function.
function separate(outputs, side) {
  return outputs.flatMap(({ shape, data }, i) => {
    const [n, h, w, channels] = shape;
    const part = (from, to, inverse) => {
      const values = Float32Array.from({ length: n * h * w * (to - from) }, (_, k) => {
        const cell = Math.floor(k / (to - from));
        return inverse(data[cell * channels + from + (k % (to - from))]);
      });
      return new NDArray(values, [n, h, w, to - from]);
    };
    const distance = (d) => Math.log(Math.expm1((d * testSource.size) / (strides[i] * side)));
    const logit = (p) => Math.log(p / Math.max(1 - p, 0)); // 1 may have become more
    return [part(0, 4, distance), part(4, 5, logit), part(5, channels, logit)];
  });
}

for (const side of [testSource.size, 640]) {
  const joined = trace(new Joined(side), calibration[0]);
  const integers = convert(calibrate(prepare(joined, ptqConfig()), calibration));
  const run = inIntegers(integers);
  const { map } = measure((x) => separate(run(x), side));
  report(`W8A8 PTQ, joined, ${side} pixels`, map, encodeModel(integers).length);
  const concat = integers.nodes.findLast((node) => node.op === 'concat');
  const [step] = integers.values.get(concat.id).qparams.scale;
  console.log(`a step of the joined codes is ${step.toFixed(3)}, of a pixel or of a score`);
}

// Files for other runtimes; TFLite wants one scale for all that a concatenation joins.
mkdirSync(out, { recursive: true });
const forTflite = calibrate(prepare(graph, ptqConfig({ target: 'tflite' })), calibration);
const files = {
  'detector-float.octo': encodeModel(graph),
  'detector-float.onnx': exportOnnx(graph).bytes,
  'detector-int8.onnx': exportOnnx(variants[8].integers).bytes,
  'detector-int8.tflite': exportTflite(convert(forTflite)).bytes,
  'detector-int8.octo': encodeModel(variants[8].integers),
};
for (const [name, bytes] of Object.entries(files)) writeFileSync(`${out}/${name}`, bytes);

// Test scenes, float above and integers below: what was found with a score of 0.3 or more.
const sheet = [float, variants[8]].flatMap(({ found }) =>
  Array.from({ length: 5 }, (_, i) => {
    const picture = enlarge(test.scene(i).image, 2);
    const boxes = found[i].filter(({ score }) => score >= 0.3).map(({ left, top, right, bottom }) => ({ left: 2 * left, top: 2 * top, right: 2 * right, bottom: 2 * bottom })); // prettier-ignore
    return drawBoxes(picture, boxes, [40, 220, 80]);
  }),
);
writeImage(`${out}/detections.png`, contactSheet(sheet, 5));
writeFileSync(`${out}/results.json`, `${JSON.stringify(rows, null, 1)}\n`);
console.table(rows);
console.log(`${process.cpuUsage().user / 1e6} s of computing; files in ${out}`);
