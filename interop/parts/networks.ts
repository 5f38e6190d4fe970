/** The three CNNs of the demo on the test images of Fashion-MNIST: accuracy and predicted classes here and elsewhere. */
import { join } from 'node:path';
import { packageRoot } from '../../src/cli/paths.js';
import { loadData, type Data } from '../../src/cli/data.js';
import { runJob } from '../../src/cli/demo/job.js';
import { FULL } from '../../src/cli/demo/plan.js';
import { predictor } from '../../src/cli/inference.js';
import { Tensor } from '../../src/autograd/index.js';
import type { NDArray } from '../../src/core/index.js';
import { DataLoader, type ArrayDataset } from '../../src/data/index.js';
import { decodeModel } from '../../src/formats/index.js';
import type { Graph } from '../../src/graph/index.js';
import { MODEL_NAMES, RECIPES, type ModelName } from '../../src/models/index.js';
import { readBytes } from '../../src/node/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import { compareElements, markdown, runThere, type Counts } from '../comparison.js';
import { EXPORTERS, type Exporter } from '../exporters.js';
import type { PartResult } from './part.js';

const BATCH = 100;
const CALIBRATION_IMAGES = 512;
/** Training images of a network that `npm start` has not left behind. */
const QUICK_IMAGES = 12800;
/** In points. */
const ACCURACY_DROP = 0.1;

interface Row {
  readonly network: ModelName;
  readonly exporter: string;
  readonly runtime: string;
  readonly bytes: number;
  readonly ourAccuracy: number;
  readonly theirAccuracy: number;
  /** Share of the images. */
  readonly sameClass: number;
  /** Of the scores; null in float. */
  readonly codes: Counts | null;
}

/** The network that `npm start` left behind, else one that is trained in a few seconds. */
async function floatNetwork(name: ModelName, data: Data): Promise<Graph> {
  const file = join(packageRoot(), 'out', 'models', `${name}-float.octo`);
  try {
    return decodeModel(readBytes(file)).graph;
  } catch (error) {
    console.log(`${name}: trained quickly, because of ${file}: ${String(error)}`);
  }
  const limits = { ...FULL, train: QUICK_IMAGES, validation: 100, test: 100, epochs: 1 };
  const job = { plan: { model: name, variants: [] }, limits, seed: 'interop' };
  const { variants } = await runJob(job, data, () => {});
  return decodeModel(variants[0].file).graph;
}

function accuracy(classes: readonly number[], labels: ArrayLike<number>): number {
  return (100 * classes.filter((c, i) => c === labels[i]).length) / classes.length;
}

interface Network {
  readonly name: ModelName;
  readonly float: Graph;
  readonly images: readonly NDArray[];
  readonly calibration: readonly Tensor[];
  readonly labels: ArrayLike<number>;
}

async function networkOf(name: ModelName, data: Data): Promise<Network> {
  const { mean, std } = RECIPES[name];
  const loader = (set: ArrayDataset, batchSize: number): Tensor[] =>
    Array.from(new DataLoader(set, { batchSize, mean, std }), ({ inputs }) => inputs);
  return {
    name,
    float: await floatNetwork(name, data),
    images: loader(data.test, BATCH).map((x) => x.value),
    calibration: loader(data.train.slice(0, CALIBRATION_IMAGES), 64),
    labels: data.test.labels.data,
  };
}

/** Scores of all images from a function of one batch, in one list. */
async function scoresOf(
  { images }: Network,
  run: (x: NDArray) => Promise<ArrayLike<unknown>> | ArrayLike<unknown>,
): Promise<Float32Array> {
  const parts: Float32Array[] = [];
  for (const x of images) parts.push(Float32Array.from((await run(x)) as ArrayLike<number>));
  const all = new Float32Array(parts.reduce((n, part) => n + part.length, 0));
  parts.forEach((part, i) => all.set(part, i * parts[0].length));
  return all;
}

function classesOf(scores: Float32Array, images: number): number[] {
  const classes = scores.length / images;
  return Array.from({ length: images }, (_, row) => {
    const own = scores.subarray(row * classes, (row + 1) * classes);
    return own.reduce((best, v, c) => (v > own[best] ? c : best), 0);
  });
}

/** Scores here, and in each runtime of an exporter. */
async function* compare(network: Network, exporter: Exporter): AsyncGenerator<Row> {
  const { name, float, labels, calibration } = network;
  const { config } = exporter;
  const graph = config === null ? float : convert(calibrate(prepare(float, ptqConfig(config)), calibration));
  const predict = predictor(graph, { backend: 'wasm', batch: BATCH });
  const want = await scoresOf(network, (x) => predict(new Tensor(x)).data as Float32Array);
  const ours = classesOf(want, labels.length);
  const last = graph.nodes.at(-1)!;
  const step = last.op === 'dequantize' ? graph.values.get(last.inputs[0])!.qparams!.scale[0] : null;
  const bytes = exporter.export(graph, BATCH);
  for (const { start } of exporter.runtimes) {
    const runtime = await start();
    const model = await runtime.load(bytes);
    const got = await scoresOf(network, async (x) => (await runThere(model, [x]))[0]);
    model.dispose();
    const theirs = classesOf(got, labels.length);
    yield {
      network: name,
      exporter: exporter.name,
      runtime: `${runtime.name} ${runtime.version}`,
      bytes: bytes.length,
      ourAccuracy: accuracy(ours, labels),
      theirAccuracy: accuracy(theirs, labels),
      sameClass: ours.filter((c, i) => c === theirs[i]).length / ours.length,
      codes: step === null ? null : compareElements(want, got, step),
    };
  }
}

export async function compareNetworks(): Promise<PartResult> {
  const data = loadData(undefined);
  const rows: Row[] = [];
  for (const name of MODEL_NAMES) {
    const network = await networkOf(name, data);
    for (const exporter of EXPORTERS) for await (const row of compare(network, exporter)) rows.push(row);
  }
  const failures = rows.flatMap((row) => {
    const what = `${row.network}, ${row.exporter}, ${row.runtime}`;
    const drop = Math.abs(row.ourAccuracy - row.theirAccuracy);
    const { sameClass: wanted } = EXPORTERS.find(({ name }) => name === row.exporter)!;
    return [
      ...(drop > ACCURACY_DROP ? [`${what}: accuracy ${drop.toFixed(2)} points apart`] : []),
      ...(row.sameClass < wanted ? [`${what}: the same class for ${percent(row.sameClass)} only`] : []),
    ];
  });
  const cells = (row: Row): string[] => [
    row.network,
    row.exporter,
    row.runtime,
    `${(row.bytes / 1024).toFixed(1)} KiB`,
    `${row.ourAccuracy.toFixed(2)} %`,
    `${row.theirAccuracy.toFixed(2)} %`,
    percent(row.sameClass),
    row.codes === null ? '' : `${row.codes.differing} of ${row.codes.compared} (${row.codes.largest})`,
  ];
  const head = ['network', 'file', 'runtime', 'size', 'here', 'there', 'same class', 'codes that differ'];
  return { failures, json: rows, text: markdown(head, rows.map(cells)) };
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
