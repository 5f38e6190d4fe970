/** Graphs made by hand, for nodes that no layer of the library traces to. */
import { NDArray, Random } from '../../src/core/index.js';
import {
  inferShape,
  validate,
  type Graph,
  type Node,
  type Param,
  type ParamId,
  type Value,
  type ValueId,
} from '../../src/graph/index.js';

/** Shapes follow from the nodes; the last node is the output. */
export function graphOf(
  inputs: Readonly<Record<ValueId, readonly number[]>>,
  params: Readonly<Record<ParamId, NDArray>>,
  nodes: readonly Node[],
  batch: 'free' | 'fixed' = 'free',
): Graph {
  const values = new Map<ValueId, Value>();
  const add = (id: ValueId, shape: readonly number[]): void =>
    void values.set(id, { id, shape, qparams: null });
  for (const [id, shape] of Object.entries(inputs)) add(id, shape);
  const graph: Graph = {
    batch,
    inputs: Object.keys(inputs),
    outputs: [nodes[nodes.length - 1].id],
    nodes,
    values,
    params: new Map(
      Object.entries(params).map(([id, array]): [ParamId, Param] => [id, { id, array, qparams: null }]),
    ),
    numerics: { numerics: 'float' },
  };
  for (const node of nodes) add(node.id, inferShape(graph, node));
  return validate(graph);
}

const random = new Random(5);
export const array = (...shape: number[]): NDArray =>
  new NDArray(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal()),
    shape,
  );

/** Nodes that importers make, [1, 6, 5, 4] -> [1, 20]; all have an integer form. */
export function importedOps(): Graph {
  const one = (id: string, op: Node['op'], input: string, attrs: object): Node =>
    ({ op, id, inputs: [input], ...attrs }) as Node;
  const two = (id: string, op: Node['op'], a: string, b: string): Node =>
    ({ op, id, inputs: [a, b], activation: 'none' }) as Node;
  return graphOf(
    { x: [1, 6, 5, 4] },
    { slope: array(4), scale: array(1, 1, 1, 4), shift: array(1, 1, 5, 1) },
    [
      one('prelu', 'prelu', 'x', { slope: 'slope' }),
      { op: 'constant', id: 'c1', inputs: [], param: 'scale' },
      { op: 'constant', id: 'c2', inputs: [], param: 'shift' },
      two('mul', 'mul', 'prelu', 'c1'),
      two('add', 'add', 'c2', 'mul'),
      one('clip', 'unary', 'add', { fn: 'clip', alpha: -1, beta: 1.5 }),
      one('exp', 'unary', 'clip', { fn: 'exp', alpha: 0, beta: 0 }),
      one('pow', 'unary', 'exp', { fn: 'pow', alpha: 0.5, beta: 0 }),
      one('transpose', 'transpose', 'pow', { perm: [0, 3, 1, 2] }),
      one('slice', 'slice', 'transpose', { start: [0, 3, 0, 1], step: [1, -1, 2, 1], count: [1, 3, 3, 4] }),
      one('back', 'transpose', 'slice', { perm: [0, 2, 3, 1] }),
      one('pad', 'pad', 'back', {
        pads: [
          [0, 0],
          [1, 0],
          [0, 1],
          [0, 0],
        ],
        value: 0.7,
      }),
      one('nearest', 'resize', 'pad', { size: [6, 10], mode: 'nearest', coordinates: 'halfPixel' }),
      one('aligned', 'resize', 'nearest', { size: [9, 7], mode: 'nearest', coordinates: 'alignCorners' }),
      one('half', 'resize', 'aligned', { size: [5, 11], mode: 'bilinear', coordinates: 'halfPixel' }),
      one('corner', 'resize', 'half', { size: [8, 4], mode: 'bilinear', coordinates: 'alignCorners' }),
      one('asymmetric', 'resize', 'corner', { size: [5, 6], mode: 'bilinear', coordinates: 'asymmetric' }),
      one('gather', 'gather', 'asymmetric', { axis: 1, indices: [4, 0, 0, 2] }),
      one('max', 'reduce', 'gather', { fn: 'max', axes: [2], keepdim: false }),
      one('sum', 'reduce', 'asymmetric', { fn: 'sum', axes: [1, 2], keepdim: true }),
      one('mean', 'reduce', 'asymmetric', { fn: 'mean', axes: [3], keepdim: false }),
      one('flat1', 'reshape', 'max', { shape: [1, 12] }),
      one('flat2', 'reshape', 'sum', { shape: [1, 3] }),
      one('flat3', 'reshape', 'mean', { shape: [1, 30] }),
      one('five', 'slice', 'flat3', { start: [0, 29], step: [1, -7], count: [1, 5] }),
      { op: 'concat', id: 'concat', inputs: ['flat1', 'flat2', 'five'], axis: 1 },
    ],
  );
}
