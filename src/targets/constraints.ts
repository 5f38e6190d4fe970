/** Limits of ops that several targets have. */
import { formatShape, sameQParams, type Shape } from '../core/index.js';
import type { Graph, NodeOf, OpName, ValueId } from '../graph/index.js';
import type { Constraint, OpRule, OpRules, Source } from './types.js';

/** Ops with one source and no limits. */
export function ops<const O extends OpName>(
  source: Source | null,
  names: readonly O[],
): { readonly [K in O]: OpRule<K> } {
  return Object.fromEntries(names.map((name) => [name, { source }])) as { [K in O]: OpRule<K> };
}

/** Every op of a graph. */
const EVERY = [
  'conv2d',
  'linear',
  'dynamicLinear',
  'batchNorm',
  'activation',
  'unary',
  'prelu',
  'lookup',
  'constant',
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'matmul',
  'maxPool2d',
  'avgPool2d',
  'globalAvgPool',
  'reduce',
  'concat',
  'reshape',
  'transpose',
  'slice',
  'gather',
  'pad',
  'resize',
  'softmax',
  'quantize',
  'dequantize',
] as const;

export const everyOp = (source: Source): Required<OpRules> => ops(source, EVERY);

/** Every op but some. */
export function opsWithout(source: Source | null, ...missing: readonly OpName[]): OpRules {
  return ops(
    source,
    EVERY.filter((name) => !missing.includes(name)),
  );
}

const shapeOf = (graph: Graph, id: ValueId): Shape => graph.values.get(id)!.shape;

/** Sizes of all axes but the last are 1. */
const isRow = (shape: Shape): boolean => shape.slice(0, -1).every((size) => size === 1);

export function isDepthwise(node: NodeOf<'conv2d'>, graph: Graph): boolean {
  const [input] = shapeOf(graph, node.inputs[0]).slice(-1);
  return node.groups > 1 && node.groups === input;
}

export const equalDilation = (source: Source): Constraint<'conv2d'> => ({
  rule: 'dilation',
  severity: 'error',
  fix: 'dilate height and width alike',
  source,
  broken: ({ dilation: [y, x] }) => (y === x ? null : `its dilation is ${y} by ${x}`),
});

export const denseOrDepthwise = (source: Source): Constraint<'conv2d'> => ({
  rule: 'groups',
  severity: 'warning',
  fix: 'use one group, or as many as there are input channels',
  source,
  broken: (node, graph) =>
    node.groups === 1 || isDepthwise(node, graph)
      ? null
      : `it has ${node.groups} groups; only dense and depthwise convolutions are documented`,
});

export const poolWithoutDilation = (source: Source): Constraint<'maxPool2d'> => ({
  rule: 'dilation',
  severity: 'error',
  fix: 'pool without dilation',
  source,
  broken: ({ dilation: [y, x] }) => (y === 1 && x === 1 ? null : `its dilation is ${y} by ${x}`),
});

export const softmaxOfOneRow = (most: number, source: Source): Constraint<'softmax'> => ({
  rule: 'softmax-size',
  severity: 'error',
  fix: 'leave softmax out of the network and compute it on what comes out',
  source,
  broken(node, graph) {
    const shape = shapeOf(graph, node.id);
    const size = shape.at(-1)!;
    if (!isRow(shape)) return `its shape is ${formatShape(shape)}; only one row is taken`;
    return size > most ? `it has ${size} elements, more than ${most}` : null;
  },
});

export const linearOfOneRow = (source: Source): Constraint<'linear'> => ({
  rule: 'linear-rank',
  severity: 'error',
  fix: 'flatten before the layer, or use a convolution of 1 by 1',
  source,
  broken(node, graph) {
    const shape = shapeOf(graph, node.id);
    return isRow(shape) ? null : `its output has shape ${formatShape(shape)}; only one row is taken`;
  },
});

export const reduceWithinImage = (source: Source): Constraint<'reduce'> => ({
  rule: 'reduce-axes',
  severity: 'error',
  fix: 'reduce height and width, or use a number of channels that 4 divides',
  source,
  broken(node, graph) {
    const shape = shapeOf(graph, node.inputs[0]);
    if (node.axes.includes(0)) return 'it reduces the batch';
    const channels = shape.at(-1)!;
    return node.fn === 'mean' && node.axes.includes(shape.length - 1) && channels % 4 !== 0
      ? `it is the mean of ${channels} channels, which is no multiple of 4`
      : null;
  },
});

export const padWithZeros = (source: Source): Constraint<'pad'> => ({
  rule: 'padding',
  severity: 'error',
  fix: 'pad height, width or channels, with zeros',
  source,
  broken({ pads, value }) {
    if (pads.length > 3 && pads[0].some((p) => p !== 0)) return 'it pads the batch';
    return value === 0 ? null : `it pads with ${value}`;
  },
});

export const sliceEveryElement = (source: Source): Constraint<'slice'> => ({
  rule: 'slice-steps',
  severity: 'error',
  fix: 'slice with steps of 1; a convolution or a pool can leave pixels out',
  source,
  broken: ({ step }) => (step.every((s) => s === 1) ? null : `its steps are ${formatShape(step)}`),
});

export const concatOfResults = (source: Source): Constraint<'concat'> => ({
  rule: 'concat-constant',
  severity: 'error',
  fix: 'pad instead of joining a constant',
  source,
  broken(node, graph) {
    const constants = graph.nodes.filter((n) => n.op === 'constant' && node.inputs.includes(n.id));
    const zeros = constants.every((n) => {
      const { array, qparams } = graph.params.get((n as NodeOf<'constant'>).param)!;
      return array.data.every((v) => v === (qparams?.zeroPoint[0] ?? 0));
    });
    return constants.length === 0 || (zeros && node.inputs.length === 2)
      ? null
      : `it joins the constant ${constants[0].id}; only zeros and one other input are taken`;
  },
});

export const resizeMayStay = (source: Source): Constraint<'resize'> => ({
  rule: 'resize-size',
  severity: 'note',
  fix: 'look at the log of the compiler; end the network before it if it stays on the CPU',
  source,
  broken: ({ size: [h, w] }) => `to ${h} by ${w}: depending on the sizes the compiler leaves it to the CPU`,
});

/** For kernels that move codes where this library can rescale them. */
export const sameScale = (source: Source): Constraint<'avgPool2d' | 'maximum' | 'minimum'> => ({
  rule: 'same-scale',
  severity: 'error',
  fix: 'quantize with target set, or rescale its inputs to the scale of its output',
  source,
  broken(node, graph) {
    const y = graph.values.get(node.id)!.qparams;
    const other = node.inputs.find((id) => {
      const x = graph.values.get(id)!.qparams;
      return x !== null && y !== null && !sameQParams(x, y);
    });
    return other === undefined
      ? null
      : `scale or zero point of its input ${other} are not those of its output`;
  },
});
