/** Imported networks after training: what each method leaves of them, calibrated on some photos, measured on others. */
import { Tensor } from '../../src/autograd/index.js';
import { sqnr } from '../../src/analysis/index.js';
import { runnerOf } from '../../src/contract/index.js';
import type { NDArray } from '../../src/core/index.js';
import { DETECTORS, keptShare } from '../../src/detection/index.js';
import type { Graph } from '../../src/graph/index.js';
import {
  calibrate,
  compareCodes,
  convert,
  prepare,
  ptqConfig,
  type Granularity,
  type QuantizedModule,
} from '../../src/quant/index.js';
import { adaround, addBiases, correctBias, equalize } from '../../src/quant/methods/index.js';
import type { ImportedNetwork } from '../suites/importedNetworks.js';
import { photoSet } from './photos.js';

/** Least score of a box. */
const SCORE = 0.5;

type Batches = readonly Tensor[];

function quantized(
  graph: Graph,
  granularity: Granularity,
  weightBits: number,
  batches: Batches,
): QuantizedModule {
  return calibrate(prepare(graph, ptqConfig({ granularity, weightBits })), batches);
}

type Method = (
  graph: Graph,
  granularity: Granularity,
  weightBits: number,
  batches: Batches,
  /** Of AdaRound per layer, each on one photo. */
  steps: number,
) => QuantizedModule;

/** All with both granularities. ReLU6 is left as it is, so that equalization leaves the float network as it is. */
export const IMPORTED_METHODS = {
  calibration: quantized,
  equalization: (graph, granularity, bits, batches) => quantized(equalize(graph), granularity, bits, batches),
  'bias correction': (graph, granularity, bits, batches) =>
    correctBias(quantized(addBiases(graph), granularity, bits, batches), batches),
  'equalization, bias correction': (graph, granularity, bits, batches) =>
    correctBias(quantized(addBiases(equalize(graph)), granularity, bits, batches), batches),
  'AdaRound, bias correction': (graph, granularity, bits, batches, steps) => {
    const module = quantized(addBiases(graph), granularity, bits, batches);
    return correctBias(adaround(module, batches, { iterations: steps }), batches);
  },
} as const satisfies Readonly<Record<string, Method>>;
export type ImportedMethod = keyof typeof IMPORTED_METHODS;

export interface ImportedResult {
  /** dB of all photos together against float, by output. */
  readonly sqnr: Readonly<Record<string, number>>;
  /** Of detectors: boxes in float, those that INT8 keeps (IoU of 0.5 or more), and those that it finds. */
  readonly boxes: { readonly float: number; readonly kept: number; readonly found: number } | null;
  readonly codesCompared: number;
  readonly codesDifferent: number;
  readonly calibrationPhotos: number;
  readonly testPhotos: number;
}

export function measureImported(
  { load, detector: name }: ImportedNetwork,
  method: ImportedMethod,
  granularity: Granularity,
  weightBits: number,
  steps: number,
): ImportedResult {
  const graph = load();
  const [id] = graph.inputs;
  const detector = name === null ? null : DETECTORS[name];
  const { mean, std } = detector ?? { mean: 0.5, std: 0.5 };
  const photos = photoSet(graph.values.get(id)!.shape, mean, std);
  const batches = photos.calibration.map((x) => new Tensor(x));
  const module = IMPORTED_METHODS[method](graph, granularity, weightBits, batches, steps).eval();
  const integers = convert(module);
  const [float, integer] = [graph, integers].map((network) => {
    const run = runnerOf(network);
    return photos.test.map((x) => [...run(new Map([[id, x]])).values()].map((y) => y.clone()));
  });
  const flat = (runs: typeof float, output: number): number[] =>
    runs.flatMap((outputs) => Array.from(outputs[output].data));
  const codes = compareCodes(module, integers, [new Tensor(photos.test[0])]);
  return {
    sqnr: Object.fromEntries(
      graph.outputs.map((output, i) => [output, sqnr(flat(float, i), flat(integer, i))]),
    ),
    boxes: detector && countBoxes(detector.decode, float, integer),
    codesCompared: codes.codesCompared,
    codesDifferent: codes.codesDifferent,
    calibrationPhotos: photos.calibration.length,
    testPhotos: photos.test.length,
  };
}

function countBoxes(
  decode: (typeof DETECTORS)['blazeface']['decode'],
  float: readonly (readonly NDArray[])[],
  integer: readonly (readonly NDArray[])[],
): NonNullable<ImportedResult['boxes']> {
  const count = { float: 0, kept: 0, found: 0 };
  float.forEach((outputs, i) => {
    const [want, got] = [outputs, integer[i]].map((values) => decode([...values], SCORE));
    count.float += want.length;
    count.found += got.length;
    count.kept += keptShare(want, got) * want.length;
  });
  return count;
}
