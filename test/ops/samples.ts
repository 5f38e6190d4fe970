/** Samples of every op. A new op does not compile here until it has some. */
import { Random } from '../../src/core/index.js';
import type { Tensor } from '../../src/autograd/index.js';
import * as ops from '../../src/ops/index.js';
import { constant, int32, labels, leaf, sample, uint8, type Sample, type Samples } from './sample.js';
import { samplesSpatial } from './samplesSpatial.js';

const ROUNDING = {
  unchecked: 'a rounding has slope 0 or none; its straight-through gradient has tests of its own',
};
const INDICES = { unchecked: 'indices have no gradient' };

function unary(f: (x: Tensor) => Tensor, low = -2, high = 2): Sample[] {
  return [sample([leaf([3, 4], low, high)], f), sample([leaf([], low, high)], f)];
}

/** Left, top, right and bottom of boxes whose corners lie around (low, low) and (high, high), some of them far off. */
function boxes(low: number, high: number): Tensor {
  const rows = leaf([6, 4], -0.2, 0.2);
  for (let i = 0; i < rows.size; i++) rows.data[i] += (i % 4 < 2 ? low : high) + (i < 8 ? 3 * low : 0);
  return rows;
}

/** Equal shapes, a scalar, a row, a column, both ways, and a number on either side. */
function binary(f: (a: Tensor | number, b: Tensor | number) => Tensor, low = 0.5, high = 2): Sample[] {
  const broadcasts = [
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3], []],
    [[2, 3, 2], [2]],
    [
      [2, 3],
      [2, 1],
    ],
    [
      [3, 1, 2],
      [2, 1, 3, 1],
    ],
  ];
  return [
    ...broadcasts.map(([a, b]) => sample([leaf(a, low, high), leaf(b, low, high)], f)),
    sample([leaf([3], low, high)], (x) => f(x, 1.25)),
    sample([leaf([3], low, high)], (x) => f(1.25, x)),
  ];
}

function reduction(f: (x: Tensor, options: ops.ReduceOptions) => Tensor): Sample[] {
  const options: ops.ReduceOptions[] = [
    {},
    { axes: [1] },
    { axes: [-1], keepdim: true },
    { axes: [0, 2] },
    { axes: [] },
  ];
  return options.map((o) => sample([leaf([2, 3, 4])], (x) => f(x, o)));
}

function alongAxis(f: (x: Tensor, axis: number) => Tensor): Sample[] {
  return [0, 1, -1].map((axis) => sample([leaf([2, 3, 4])], (x) => f(x, axis)));
}

function pointwise(
  f: (x: Tensor, t: Tensor, reduction: ops.Reduction) => Tensor,
  low = -2,
  high = 2,
): Sample[] {
  return (['mean', 'sum', 'none'] as const).map((reduction) =>
    sample([leaf([3, 4]), leaf([3, 4], low, high)], (x, t) => f(x, t, reduction)),
  );
}

const target = int32([2, 0, -100, 1, 2]);
const teacher = constant([5, 3]);

export const samples: Samples = {
  ...samplesSpatial,

  add: binary(ops.add),
  sub: binary(ops.sub),
  mul: binary(ops.mul),
  div: binary(ops.div),
  maximum: binary(ops.maximum),
  minimum: binary(ops.minimum),
  powScalar: [2, 2.5, -1, 0.5, 0].flatMap((e) => unary((x) => ops.powScalar(x, e), 0.5, 2)),
  neg: unary(ops.neg),
  abs: unary(ops.abs),
  exp: unary(ops.exp),
  log: unary(ops.log, 0.5, 3),
  sqrt: unary(ops.sqrt, 0.5, 3),
  square: unary(ops.square),
  clamp: [{ min: -1, max: 1 }, { min: 0.25 }, { max: -0.25 }].flatMap((b) => unary((x) => ops.clamp(x, b))),
  clampLearned: [
    sample([leaf([5, 4]), leaf([1], -1, -0.5), leaf([1], 0.5, 1)], ops.clampLearned),
    sample([leaf([8]), leaf([], -1, -0.5), leaf([], 0.5, 1)], ops.clampLearned),
  ],
  relu: unary(ops.relu),
  relu6: unary(ops.relu6, -3, 9),
  leakyRelu: unary((x) => ops.leakyRelu(x, { negativeSlope: 0.2 })),
  elu: unary((x) => ops.elu(x, { alpha: 1.5 })),
  silu: unary(ops.silu, -5, 5),
  hardswish: unary(ops.hardswish, -5, 5),
  hardsigmoid: unary(ops.hardsigmoid, -5, 5),
  sigmoid: unary(ops.sigmoid, -5, 5),
  tanh: unary(ops.tanh),
  atan: unary(ops.atan, -5, 5),
  softplus: [...unary(ops.softplus), ...unary(ops.softplus, 18, 24)],
  gelu: (['none', 'tanh'] as const).flatMap((approximate) =>
    unary((x) => ops.gelu(x, { approximate }), -4, 4),
  ),
  where: [
    sample([uint8([1, 0, 0, 1, 1, 0], [2, 3]), leaf([2, 3]), leaf([3])], ops.where),
    sample([uint8([1, 0, 1]), leaf([2, 1]), leaf([])], ops.where),
  ],
  dropout: [
    sample([leaf([4, 5])], (x) => ops.dropout(x, { p: 0.4, training: true, random: new Random(1) })),
    sample([leaf([4])], (x) => ops.dropout(x, { p: 0.4, training: false })),
  ],
  dropoutWithMask: [
    sample([leaf([2, 3]), uint8([1, 0, 0, 1, 1, 0], [2, 3])], (x, mask) =>
      ops.dropoutWithMask(x, mask, { p: 0.3 }),
    ),
  ],

  matmul: [
    sample([leaf([2, 3]), leaf([3, 4])], ops.matmul),
    sample([leaf([2, 2, 3]), leaf([2, 3, 2])], ops.matmul),
    sample([leaf([2, 1, 2, 3]), leaf([2, 3, 2])], ops.matmul),
    sample([leaf([2, 2, 3]), leaf([3, 2])], ops.matmul),
    sample([leaf([2, 3]), leaf([2, 3, 2])], ops.matmul),
    sample([leaf([3]), leaf([3, 2])], ops.matmul),
    sample([leaf([3]), leaf([2, 3, 2])], ops.matmul),
    sample([leaf([2, 2, 3]), leaf([3])], ops.matmul),
    sample([leaf([3]), leaf([3])], ops.matmul),
  ],
  linear: [
    sample([leaf([4, 3]), leaf([2, 3]), leaf([2])], ops.linear),
    sample([leaf([2, 2, 3]), leaf([2, 3])], (x, w) => ops.linear(x, w, null)),
    sample([leaf([3]), leaf([2, 3]), leaf([2])], ops.linear),
  ],

  softmax: alongAxis((x, axis) => ops.softmax(x, { axis })),
  logSoftmax: alongAxis((x, axis) => ops.logSoftmax(x, { axis })),
  logsumexp: [
    ...alongAxis((x, axis) => ops.logsumexp(x, { axis })),
    ...alongAxis((x, axis) => ops.logsumexp(x, { axis, keepdim: true })),
  ],

  crossEntropy: (['mean', 'sum', 'none'] as const).flatMap((reduction) =>
    [0, 0.2].flatMap((labelSmoothing) =>
      [null, constant([3], 0.2, 2)].map((classWeight) =>
        sample([leaf([5, 3])], (x) =>
          ops.crossEntropy(x, target, { classWeight, reduction, labelSmoothing }),
        ),
      ),
    ),
  ),
  nllLoss: (['mean', 'sum', 'none'] as const).flatMap((reduction) =>
    [null, constant([3], 0.2, 2)].map((classWeight) =>
      sample([leaf([2, 2, 3]), labels([2, 2], 3)], (x, t) => ops.nllLoss(x, t, { classWeight, reduction })),
    ),
  ),
  bceWithLogits: pointwise((x, t, reduction) => ops.bceWithLogits(x, t, { reduction }), 0, 1),
  sigmoidFocalLoss: [
    [0.25, 2],
    [0.7, 1.5],
  ].flatMap(([alpha, gamma]) =>
    pointwise((x, t, reduction) => ops.sigmoidFocalLoss(x, t, { alpha, gamma, reduction }), 0, 1),
  ),
  mseLoss: pointwise((x, t, reduction) => ops.mseLoss(x, t, { reduction })),
  l1Loss: pointwise((x, t, reduction) => ops.l1Loss(x, t, { reduction })),
  smoothL1Loss: [0, 1].flatMap((beta) =>
    pointwise((x, t, reduction) => ops.smoothL1Loss(x, t, { reduction, beta })),
  ),
  huberLoss: pointwise((x, t, reduction) => ops.huberLoss(x, t, { reduction, delta: 0.7 })),
  klDiv: [
    ...pointwise((x, t, reduction) => ops.klDiv(x, t, { reduction }), 0.1, 0.9),
    ...pointwise((x, t, reduction) => ops.klDiv(x, t, { reduction, logTarget: true })),
    sample([leaf([3, 4]), leaf([3, 4], 0.1, 0.9)], (x, t) => ops.klDiv(x, t, { reduction: 'batchmean' })),
  ],

  sum: reduction(ops.sum),
  mean: reduction(ops.mean),
  amax: reduction(ops.amax),
  amin: reduction(ops.amin),
  max: alongAxis((x, axis) => ops.max(x, { axis }).values),
  min: alongAxis((x, axis) => ops.min(x, { axis, keepdim: true }).values),
  argmax: INDICES,
  argmin: INDICES,
  cumsum: alongAxis((x, axis) => ops.cumsum(x, { axis })),

  reshape: [
    sample([leaf([2, 3, 2])], (x) => ops.reshape(x, [3, -1])),
    sample([leaf([2, 3, 2])], (x) => ops.flatten(x)),
    sample([leaf([2, 1, 2])], (x) => ops.unsqueeze(ops.squeeze(x, 1), -1)),
  ],
  permute: [
    sample([leaf([2, 3, 4])], (x) => ops.permute(x, [2, 0, 1])),
    sample([leaf([2, 3, 4])], (x) => ops.transpose(x, 0, -1)),
  ],
  expand: [sample([leaf([3, 1])], (x) => ops.expand(x, [2, -1, 4]))],

  fakeQuantize: ROUNDING,
  fakeQuantizeLearned: ROUNDING,
  straightThrough: ROUNDING,
};

/** Compositions, which have no op of their own. */
export const compositions: Readonly<Record<string, readonly Sample[]>> = {
  variance: [true, false].flatMap((unbiased) =>
    [[0], [1, 2], null].map((axes) => sample([leaf([2, 3, 4])], (x) => ops.variance(x, { axes, unbiased }))),
  ),
  distillationLoss: [
    sample([leaf([5, 3])], (x) => ops.distillationLoss(x, teacher, target, { temperature: 3, alpha: 0.6 })),
  ],
  // boxes that overlap, lie inside one another, and lie apart
  ciouLoss: (['mean', 'sum', 'none'] as const).map((reduction) =>
    sample([boxes(0, 1), boxes(0.4, 1.6)], (x, y) => ops.ciouLoss(x, y, { reduction })),
  ),
  'shared subexpressions': [
    sample([leaf([2, 3]), leaf([3])], (x, y) => {
      const p = ops.mul(x, y);
      return ops.add(ops.mul(p, p), ops.div(p, ops.add(1.5, ops.square(x))));
    }),
  ],
};
