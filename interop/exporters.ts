/** What files are made of a network here, and which runtimes they are for: every table has a column for each pair. */
import { exportOnnx } from '../src/formats/onnx/index.js';
import type { Graph } from '../src/graph/index.js';
import type { QConfigOptions } from '../src/quant/index.js';
import { startOrt } from './runtimes/ort.js';
import type { Runtime } from './runtimes/types.js';

export interface Exporter {
  readonly name: string;
  readonly format: 'ONNX' | 'TFLite';
  /** How networks are quantized for it; null for float networks. */
  readonly config: QConfigOptions | null;
  /** A file of a fixed batch that takes and gives arrays of the layouts and codes of the graph. */
  export(graph: Graph, batch: number): Uint8Array;
  readonly runtimes: readonly (() => Runtime | Promise<Runtime>)[];
  /** How far codes of one layer may be apart, and those of conv2d and linear. */
  readonly steps: { readonly any: number; readonly layers: number };
  /** The share of images for which whole networks have to give the same class. */
  readonly sameClass: number;
}

function onnx(style: 'qdq' | 'qoperator', config: QConfigOptions | null): Exporter {
  const type = config?.signed === false ? 'uint8' : 'int8';
  return {
    name: config === null ? 'ONNX float' : `ONNX ${style === 'qdq' ? 'QDQ' : 'QOperator'} ${type}`,
    format: 'ONNX',
    config,
    export: (graph, batch) => exportOnnx(graph, { style, batch, layout: 'nhwc' }).bytes,
    runtimes: [() => startOrt('onnxruntime-web'), () => startOrt('onnxruntime-node')],
    steps: { any: 1, layers: 0 },
    sameClass: 0.999,
  };
}

export const EXPORTERS: readonly Exporter[] = [
  onnx('qdq', null),
  onnx('qdq', { signed: true }),
  onnx('qdq', { signed: false }),
  onnx('qoperator', { signed: true }),
  onnx('qoperator', { signed: false }),
];
