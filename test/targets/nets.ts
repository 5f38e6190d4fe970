/** A small network with what targets have rules for, quantized for any of them. */
import { noGrad, tensor, type Tensor } from '../../src/autograd/index.js';
import { Random } from '../../src/core/index.js';
import type { Graph, Node, ValueId } from '../../src/graph/index.js';
import {
  calibrate,
  convert,
  prepare,
  ptqConfig,
  type QConfigOptions,
  type QuantizedModule,
} from '../../src/quant/index.js';
import { array, graphOf } from '../support/graphs.js';

const layer = { batchNorm: null, activation: 'relu' } as const;
const window = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1] } as const;

export function conv(id: ValueId, input: ValueId, weight: string, attrs: object = {}): Node {
  return { op: 'conv2d', id, inputs: [input], weight, bias: null, ...layer, ...window, groups: 1, ...attrs };
}

export function one(id: ValueId, op: Node['op'], input: ValueId, attrs: object = {}): Node {
  return { op, id, inputs: [input], ...attrs } as Node;
}

export const pool = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], dilation: [1, 1] } as const;

/** Convolution, depthwise, pools, resize, concat, sigmoid, linear, softmax: [1, 8, 8, 3] -> [1, 5]. */
export function smallNet(): Graph {
  return graphOf(
    { x: [1, 8, 8, 3] },
    { w1: array(4, 3, 3, 3), b1: array(4), w2: array(4, 3, 3, 1), w3: array(5, 32), b3: array(5) },
    [
      conv('conv', 'x', 'w1', { bias: 'b1' }),
      conv('depthwise', 'conv', 'w2', { groups: 4 }),
      one('max', 'maxPool2d', 'depthwise', pool),
      one('large', 'resize', 'max', { size: [8, 8], mode: 'nearest', coordinates: 'halfPixel' }),
      { op: 'concat', id: 'concat', inputs: ['large', 'depthwise'], axis: 3 },
      one('average', 'avgPool2d', 'concat', {
        ...pool,
        kernel: [4, 4],
        stride: [4, 4],
        countIncludePad: false,
      }),
      one('gate', 'unary', 'average', { fn: 'sigmoid', alpha: 0, beta: 0 }),
      { op: 'mul', id: 'mul', inputs: ['average', 'gate'], activation: 'none' },
      one('flat', 'reshape', 'mul', { shape: [1, 32] }),
      {
        op: 'linear',
        id: 'linear',
        inputs: ['flat'],
        weight: 'w3',
        bias: 'b3',
        ...layer,
        activation: 'none',
      },
      one('softmax', 'softmax', 'linear', { beta: 1 }),
    ],
  );
}

/** A batch for the input of a graph; the same seed, the same batch. */
export function batchOf(graph: Graph, rows: number, seed: number): Tensor {
  const random = new Random(seed);
  const shape = [rows, ...graph.values.get(graph.inputs[0])!.shape.slice(1)];
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    { shape },
  );
}

/** Calibrated, in eval mode, with its integer graph. */
export function quantized(
  graph: Graph,
  options: QConfigOptions,
): { module: QuantizedModule; integers: Graph } {
  const module = prepare(graph, ptqConfig(options)).eval();
  noGrad(() => calibrate(module, [batchOf(graph, 4, 1), batchOf(graph, 4, 2)]));
  return { module, integers: convert(module) };
}
