/** What each op of the graph is in ONNX, opset 13: one total table. */
import { GraphError, isIdentity, UnsupportedError, type Shape } from '../../../core/index.js';
import type { Lowering, NodeOf, OpName, ValueId } from '../../../graph/index.js';
import { asFloats } from './codes.js';
import type { Exporter } from './exporter.js';
import { avgPool2d, channelsFirstShape, conv2d, dynamicLinear, linear, pads } from './layers.js';
import { resize } from './resize.js';
import { UNARY } from './unary.js';
import { identity, NHWC_IN_NCHW, type Tensor, type View } from './view.js';

type Draft = NodeOf<OpName>;

/** The axes of a tensor that the axes of a value are. */
const through = (perm: readonly number[], axes: readonly number[]): number[] => axes.map((i) => perm[i]);

/** One entry per axis of the value, as one entry per axis of the tensor. */
function arranged<T>(perm: readonly number[], entries: readonly T[]): T[] {
  const out = new Array<T>(entries.length);
  perm.forEach((axis, i) => (out[axis] = entries[i]));
  return out;
}

function elementwise(node: Draft, e: Exporter, f: (x: string) => string): View {
  const { tensor, perm, flat } = e.view(node.inputs[0]);
  return e.result(node, f(e.real(tensor)), tensor.shape, perm, flat);
}

/** Operands in the order of axes that the first of them has which is no constant. */
function together(ids: readonly ValueId[], e: Exporter): { tensors: Tensor[]; perm: readonly number[] } {
  const first = ids.find((id) => !e.isConstant(id)) ?? ids[0];
  const { perm } = e.unflattened(first);
  return { tensors: ids.map((id) => e.read(id, perm)), perm };
}

const binary =
  (opType: string) =>
  (node: Draft, e: Exporter): View => {
    const { tensors, perm } = together(node.inputs, e);
    const real = e.build.node(
      opType,
      `${node.id}/${opType}`,
      tensors.map((x) => e.real(x)),
    );
    return e.result(node, real, arranged(perm, e.graph.values.get(node.id)!.shape), perm);
  };

/** With the axis that holds the channels second, as ONNX's normalisations have it. */
function channelsSecond(id: ValueId, e: Exporter): { x: Tensor; perm: readonly number[] } {
  const { perm, tensor } = e.unflattened(id);
  const rank = tensor.shape.length;
  if (perm[rank - 1] === 1) return { x: tensor, perm };
  const second = [0, ...identity(rank - 2).map((i) => i + 2), 1];
  return { x: e.read(id, second), perm: second };
}

/** The transpose that a reshape is which only moves axes of size 1, behind the first; null where it is none. */
function movedOnes(from: Shape, to: Shape): number[] | null {
  if (from.length !== to.length || from[0] !== to[0]) return null;
  const rest = identity(from.length).slice(1);
  const [ones, others] = [rest.filter((i) => from[i] === 1), rest.filter((i) => from[i] !== 1)];
  const perm = to.map((size, i) => (i === 0 ? 0 : ((size === 1 ? ones : others).shift() ?? 0)));
  return perm.every((axis, i) => from[axis] === to[i]) ? perm : null;
}

const REDUCE = { mean: 'ReduceMean', sum: 'ReduceSum', max: 'ReduceMax', min: 'ReduceMin' } as const;

/** Where the value of a node is; null for constants, which are written where they are read. */
export const LOWERING: Lowering<Exporter, View | null> = {
  conv2d,
  avgPool2d,
  linear,
  dynamicLinear,
  resize,
  batchNorm(node, e) {
    if (e.graph.values.get(node.id)!.shape.length < 2)
      throw new GraphError(`node ${node.id}: batch norm of one axis has no form in ONNX; reshape to [1, c]`);
    const { x, perm } = channelsSecond(node.inputs[0], e);
    const inputs = [node.gamma, node.beta, node.mean, node.variance].map((id) => {
      const { data, shape } = e.parameter(id);
      return e.build.floats(id, asFloats(data), shape);
    });
    const real = e.build.node('BatchNormalization', `${node.id}/normalized`, [e.real(x), ...inputs], {
      epsilon: { type: 'float', value: node.eps },
      momentum: { type: 'float', value: 1 - node.momentum },
    });
    return e.result(node, real, x.shape, perm);
  },
  activation: (node, e) => elementwise(node, e, (x) => x),
  unary: ({ id, fn, alpha, beta, ...node }, e) =>
    elementwise({ ...node, id, fn, alpha, beta }, e, (x) =>
      UNARY[fn]({ build: e.build, x, name: id, alpha, beta }),
    ),
  prelu(node, e) {
    const { tensor, perm } = e.unflattened(node.inputs[0]);
    const { data } = e.parameter(node.slope);
    const dims = arranged(
      perm,
      perm.map((_, i) => (i === perm.length - 1 ? data.length : 1)),
    );
    const slope = e.build.floats(node.slope, asFloats(data), dims);
    const real = e.build.node('PRelu', `${node.id}/prelu`, [e.real(tensor), slope]);
    return e.result(node, real, tensor.shape, perm);
  },
  lookup(node) {
    throw new UnsupportedError(
      `node ${node.id}: a table of codes has no form in ONNX; export to TFLite, or start from the float model`,
    );
  },
  constant(node, e) {
    e.constant(node);
    return null;
  },
  add: binary('Add'),
  sub: binary('Sub'),
  mul: binary('Mul'),
  div: binary('Div'),
  maximum: binary('Max'),
  minimum: binary('Min'),
  matmul(node, e) {
    const factors = node.inputs.map((id) => e.real(e.plain(id)));
    const real = e.build.node('MatMul', `${node.id}/matmul`, factors);
    return e.result(node, real, e.graph.values.get(node.id)!.shape);
  },
  maxPool2d(node, e) {
    const x = e.channelsFirst(node.inputs[0]);
    const shape = channelsFirstShape(e.graph.values.get(node.id)!.shape);
    const attributes = {
      kernel_shape: node.kernel,
      strides: node.stride,
      pads: pads(node.padding),
      dilations: node.dilation,
    };
    return e.hold(node.id, e.move(x, 'MaxPool', `${node.id}/pooled`, shape, [], attributes), NHWC_IN_NCHW);
  },
  globalAvgPool(node, e) {
    const x = e.channelsFirst(node.inputs[0]);
    const [n, c] = x.shape;
    const mean = e.build.node('GlobalAveragePool', `${node.id}/mean`, [e.real(x)]);
    if (node.keepdim) return e.result(node, mean, [n, c, 1, 1], NHWC_IN_NCHW);
    return e.result(node, e.build.node('Flatten', `${node.id}/flat`, [mean]), [n, c]);
  },
  reduce(node, e) {
    const { tensor, perm } = e.unflattened(node.inputs[0]);
    const axes = through(perm, node.axes).sort((a, b) => a - b);
    const opType = REDUCE[node.fn];
    const keepdims = Number(node.keepdim);
    const real =
      node.fn === 'sum'
        ? e.build.node(opType, `${node.id}/sum`, [e.real(tensor), e.build.int64s(`${node.id}/axes`, axes)], {
            keepdims,
          })
        : e.build.node(opType, `${node.id}/${node.fn}`, [e.real(tensor)], { axes, keepdims });
    const kept = perm.filter((axis) => !axes.includes(axis));
    const order = node.keepdim ? perm : kept.map((axis) => kept.filter((other) => other < axis).length);
    return e.result(node, real, arranged(order, e.graph.values.get(node.id)!.shape), order);
  },
  concat(node, e) {
    const { tensors, perm } = together(node.inputs, e);
    const inputs = tensors.map((x) => e.real(x));
    const real = e.build.node('Concat', `${node.id}/concat`, inputs, { axis: perm[node.axis] });
    return e.result(node, real, arranged(perm, e.graph.values.get(node.id)!.shape), perm);
  },
  reshape(node, e) {
    const { tensor, perm, flat } = e.view(node.inputs[0]);
    const { shape } = e.graph.values.get(node.id)!;
    const flattens = shape.length === 2 && perm[0] === 0 && shape[0] === tensor.shape[0];
    // Who reads the flattened image may take it as it lies, with weights in that order.
    if (flattens && (flat || !isIdentity(perm))) return { tensor, perm, flat: true };
    const moved = flat
      ? null
      : movedOnes(
          perm.map((axis) => tensor.shape[axis]),
          shape,
        );
    if (moved !== null) return { tensor, perm: through(perm, moved), flat: false };
    return e.hold(node.id, e.reshape(e.plain(node.inputs[0]), shape, `${node.id}/reshaped`));
  },
  transpose(node, e) {
    const { tensor, perm } = e.unflattened(node.inputs[0]);
    return { tensor, perm: through(perm, node.perm), flat: false };
  },
  slice(node, e) {
    const { tensor, perm } = e.unflattened(node.inputs[0]);
    const [start, step, count] = [node.start, node.step, node.count].map((list) => arranged(perm, list));
    const axes = identity(perm.length).filter((i) => count[i] !== tensor.shape[i] || step[i] !== 1);
    if (axes.length === 0) return { tensor, perm, flat: false };
    // Beyond the first element there is no index: any number below -size means that.
    const end = (i: number): number => {
      const at = start[i] + count[i] * step[i];
      return at < 0 ? -tensor.shape[i] - 1 : at;
    };
    const inputs = [start, identity(perm.length).map(end), identity(perm.length), step].map((list, i) =>
      e.build.int64s(
        `${node.id}/${['starts', 'ends', 'axes', 'steps'][i]}`,
        axes.map((axis) => list[axis]),
      ),
    );
    const shape = arranged(perm, node.count);
    return e.hold(node.id, e.move(tensor, 'Slice', `${node.id}/slice`, shape, inputs), perm);
  },
  gather(node, e) {
    const { tensor, perm } = e.unflattened(node.inputs[0]);
    const indices = [e.build.int64s(`${node.id}/indices`, node.indices)];
    const shape = arranged(perm, e.graph.values.get(node.id)!.shape);
    const attributes = { axis: perm[node.axis] };
    return e.hold(node.id, e.move(tensor, 'Gather', `${node.id}/gather`, shape, indices, attributes), perm);
  },
  pad(node, e) {
    const { tensor, perm } = e.unflattened(node.inputs[0]);
    const pairs = arranged(perm, node.pads);
    const amounts = [0, 1].flatMap((side) => pairs.map((pair) => pair[side]));
    const inputs = [
      e.real(tensor),
      e.build.int64s(`${node.id}/pads`, amounts),
      e.build.floats(`${node.id}/value`, [node.value], []),
    ];
    const real = e.build.node('Pad', `${node.id}/pad`, inputs);
    return e.result(node, real, arranged(perm, e.graph.values.get(node.id)!.shape), perm);
  },
  softmax(node, e) {
    const { tensor, perm } = e.unflattened(node.inputs[0]);
    let x = e.real(tensor);
    if (node.beta !== 1)
      x = e.build.node('Mul', `${node.id}/scaled`, [x, e.build.floats(`${node.id}/beta`, [node.beta], [])]);
    const real = e.build.node('Softmax', `${node.id}/softmax`, [x], { axis: perm[perm.length - 1] });
    return e.result(node, real, tensor.shape, perm);
  },
  quantize: (node, e) => elementwise(node, e, (x) => x),
  dequantize(node, e) {
    const { tensor, perm, flat } = e.view(node.inputs[0]);
    return e.result(node, e.dequantize(tensor), tensor.shape, perm, flat);
  },
};
