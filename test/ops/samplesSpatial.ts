/** Samples of convolutions, pools, norms, resizing and indexing. */
import { NDArray } from '../../src/core/index.js';
import type { Tensor } from '../../src/autograd/index.js';
import * as ops from '../../src/ops/index.js';
import { int32, leaf, sample, type Sample, type Samples } from './sample.js';

const INDICES = { unchecked: 'indices have no gradient' };

type WithOptions<O> = (x: Tensor, weight: Tensor, bias: Tensor | null, options: O) => Tensor;

/** With a bias, and without one. */
function conv<O>(f: WithOptions<O>, x: number[], weight: number[], out: number, options: O): Sample[] {
  return [
    sample([leaf(x), leaf(weight), leaf([out])], (x, w, b) => f(x, w, b, options)),
    sample([leaf(x), leaf(weight)], (x, w) => f(x, w, null, options)),
  ];
}

const WINDOWS: ops.MaxPool2dOptions[] = [
  { kernel: 2 },
  { kernel: [2, 3], stride: [1, 2] },
  { kernel: 3, stride: 2, padding: 1 },
  { kernel: 2, stride: 1, padding: [0, 1, 1, 0] },
  { kernel: 2, ceilMode: true },
];

function image(f: (x: Tensor) => Tensor, shape: number[] = [2, 5, 4, 3]): Sample {
  return sample([leaf(shape)], f);
}

function batchNorm(shape: number[], training: boolean): Sample {
  const channels = shape[shape.length - 1];
  const options = {
    runningMean: NDArray.full([channels], 0.3, 'float64'),
    runningVar: NDArray.full([channels], 1.7, 'float64'),
    training,
  };
  return sample([leaf(shape), leaf([channels]), leaf([channels])], (x, w, b) =>
    ops.batchNorm(x, w, b, options),
  );
}

export const samplesSpatial = {
  conv2d: [
    ...conv(ops.conv2d, [2, 4, 5, 2], [3, 3, 3, 2], 3, {}),
    ...conv(ops.conv2d, [1, 5, 6, 2], [2, 3, 2, 2], 2, { stride: [2, 1] }),
    ...conv(ops.conv2d, [1, 4, 4, 2], [2, 3, 3, 2], 2, { padding: 1 }),
    ...conv(ops.conv2d, [1, 5, 5, 2], [3, 3, 3, 2], 3, { stride: 2, padding: [0, 1, 1, 2] }),
    ...conv(ops.conv2d, [1, 6, 7, 1], [2, 2, 3, 1], 2, { dilation: [3, 2], padding: [1, 0] }),
    ...conv(ops.conv2d, [1, 4, 4, 4], [6, 3, 3, 2], 6, { groups: 2, padding: 1 }),
    ...conv(ops.conv2d, [2, 4, 4, 3], [3, 3, 3, 1], 3, { groups: 3, padding: 1 }),
    ...conv(ops.conv2d, [1, 5, 5, 2], [6, 3, 3, 1], 6, { groups: 2, stride: 2, padding: 1, dilation: 2 }),
    ...conv(ops.conv2d, [2, 3, 3, 4], [2, 1, 1, 4], 2, {}),
  ],
  convTranspose2d: [
    ...conv(ops.convTranspose2d, [2, 3, 4, 2], [2, 3, 3, 3], 3, {}),
    ...conv(ops.convTranspose2d, [1, 3, 3, 2], [2, 3, 3, 2], 2, { stride: 2, padding: 1, outputPadding: 1 }),
    ...conv(ops.convTranspose2d, [1, 3, 4, 4], [4, 2, 3, 1], 2, {
      stride: [2, 1],
      padding: [0, 1, 2, 0],
      dilation: [1, 2],
      groups: 2,
    }),
  ],
  maxPool2d: [...WINDOWS, { kernel: 2, dilation: 2, stride: 1 }].map((o) =>
    image((x) => ops.maxPool2d(x, o)),
  ),
  argMaxPool2d: INDICES,
  avgPool2d: WINDOWS.flatMap((o) =>
    [true, false].map((countIncludePad) => image((x) => ops.avgPool2d(x, { ...o, countIncludePad }))),
  ),
  adaptiveAvgPool2d: ([1, [3, 2], [7, 4]] as const).map((size) =>
    image((x) => ops.adaptiveAvgPool2d(x, size)),
  ),
  adaptiveMaxPool2d: ([1, [3, 2], [7, 4]] as const).map((size) =>
    image((x) => ops.adaptiveMaxPool2d(x, size)),
  ),
  argAdaptiveMaxPool2d: INDICES,
  upsampleNearest2d: [
    image((x) => ops.upsampleNearest2d(x, { scale: 2 })),
    image((x) => ops.upsampleNearest2d(x, { size: [7, 3] })),
  ],
  upsampleBilinear2d: [true, false].flatMap((alignCorners) => [
    image((x) => ops.upsampleBilinear2d(x, { scale: 2, alignCorners })),
    image((x) => ops.upsampleBilinear2d(x, { size: [3, 7], alignCorners })),
    image((x) => ops.upsampleBilinear2d(x, { size: 1, alignCorners })),
  ]),
  batchNorm: [
    batchNorm([5, 3], true),
    batchNorm([2, 3, 3, 2], true),
    batchNorm([5, 3], false),
    batchNorm([2, 3, 3, 2], false),
  ],
  layerNorm: [
    sample([leaf([2, 3, 4]), leaf([4]), leaf([4])], (x, weight, bias) =>
      ops.layerNorm(x, { normalizedShape: 4, weight, bias }),
    ),
    sample([leaf([2, 3, 4]), leaf([3, 4])], (x, weight) =>
      ops.layerNorm(x, { normalizedShape: [3, 4], weight }),
    ),
    sample([leaf([3, 5])], (x) => ops.layerNorm(x, { normalizedShape: [5], eps: 1e-2 })),
  ],
  groupNorm: [
    sample([leaf([2, 3, 2, 4]), leaf([4]), leaf([4])], (x, weight, bias) =>
      ops.groupNorm(x, { groups: 2, weight, bias }),
    ),
    sample([leaf([2, 5, 3]), leaf([3])], (x, weight) => ops.groupNorm(x, { groups: 3, weight })),
    sample([leaf([2, 3, 3, 2])], (x) => ops.groupNorm(x, { groups: 1 })),
  ],
  embedding: [
    sample([int32([1, 0, 3, 1], [2, 2]), leaf([4, 3])], (i, w) => ops.embedding(i, w)),
    sample([int32([2, 2, 2]), leaf([4, 3])], (i, w) => ops.embedding(i, w)),
  ],
  gather: [
    sample([leaf([3, 4]), int32([3, 3, 0, 1, 2, 0], [2, 3])], (x, i) => ops.gather(x, i, { axis: 1 })),
    sample([leaf([3, 2, 2]), int32([2, 0, 1, 1], [2, 1, 2])], (x, i) => ops.gather(x, i, { axis: 0 })),
  ],
  indexSelect: [0, 1, -1].map((axis) =>
    sample([leaf([3, 4, 2]), int32([1, 0, 1])], (x, i) => ops.indexSelect(x, i, { axis })),
  ),
  slice: [
    sample([leaf([5, 4])], (x) => ops.slice(x, [[1, 5, 2]])),
    sample([leaf([5, 4, 2])], (x) =>
      ops.slice(x, [
        [null, null, -2],
        [-3, -1],
      ]),
    ),
  ],
  select: [0, 1, -1].map((axis) => sample([leaf([3, 2, 2])], (x) => ops.select(x, axis, -1))),
  cat: [0, 1, -1].map((axis) =>
    sample([leaf([2, 3, 2]), leaf([2, 3, 2])], (a, b) => ops.cat([a, b, a], { axis })),
  ),
  stack: [0, 1, -1].map((axis) =>
    sample([leaf([2, 3]), leaf([2, 3])], (a, b) => ops.stack([a, b, a], { axis })),
  ),
  padConstant: [
    sample([leaf([2, 3])], (x) =>
      ops.padConstant(x, [
        [1, 0],
        [2, 1],
      ]),
    ),
  ],
  padReflect2d: [image((x) => ops.padReflect2d(x, [2, 1, 0, 3]))],
} satisfies Partial<Samples>;
