/** What files are made of a network here, and which runtimes they are for: every table has a column for each pair. */
import { exportOnnx } from '../src/formats/onnx/index.js';
import { exportTflite } from '../src/formats/tflite/index.js';
import type { Graph } from '../src/graph/index.js';
import type { QConfigOptions } from '../src/quant/index.js';
import { startLitert } from './runtimes/litert.js';
import { startOrt } from './runtimes/ort.js';
import { startTflite } from './runtimes/tflite.js';
import type { Runtime } from './runtimes/types.js';

export interface Destination {
  readonly start: () => Runtime | Promise<Runtime>;
  /** How far codes of a layer, a row of the table, may be apart. */
  steps(layer: string): number;
}

export interface Exporter {
  readonly name: string;
  readonly format: 'ONNX' | 'TFLite';
  /** How networks are quantized for it; null for float networks. */
  readonly config: QConfigOptions | null;
  /** A file of a fixed batch that takes and gives arrays of the layouts and codes of the graph. */
  export(graph: Graph, batch: number): Uint8Array;
  readonly runtimes: readonly Destination[];
  /** The share of images for which whole networks have to give the same class. */
  readonly sameClass: number;
}

/** Layers of weights. */
const LAYERS = ['conv2d', 'conv2d depthwise', 'linear'];
/** At most a step apart, and none for these. */
const exactIn = (layers: readonly string[]) => (layer: string) => (layers.includes(layer) ? 0 : 1);
/** No step apart, and at most one for these. */
const exactBut = (layers: readonly string[]) => (layer: string) => (layers.includes(layer) ? 1 : 0);

function onnx(style: 'qdq' | 'qoperator', config: QConfigOptions | null): Exporter {
  const type = config?.signed === false ? 'uint8' : 'int8';
  return {
    name: config === null ? 'ONNX float' : `ONNX ${style === 'qdq' ? 'QDQ' : 'QOperator'} ${type}`,
    format: 'ONNX',
    config,
    export: (graph, batch) => exportOnnx(graph, { style, batch, layout: 'nhwc' }).bytes,
    runtimes: (['onnxruntime-web', 'onnxruntime-node'] as const).map((runtime) => ({
      start: () => startOrt(runtime),
      steps: exactIn(LAYERS),
    })),
    sameClass: 0.999,
  };
}

/** Started when it is first needed, and once. */
function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

const start = { native: once(startTflite), litert: once(startLitert) };

function tflite(
  name: string,
  config: QConfigOptions | null,
  steps: Readonly<Record<keyof typeof start, Destination['steps']>>,
): Exporter {
  return {
    name: `TFLite ${name}`,
    format: 'TFLite',
    config: config && { linearGranularity: 'per-tensor', concat: 'equal', ...config },
    export: (graph, batch) => exportTflite(graph, { batch }).bytes,
    runtimes: (['native', 'litert'] as const).map((runtime) => ({
      start: start[runtime],
      steps: steps[runtime],
    })),
    sameClass: 0.995,
  };
}

const AT_MOST_ONE = exactIn([]);
/** Of TensorFlow Lite's own kernels, HARD_SWISH rounds in 16 bits, LEAKY_RELU each branch; SiLU is two operators. */
const FUNCTIONS = ['unary hardswish', 'unary leakyRelu', 'unary silu'];
/** Matrix products of ruy round halves of the last shift up, not away from zero. */
const PRODUCTS = ['conv2d', 'linear'];
/** Computed in float by version 2.9. */
const MEANS = ['globalAvgPool', 'reduce mean', 'reduce sum'];
/** XNNPACK has no pools of codes that round as these do. */
const MIXES = ['avgPool2d', 'resize bilinear'];

export const EXPORTERS: readonly Exporter[] = [
  onnx('qdq', null),
  onnx('qdq', { signed: true }),
  onnx('qdq', { signed: false }),
  onnx('qoperator', { signed: true }),
  onnx('qoperator', { signed: false }),
  tflite('float', null, { native: AT_MOST_ONE, litert: AT_MOST_ONE }),
  tflite(
    'int8, fixed point',
    { numerics: { numerics: 'fixed', rounding: 'double' } },
    { native: exactBut([...PRODUCTS, ...MEANS, ...FUNCTIONS]), litert: AT_MOST_ONE },
  ),
  tflite('int8, float rounding', {}, { native: AT_MOST_ONE, litert: exactBut([...MIXES, ...FUNCTIONS]) }),
];
