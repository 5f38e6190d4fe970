/**
 * Golden autograd cases of convolutions, pools, norms, resizing and indexing. The vectors are NCHW with OIHW filters;
 * permutations on the tape bring inputs, outputs and so gradients to and from NHWC and OHWI.
 */
import type { NDArray } from '../../src/core/index.js';
import type { Tensor } from '../../src/autograd/index.js';
import * as ops from '../../src/ops/index.js';
import { autogradCase, type Attrs, type Build, type Tensors } from './autogradCase.js';
import type { TopicRunner } from './common.js';

/** NCHW -> NHWC, OIHW -> OHWI. */
function toLast(x: Tensor): Tensor {
  return ops.permute(x, [0, 2, 3, 1]);
}

function toFirst(x: Tensor): Tensor {
  return ops.permute(x, [0, 3, 1, 2]);
}

/** A case with one image `x` and one image as its result. */
function image(f: (x: Tensor, attrs: Attrs) => Tensor): Build {
  return ({ x }, attrs) => toFirst(f(toLast(x), attrs));
}

/** Max pooling and its indices. */
function withIndices(
  pool: (x: Tensor, attrs: Attrs) => Tensor,
  argPool: (x: Tensor, attrs: Attrs) => Tensor,
): Build {
  return ({ x }, attrs) => ({
    y: toFirst(pool(toLast(x), attrs)),
    indices: toFirst(argPool(toLast(x), attrs)),
  });
}

function conv({ x, weight, bias }: Tensors, { stride, padding, dilation, groups }: Attrs): Tensor {
  return toFirst(ops.conv2d(toLast(x), toLast(weight), bias ?? null, { stride, padding, dilation, groups }));
}

function convTranspose({ x, weight, bias }: Tensors, attrs: Attrs): Tensor {
  const { stride, padding, dilation, groups } = attrs;
  const options = { stride, padding, dilation, groups, outputPadding: attrs['output_padding'] };
  return toFirst(ops.convTranspose2d(toLast(x), toLast(weight), bias ?? null, options));
}

function poolOptions(a: Attrs): ops.MaxPool2dOptions {
  const { kernel, stride, padding, dilation } = a;
  return { kernel, stride, padding, dilation, ceilMode: a['ceil_mode'] };
}

function batchNorm(inputs: Tensors, { training, momentum, eps }: Attrs): Record<string, Tensor | NDArray> {
  const { x, weight, bias } = inputs;
  const runningMean = inputs['running_mean'].value;
  const runningVar = inputs['running_var'].value;
  const norm = (t: Tensor): Tensor =>
    ops.batchNorm(t, weight, bias, { runningMean, runningVar, training, momentum, eps });
  const y = x.rank === 4 ? toFirst(norm(toLast(x))) : norm(x);
  return { y, new_running_mean: runningMean, new_running_var: runningVar };
}

function residualBlock({ x, w1, b1, w2, b2, wf }: Tensors): Tensor {
  const input = toLast(x);
  const h = ops.relu(ops.conv2d(input, toLast(w1), b1, { padding: 1 }));
  const sum = ops.add(ops.conv2d(h, toLast(w2), b2, { padding: 1 }), input);
  return ops.matmul(ops.mean(ops.relu(sum), { axes: [1, 2] }), ops.transpose(wf, 0, 1));
}

const builds: Record<string, Build> = {
  conv2d: conv,
  conv_transpose2d: convTranspose,
  max_pool2d: withIndices(
    (x, a) => ops.maxPool2d(x, poolOptions(a)),
    (x, a) => ops.argMaxPool2d(x, poolOptions(a)),
  ),
  avg_pool2d: image((x, a) => {
    const { kernel, stride, padding } = a;
    const countIncludePad = a['count_include_pad'] as boolean;
    return ops.avgPool2d(x, { kernel, stride, padding, ceilMode: a['ceil_mode'], countIncludePad });
  }),
  adaptive_avg_pool2d: image((x, a) => ops.adaptiveAvgPool2d(x, a['output_size'])),
  adaptive_max_pool2d: withIndices(
    (x, a) => ops.adaptiveMaxPool2d(x, a['output_size']),
    (x, a) => ops.argAdaptiveMaxPool2d(x, a['output_size']),
  ),
  upsample_nearest2d: image((x, { size }) => ops.upsampleNearest2d(x, { size })),
  upsample_bilinear2d: image((x, a) =>
    ops.upsampleBilinear2d(x, { size: a['size'], alignCorners: a['align_corners'] }),
  ),
  batch_norm: batchNorm,
  layer_norm: ({ x, weight, bias }, a) =>
    ops.layerNorm(x, {
      normalizedShape: a['normalized_shape'],
      weight: weight ?? null,
      bias: bias ?? null,
      eps: a['eps'],
    }),
  group_norm: ({ x, weight, bias }, { groups, eps }) =>
    toFirst(ops.groupNorm(toLast(x), { groups, weight: weight ?? null, bias: bias ?? null, eps })),
  embedding: ({ indices, weight }, a) => ops.embedding(indices, weight, { paddingIdx: a['padding_idx'] }),
  gather: ({ x, index }, { axis }) => ops.gather(x, index, { axis }),
  index_select: ({ x, index }, { axis }) => ops.indexSelect(x, index, { axis }),
  slice: ({ x }, { ranges }) => ops.slice(x, ranges),
  cat: (inputs, { axis, order }) =>
    ops.cat(
      (order as string[]).map((name) => inputs[name]),
      { axis },
    ),
  stack: (inputs, { axis, order }) =>
    ops.stack(
      (order as string[]).map((name) => inputs[name]),
      { axis },
    ),
  pad_constant: ({ x }, { pads, value }) => ops.padConstant(x, pads, value),
  pad_reflect2d: image((x, a) => {
    const [left, right, top, bottom] = a['ltrb_as_torch'] as number[];
    return ops.padReflect2d(x, [top, bottom, left, right]);
  }),
  graph_resblock: residualBlock,
};

export const spatial: TopicRunner = Object.fromEntries(
  Object.entries(builds).map(([op, build]) => [op, autogradCase(build)]),
);
