/**
 * Real networks on real photos, FP32 against INT8: boxes that detectors keep, and the heatmap of PoseNet, here and in ONNX
 * Runtime with the same qparams. BlazeFace and one photo are carried; the folder INTEROP_MODELS may hold fr_detect.onnx and
 * posenet.json with posenet.bin, the folder INTEROP_PHOTOS photos.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { noGrad, Tensor } from '../../src/autograd/index.js';
import { packageRoot } from '../../src/cli/paths.js';
import { sqnr } from '../../src/analysis/index.js';
import { runnerOf } from '../../src/contract/index.js';
import { NDArray } from '../../src/core/index.js';
import { letterbox, resizeImage, type Image } from '../../src/data/index.js';
import { DETECTORS, keptShare, type DetectorName } from '../../src/detection/index.js';
import { exportOnnx, importOnnx } from '../../src/formats/onnx/index.js';
import { importTfjs } from '../../src/formats/tfjs/index.js';
import { exportTflite } from '../../src/formats/tflite/index.js';
import type { Graph } from '../../src/graph/index.js';
import { imageFiles, readImage } from '../../src/node/index.js';
import { quantizeArray } from '../../src/ops/index.js';
import {
  calibrate,
  convert,
  prepare,
  ptqConfig,
  type Granularity,
  type QuantizedModule,
} from '../../src/quant/index.js';
import { startLitert } from '../runtimes/litert.js';
import { startOrt } from '../runtimes/ort.js';
import { startTflite } from '../runtimes/tflite.js';
import type { Runtime } from '../runtimes/types.js';
import type { PartResult } from './part.js';

const GRANULARITIES: readonly Granularity[] = ['per-channel', 'per-tensor'];
const THRESHOLD = 0.5;
/** Of the boxes of FP32, with scales per channel. */
const LEAST_KEPT = 0.95;

const read = (path: string): Uint8Array => new Uint8Array(readFileSync(path));
const models = process.env['INTEROP_MODELS'] ?? '';
const folders = [join(packageRoot(), 'data', 'photos'), process.env['INTEROP_PHOTOS'] ?? ''];

function moduleOf(
  graph: Graph,
  granularity: Granularity,
  xs: readonly NDArray[],
  float: string[] = [],
): QuantizedModule {
  const module = prepare(graph, ptqConfig({ granularity, float }));
  return calibrate(
    module,
    xs.map((x) => new Tensor(x)),
  ).eval();
}

interface DetectorResult {
  readonly model: string;
  readonly granularity: Granularity;
  readonly boxes: number;
  readonly kept: number;
  readonly integerBoxes: number;
}

function detect(name: DetectorName, path: string, photos: readonly Image[]): DetectorResult[] {
  const detector = DETECTORS[name];
  const { graph } = importOnnx(read(path), { layout: 'nhwc' });
  const [id] = graph.inputs;
  const { shape } = graph.values.get(id)!;
  const xs = photos.map((photo) => letterbox(photo, shape, detector.mean, detector.std).input);
  const float = runnerOf(graph);
  return GRANULARITIES.map((granularity) => {
    const integer = runnerOf(convert(moduleOf(graph, granularity, xs)));
    let [boxes, kept, integerBoxes] = [0, 0, 0];
    for (const x of xs) {
      const [a, b] = [float, integer].map((run) =>
        detector.decode([...run(new Map([[id, x]])).values()], THRESHOLD),
      );
      boxes += a.length;
      integerBoxes += b.length;
      kept += keptShare(a, b) * a.length;
    }
    return { model: name, granularity, boxes, kept, integerBoxes };
  });
}

interface FileResult {
  readonly model: string;
  readonly runtime: string;
  readonly bytes: number;
  readonly codes: number;
  readonly different: number;
  /** Steps. */
  readonly largest: number;
}

/** The detector as full INT8 TFLite for LiteRT, run there: codes in, codes out. */
async function inRuntimes(
  name: DetectorName,
  path: string,
  photos: readonly Image[],
  runtimes: readonly Runtime[],
): Promise<FileResult[]> {
  const detector = DETECTORS[name];
  const { graph } = importOnnx(read(path), { layout: 'nhwc' });
  const [id] = graph.inputs;
  const { shape } = graph.values.get(id)!;
  const xs = photos.map((photo) => letterbox(photo, shape, detector.mean, detector.std).input);
  const module = calibrate(
    prepare(graph, ptqConfig({ target: 'tflite' })),
    xs.map((x) => new Tensor(x)),
  );
  const integers = convert(module.eval(), { output: 'codes' });
  const run = runnerOf(integers);
  const { bytes } = exportTflite(integers, { inputs: 'int8' });
  const qparams = module.valueQParams(id)!;
  const results: FileResult[] = [];
  for (const runtime of runtimes) {
    const model = await runtime.load(bytes);
    let [codes, different, largest] = [0, 0, 0];
    for (const x of xs) {
      const here = [...run(new Map([[id, x]])).values()];
      const there = await model.run([quantizeArray(x, qparams).data as never]);
      here.forEach(({ data }, i) => {
        data.forEach((v: number, k: number) => {
          const apart = Math.abs(v - Number(there[i][k]));
          codes++;
          if (apart > 0) different++;
          largest = Math.max(largest, apart);
        });
      });
    }
    model.dispose();
    results.push({ model: name, runtime: runtime.name, bytes: bytes.length, codes, different, largest });
  }
  return results;
}

interface PoseResult {
  readonly granularity: Granularity;
  /** dB of the heatmap against float, photo by photo. */
  readonly weightsOnly: readonly number[];
  readonly integer: readonly number[];
  readonly onnxruntime: Readonly<Record<string, readonly number[]>>;
  /** Numbers of the heatmap in which a runtime differs from ours. */
  readonly different: Readonly<Record<string, number>>;
  readonly numbers: number;
}

async function posenet(photos: readonly Image[]): Promise<PoseResult[]> {
  const graph = importTfjs(
    readFileSync(join(models, 'posenet.json'), 'utf8'),
    read(join(models, 'posenet.bin')),
  );
  const [id] = graph.inputs;
  const [, height, width] = graph.values.get(id)!.shape;
  const xs = photos.map((photo) => {
    const pixels = resizeImage(photo, height, width);
    return new NDArray(
      pixels.data.map((v) => v / 127.5 - 1),
      pixels.shape,
    );
  });
  const heat = graph.outputs.findIndex((name) => name.includes('heatmap'));
  const heatmaps = (run: ReturnType<typeof runnerOf>): ArrayLike<number>[] =>
    xs.map((x) => [...run(new Map([[id, x]])).values()][heat].data.slice());
  const want = heatmaps(runnerOf(graph));
  const ratios = (got: readonly ArrayLike<number>[]): number[] => got.map((y, i) => sqnr(want[i], y));
  const results: PoseResult[] = [];
  for (const granularity of GRANULARITIES) {
    const weights = moduleOf(graph, granularity, xs, [...graph.values.keys()]);
    const simulated = xs.map((x) =>
      noGrad(() => weights.runAll(new Map([[id, new Tensor(x)]])))
        .get(graph.outputs[heat])!
        .data.slice(),
    );
    const integers = convert(moduleOf(graph, granularity, xs));
    const here = heatmaps(runnerOf(integers));
    const there: Record<string, ArrayLike<number>[]> = {};
    for (const runtime of ['onnxruntime-web', 'onnxruntime-node'] as const) {
      const model = await startOrt(runtime).load(exportOnnx(integers, { layout: 'nhwc', batch: 1 }).bytes);
      const at = model.outputs.findIndex(({ name }) => name.includes('heatmap'));
      there[runtime] = [];
      for (const x of xs) there[runtime].push((await model.run([x.data as never]))[at] as Float32Array);
      model.dispose();
    }
    const entries = Object.entries(there);
    const differing = (ys: readonly ArrayLike<number>[]): number =>
      ys.reduce((n, y, k) => n + Array.from(y).filter((v, i) => v !== here[k][i]).length, 0);
    results.push({
      granularity,
      weightsOnly: ratios(simulated),
      integer: ratios(here),
      onnxruntime: Object.fromEntries(entries.map(([name, ys]) => [name, ratios(ys)])),
      different: Object.fromEntries(entries.map(([name, ys]) => [name, differing(ys)])),
      numbers: here.reduce((n, y) => n + y.length, 0),
    });
  }
  return results;
}

const dB = (values: readonly number[]): string => values.map((v) => v.toFixed(1)).join(' / ');

export async function comparePhotos(): Promise<PartResult> {
  const photos = folders
    .filter((folder) => folder !== '')
    .flatMap((folder) => imageFiles(folder).map(readImage));
  const detectors: [DetectorName, string][] = [
    ['blazeface', join(packageRoot(), 'data', 'blazeface', 'face_detection_front.onnx')],
    ['ultraface', join(models, 'fr_detect.onnx')],
  ];
  const present = detectors.filter(([, path]) => existsSync(path));
  const detections = present.flatMap(([name, path]) => detect(name, path, photos));
  const files: FileResult[] = [];
  const runtimes = [await startLitert(), startTflite()];
  for (const [name, path] of present) files.push(...(await inRuntimes(name, path, photos, runtimes)));
  const poses = existsSync(join(models, 'posenet.json')) ? await posenet(photos) : [];
  const failures = detections
    .filter(({ granularity, boxes, kept }) => granularity === 'per-channel' && kept < LEAST_KEPT * boxes)
    .map(({ model, boxes, kept }) => `${model}: ${kept} of ${boxes} boxes kept`);
  const lines = [
    `${photos.length} photos`,
    '',
    '| detector | weights | boxes in FP32 | kept by INT8 | boxes in INT8 |',
    '| --- | --- | ---: | ---: | ---: |',
    ...detections.map(
      (d) => `| ${d.model} | ${d.granularity} | ${d.boxes} | ${d.kept} | ${d.integerBoxes} |`,
    ),
  ];
  lines.push(
    '',
    '| full INT8 TFLite | runtime | file | codes that differ | by at most |',
    '| --- | --- | ---: | ---: | ---: |',
    ...files.map(
      (f) =>
        `| ${f.model} | ${f.runtime} | ${(f.bytes / 1024).toFixed()} KiB | ${f.different} of ${f.codes} | ${f.largest} |`,
    ),
  );
  if (poses.length > 0)
    lines.push(
      '',
      'PoseNet, SQNR of the heatmap in dB, photo by photo:',
      '',
      '| weights | weights alone | INT8 here | onnxruntime-web | onnxruntime-node | numbers that differ |',
      '| --- | --- | --- | --- | --- | ---: |',
      ...poses.map((p) => {
        const [web, node] = [p.onnxruntime['onnxruntime-web'], p.onnxruntime['onnxruntime-node']].map(dB);
        const different = Object.values(p.different).join(' and ');
        return `| ${p.granularity} | ${dB(p.weightsOnly)} | ${dB(p.integer)} | ${web} | ${node} | ${different} of ${p.numbers} |`;
      }),
    );
  return { failures, text: lines.join('\n'), json: { photos: photos.length, detections, files, poses } };
}
