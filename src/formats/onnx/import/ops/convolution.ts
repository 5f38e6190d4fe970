/** Conv and ConvTranspose: filters to [out, height, width, in / groups], images to NHWC. */
import { sizeOf } from '../../../../core/index.js';
import type { NodeDraft, Pair, ValueId } from '../../../../graph/index.js';
import type { Call } from '../call.js';
import { permuteConstant, withDims, type Constant } from '../constants.js';
import type { Network } from '../network.js';
import { extent, pair, paddingFor, readWindow } from '../window.js';
import type { Importer, Importers } from './types.js';

/** Filters of sequences [out, in, length] as those of images of one row. */
function filters(call: Call, i: number, rank: number): Constant {
  const w = call.required(i, 'weight');
  if (rank !== 3 && rank !== 4)
    call.refuse(
      `works on values of rank ${rank}; images [n, c, h, w] and sequences [n, c, l] are supported, 3-D networks are not`,
    );
  if (w.dims.length !== rank || sizeOf(w.dims) === 0)
    call.invalid(`weights [${w.dims.join(', ')}] do not fit an input of rank ${rank}`);
  if (rank === 4) return w;
  return withDims(w, [w.dims[0], w.dims[1], 1, w.dims[2]]);
}

function biasOf(call: Call, net: Network, i: number, channels: number): string | null {
  const bias = call.constant(i, 'bias');
  if (bias === null) return null;
  if (sizeOf(bias.dims) !== channels)
    call.invalid(`has ${sizeOf(bias.dims)} biases for ${channels} channels`);
  return net.param('bias', withDims(bias, [channels]));
}

const layer = { batchNorm: null, activation: 'none' } as const;

const conv: Importer = (call, net) => {
  const x = call.operand(0);
  const rank = net.rank(x);
  const w = filters(call, 1, rank);
  const window = readWindow(call, rank, w.dims.slice(rank === 3 ? 3 : 2));
  const groups = call.int('group', 1);
  const moved = net.transpose(w, [0, 2, 3, 1]) as Constant;
  const weight = net.param('weight', moved);
  const bias = biasOf(call, net, 2, w.dims[0]);
  return [
    net.image(x, (image) => {
      const [, height, width] = net.shape(image);
      const { stride, dilation } = window;
      const padding = paddingFor(window, [height, width]);
      return net.node({
        op: 'conv2d',
        inputs: [image],
        weight,
        bias,
        ...layer,
        stride,
        padding,
        dilation,
        groups,
      });
    }),
  ];
};

/**
 * A convolution with stride 1 over the image with `stride - 1` zeros put behind each pixel, its filters turned by 180
 * degrees (Dumoulin and Visin 2016, "A guide to convolution arithmetic", section 4).
 */
const convTranspose: Importer = (call, net) => {
  const x = call.operand(0);
  const rank = net.rank(x);
  const w = filters(call, 1, rank);
  const [inChannels, perGroup, height, width] = w.dims;
  const window = readWindow(call, rank, w.dims.slice(rank === 3 ? 3 : 2));
  const groups = call.int('group', 1);
  if (!Number.isInteger(inChannels / groups) || groups < 1)
    call.invalid(`${groups} groups do not divide its inputs`);
  const ones = new Array<number>(rank - 2).fill(0);
  const extra = trim(pair(call, 'output_padding', call.ints('output_padding') ?? ones, rank, 0), rank);
  const wanted = call.ints('output_shape');
  const size = wanted === null ? null : pair(call, 'output_shape', wanted.slice(2 - rank), rank, 1);

  // [group, in, out, h, w] -> [group, out, h, w, in], turned
  const grouped = withDims(w, [groups, inChannels / groups, perGroup, height, width]);
  const turned = net.slice(
    grouped,
    [0, 0, 0, height - 1, width - 1],
    [1, 1, 1, -1, -1],
    grouped.dims,
  ) as Constant;
  const moved = permuteConstant(net.allowance, turned, [0, 2, 3, 4, 1]);
  const outChannels = groups * perGroup;
  const weight = net.param('weight', withDims(moved, [outChannels, height, width, inChannels / groups]));
  const bias = biasOf(call, net, 2, outChannels);
  const { kernel, stride, dilation } = window;
  return [
    net.image(x, (image) => {
      const shape = net.shape(image);
      const around = [0, 1].map((i): Pair => {
        const full = (shape[i + 1] - 1) * stride[i] + extra[i] + extent(kernel[i], dilation[i]);
        let out = size?.[i] ?? null;
        let [before, after] =
          window.padding === null ? [0, 0] : [window.padding[2 * i], window.padding[2 * i + 1]];
        if (out !== null || window.padding === null) {
          out ??= shape[i + 1] * stride[i];
          const total = Math.max(full - out, 0);
          before = window.padding === null && window.same === 'upper' ? total >> 1 : total - (total >> 1);
          after = total - before;
        }
        out ??= full - before - after;
        const reach = extent(kernel[i], dilation[i]) - 1;
        const first = reach - before;
        return [first, out - shape[i + 1] * stride[i] - first + reach];
      });
      const spread = zerosBetween(net, image, stride);
      const padded = net.pad(spread, [[0, 0], around[0], around[1], [0, 0]], 0) as ValueId;
      const draft: NodeDraft = {
        op: 'conv2d',
        inputs: [padded],
        weight,
        bias,
        ...layer,
        stride: [1, 1],
        padding: [0, 0, 0, 0],
        dilation,
        groups,
      };
      return net.node(draft);
    }),
  ];
};

/** Sequences are not padded above and below. */
const trim = ([rows, columns]: Pair, rank: number): Pair => (rank === 3 ? [0, columns] : [rows, columns]);

/** stride - 1 zeros behind each pixel. */
function zerosBetween(net: Network, image: ValueId, [rows, columns]: Pair): ValueId {
  if (rows === 1 && columns === 1) return image;
  const [n, h, w, c] = net.shape(image);
  const apart = net.reshape(image, [n, h, 1, w, 1, c]);
  const none: Pair = [0, 0];
  const padded = net.pad(apart, [none, none, [0, rows - 1], none, [0, columns - 1], none], 0);
  return net.reshape(padded, [n, h * rows, w * columns, c]) as ValueId;
}

export const CONVOLUTION: Importers = { Conv: conv, ConvTranspose: convTranspose };
