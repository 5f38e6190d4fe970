/** Runner of topic `autograd`: values and gradients of ops against PyTorch. */
import * as ops from '../../src/ops/index.js';
import type { Tensor } from '../../src/autograd/index.js';
import { spatial } from './autogradSpatial.js';
import { autogradCase, type Build } from './autogradCase.js';
import type { TopicRunner } from './common.js';

const { add, div, linear, matmul, mul, permute, reshape, softmax, square, sub } = ops;

/** The vectors have the classes on axis 1, the library on the last. */
function classesLast(x: Tensor): Tensor {
  return permute(x, [0, ...x.shape.map((_, i) => i).slice(2), 1]);
}

const builders: Record<string, Build> = {
  // elementwise
  add: ({ a, b }) => ops.add(a, b),
  sub: ({ a, b }) => ops.sub(a, b),
  mul: ({ a, b }) => ops.mul(a, b),
  div: ({ a, b }) => ops.div(a, b),
  maximum: ({ a, b }) => ops.maximum(a, b),
  minimum: ({ a, b }) => ops.minimum(a, b),
  pow_scalar: ({ x }, { exponent }) => ops.powScalar(x, exponent),
  neg: ({ x }) => ops.neg(x),
  abs: ({ x }) => ops.abs(x),
  exp: ({ x }) => ops.exp(x),
  log: ({ x }) => ops.log(x),
  sqrt: ({ x }) => ops.sqrt(x),
  square: ({ x }) => ops.square(x),
  clamp: ({ x }, { min, max }) =>
    ops.clamp(x, { ...(min !== null && { min }), ...(max !== null && { max }) }),
  relu: ({ x }) => ops.relu(x),
  relu6: ({ x }) => ops.relu6(x),
  leaky_relu: ({ x }, { negative_slope: negativeSlope }) => ops.leakyRelu(x, { negativeSlope }),
  elu: ({ x }, { alpha }) => ops.elu(x, { alpha }),
  silu: ({ x }) => ops.silu(x),
  hardswish: ({ x }) => ops.hardswish(x),
  hardsigmoid: ({ x }) => ops.hardsigmoid(x),
  gelu: ({ x }, { approximate }) => ops.gelu(x, { approximate }),
  sigmoid: ({ x }) => ops.sigmoid(x),
  tanh: ({ x }) => ops.tanh(x),
  softplus: ({ x }) => ops.softplus(x),
  where: ({ cond, a, b }) => ops.where(cond, a, b),
  dropout_with_mask: ({ x, mask }, { p }) => ops.dropoutWithMask(x, mask, { p }),

  // linear algebra
  matmul: ({ a, b }) => ops.matmul(a, b),
  linear: ({ x, weight, bias }) => ops.linear(x, weight, bias ?? null),

  // softmax family and losses
  softmax: ({ x }, { axis }) => ops.softmax(x, { axis }),
  log_softmax: ({ x }, { axis }) => ops.logSoftmax(x, { axis }),
  logsumexp: ({ x }, { axis, keepdim }) => ops.logsumexp(x, { axis, keepdim }),
  cross_entropy: ({ x, target, class_weight }, a) =>
    ops.crossEntropy(classesLast(x), target, {
      classWeight: class_weight ?? null,
      ignoreIndex: a['ignore_index'],
      reduction: a['reduction'],
      labelSmoothing: a['label_smoothing'],
    }),
  nll_loss: ({ x, target }, { ignore_index: ignoreIndex, reduction }) =>
    ops.nllLoss(classesLast(x), target, { ignoreIndex, reduction }),
  bce_with_logits: ({ x, target }, { reduction }) => ops.bceWithLogits(x, target, { reduction }),
  mse_loss: ({ x, target }, { reduction }) => ops.mseLoss(x, target, { reduction }),
  l1_loss: ({ x, target }, { reduction }) => ops.l1Loss(x, target, { reduction }),
  smooth_l1_loss: ({ x, target }, { reduction, beta }) => ops.smoothL1Loss(x, target, { reduction, beta }),
  huber_loss: ({ x, target }, { reduction, delta }) => ops.huberLoss(x, target, { reduction, delta }),
  kl_div: ({ x, target }, { reduction, log_target: logTarget }) =>
    ops.klDiv(x, target, { reduction, logTarget }),
  distillation_loss: ({ student, teacher, target }, { temperature, alpha }) =>
    ops.distillationLoss(student, teacher, target, { temperature, alpha }),

  // reductions
  sum: ({ x }, { axes, keepdim }) => ops.sum(x, { axes, keepdim }),
  mean: ({ x }, { axes, keepdim }) => ops.mean(x, { axes, keepdim }),
  var: ({ x }, { axes, unbiased, keepdim }) => ops.variance(x, { axes, unbiased, keepdim }),
  amax: ({ x }, { axes, keepdim }) => ops.amax(x, { axes, keepdim }),
  amin: ({ x }, { axes, keepdim }) => ops.amin(x, { axes, keepdim }),
  max_axis: ({ x }, { axis, keepdim }) => {
    const { values, indices } = ops.max(x, { axis, keepdim });
    return { y: values, indices };
  },
  cumsum: ({ x }, { axis }) => ops.cumsum(x, { axis }),

  // shape
  reshape: ({ x }, { shape }) => ops.reshape(x, shape),
  permute: ({ x }, { perm }) => ops.permute(x, perm),
  expand: ({ x }, { shape }) => ops.expand(x, shape),

  // graphs
  graph_reuse: ({ x, y }) => sub(mul(ops.tanh(add(mul(x, y), x)), x), div(square(y), add(1.5, square(x)))),
  graph_detach: ({ x, y }) => add(mul(x, mul(x, y).detach()), y),
  graph_mlp_ce: ({ x, w1, b1, w2, b2, target }) =>
    ops.crossEntropy(linear(ops.gelu(linear(x, w1, b1)), w2, b2), target),
  graph_attention: ({ x, w_qkv, b_qkv, w_o, b_o }, { heads }) => {
    const [batch, length, channels] = x.shape;
    const width = channels / heads;
    const qkv = permute(reshape(linear(x, w_qkv, b_qkv), [batch, length, 3, heads, width]), [2, 0, 3, 1, 4]);
    const [q, k, v] = [0, 1, 2].map((i) => ops.select(qkv, 0, i));
    const scores = softmax(div(matmul(q, ops.transpose(k)), Math.sqrt(width)));
    const mixed = reshape(permute(matmul(scores, v), [0, 2, 1, 3]), [batch, length, channels]);
    return linear(mixed, w_o, b_o);
  },
};

export const autograd: TopicRunner = {
  ...Object.fromEntries(Object.entries(builders).map(([op, build]) => [op, autogradCase(build)])),
  ...spatial,
};
