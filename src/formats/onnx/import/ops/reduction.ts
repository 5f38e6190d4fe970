/** Reductions over axes, softmax, and normalisations: batch norm as itself, the others of the ops that they are made of. */
import { invertPerm, sizeOf } from '../../../../core/index.js';
import { isConstant, type Call, type Operand } from '../call.js';
import { reduceConstant, type Reduction } from '../constants.js';
import type { Network } from '../network.js';
import type { Importer, Importers } from './types.js';

const PRODUCT = 'prod';

function reduced(
  call: Call,
  net: Network,
  x: Operand,
  fn: Reduction,
  axes: readonly number[],
  keepdim: boolean,
): Operand {
  if (isConstant(x)) {
    net.allowance.work(x.data.length);
    return reduceConstant(net.allowance, x, fn, axes, keepdim);
  }
  if (fn === PRODUCT) return call.refuse('is supported on constants only');
  return net.reduce(fn, x, axes, keepdim);
}

/** Axes and keepdims of a reduction; null where nothing is to be done. */
function axesOf(call: Call, net: Network, since: number): { axes: number[]; keepdim: boolean } | null {
  const rank = net.rank(call.operand(0));
  const keepdim = call.flag('keepdims', true);
  const given = call.opset < since ? call.ints('axes') : call.list(1, 'axes');
  const noop = call.flag('noop_with_empty_axes');
  if (given === null || given.length === 0)
    return noop ? null : { axes: Array.from({ length: rank }, (_, i) => i), keepdim };
  return { axes: call.axes(given, rank), keepdim };
}

/** `before` of each element, a reduction, `after` of the results. */
function reduction(
  fn: Reduction,
  options: {
    since?: number;
    before?: (net: Network, x: Operand) => Operand;
    after?: (net: Network, x: Operand) => Operand;
  } = {},
): Importer {
  const { since = 18, before = (_, x) => x, after = (_, x) => x } = options;
  return (call, net) => {
    const x = call.operand(0);
    const plan = axesOf(call, net, since);
    if (plan === null) return [x];
    const terms = before(net, x);
    return [
      after(net, plan.axes.length === 0 ? terms : reduced(call, net, terms, fn, plan.axes, plan.keepdim)),
    ];
  };
}

const abs = (net: Network, x: Operand): Operand => net.function('abs', x, 0, 0, 'abs');
const square = (net: Network, x: Operand): Operand => net.function('pow', x, 2, 0, 'square');
const sqrt = (net: Network, x: Operand): Operand => net.function('sqrt', x, 0, 0, 'sqrt');
const log = (net: Network, x: Operand): Operand => net.function('log', x, 0, 0, 'log');

/** x - max(x), and log(sum(exp(x - max))) of it, over `axes`: nothing overflows. */
function logSumExp(net: Network, x: Operand, axes: readonly number[]) {
  const max = net.reduce('max', x, axes, true, 'max');
  const centred = net.binary('Sub', x, max, 'centred');
  const total = net.reduce('sum', net.function('exp', centred, 0, 0, 'exp'), axes, true, 'sum');
  return { max, centred, log: log(net, total) };
}

const reduceLogSumExp: Importer = (call, net) => {
  const x = call.operand(0);
  const plan = axesOf(call, net, 18);
  if (plan === null || plan.axes.length === 0) return [x];
  const parts = logSumExp(net, x, plan.axes);
  const y = net.binary('Add', parts.log, parts.max);
  return [
    plan.keepdim
      ? y
      : net.reshape(
          y,
          net.shape(y).filter((_, i) => !plan.axes.includes(i)),
        ),
  ];
};

/** Up to operator set 12 all axes from `axis` on are one, afterwards it is that axis alone. */
const overRow =
  (f: (net: Network, x: Operand) => Operand): Importer =>
  (call, net) => {
    const x = call.operand(0);
    const shape = net.shape(x);
    const axis = call.axis(call.int('axis', call.opset < 13 ? 1 : -1), shape.length);
    const last = shape.length - 1;
    if (axis === last) return [f(net, x)];
    if (call.opset < 13) {
      const row = net.reshape(x, [...shape.slice(0, axis), sizeOf(shape.slice(axis))]);
      return [net.reshape(f(net, row), shape)];
    }
    // The others keep their order, so that channels of images end up where NHWC has them.
    const perm = [...shape.keys()].filter((i) => i !== axis).concat(axis);
    return [net.transpose(f(net, net.transpose(x, perm)), invertPerm(perm))];
  };

const softmax = overRow((net, x) => net.node({ op: 'softmax', inputs: [net.value(x)], beta: 1 }));
const logSoftmax = overRow((net, x) => {
  const { centred, log } = logSumExp(net, x, [net.rank(x) - 1]);
  return net.binary('Sub', centred, log);
});

const batchNormalization: Importer = (call, net) => {
  const x = call.operand(0);
  if (call.flag('training_mode')) call.refuse('is exported in training mode; export in evaluation mode');
  if (!call.flag('spatial', true)) call.refuse('spatial = 0 is not supported');
  const eps = call.float('epsilon', 1e-5);
  const momentum = 1 - call.float('momentum', 0.9);
  const rank = net.rank(x);
  const channels = net.shape(x)[1] ?? call.invalid('normalises a value without channels');
  const [gamma, beta, mean, variance] = ['gamma', 'beta', 'mean', 'variance'].map((part, i) => {
    const constant = call.required(i + 1, part);
    if (sizeOf(constant.dims) !== channels)
      call.invalid(`its ${part} has ${sizeOf(constant.dims)} values for ${channels} channels`);
    return net.param(part, constant);
  });
  const draft = { op: 'batchNorm', gamma, beta, mean, variance, eps, momentum } as const;
  const emit = (value: Operand): string => net.node({ ...draft, inputs: [net.value(value)] });
  if (rank === 4) return [net.image(x, emit)];
  const order = Array.from({ length: rank }, (_, i) => i);
  const last = [0, ...order.slice(2), 1];
  return [net.transpose(emit(net.transpose(x, last)), [0, rank - 1, ...order.slice(1, rank - 1)])];
};

/** (x - mean) / sqrt(variance + eps) over `axes`. */
function normalized(net: Network, x: Operand, axes: readonly number[], eps: number) {
  const mean = net.reduce('mean', x, axes, true, 'mean');
  const centred = net.binary('Sub', x, mean, 'centred');
  const variance = net.reduce('mean', square(net, centred), axes, true, 'variance');
  const deviation = sqrt(net, net.binary('Add', variance, net.float(eps, net.rank(x)), 'eps'));
  return { mean, deviation, y: net.binary('Div', centred, deviation, 'normalized') };
}

const layerNormalization: Importer = (call, net) => {
  call.ignore('stash_type');
  const x = call.operand(0);
  const rank = net.rank(x);
  const first = call.axis(call.int('axis', -1), rank);
  const axes = Array.from({ length: rank - first }, (_, i) => first + i);
  const { y, mean, deviation } = normalized(net, x, axes, call.float('epsilon', 1e-5));
  const scaled = net.binary('Mul', y, call.operand(1), 'scaled');
  const results: Operand[] = [call.given(2) ? net.binary('Add', scaled, call.operand(2)) : scaled];
  if (call.node.outputs.length > 1) results.push(mean, net.function('pow', deviation, -1, 0, 'inverse'));
  return results;
};

const instanceNormalization: Importer = (call, net) => {
  const x = call.operand(0);
  const shape = net.shape(x);
  const axes = shape.flatMap((_, i) => (i < 2 ? [] : [i]));
  const perChannel = (i: number): Operand =>
    net.reshape(call.operand(i), [1, shape[1], ...axes.map(() => 1)]);
  const { y } = normalized(net, x, axes, call.float('epsilon', 1e-5));
  return [net.binary('Add', net.binary('Mul', y, perChannel(1), 'scaled'), perChannel(2))];
};

export const REDUCTION: Importers = {
  ReduceMean: reduction('mean'),
  ReduceSum: reduction('sum', { since: 13 }),
  ReduceMax: reduction('max'),
  ReduceMin: reduction('min'),
  ReduceProd: reduction('prod'),
  ReduceL1: reduction('sum', { before: abs }),
  ReduceL2: reduction('sum', { before: square, after: sqrt }),
  ReduceSumSquare: reduction('sum', { before: square }),
  ReduceLogSum: reduction('sum', { after: log }),
  ReduceLogSumExp: reduceLogSumExp,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  InstanceNormalization: instanceNormalization,
};
