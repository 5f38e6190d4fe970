/**
 * Integer convolution, NHWC * OHWI -> NHWC: `acc = bias[o] + sum (x - zx) * (w - zw)` in int32 over the cells inside the
 * image (padding holds zx and contributes nothing), then requantized per output channel.
 * ONNX ConvInteger (requant null), QLinearConv, TFLite CONV_2D and, with groups = inChannels, DEPTHWISE_CONV_2D.
 */
import { weightCodes } from '../int4.js';
import { applyRequantization } from '../requantize.js';
import type { Kernel } from '../types.js';
import { forEachTap } from './window.js';

export const qconv2d: Kernel<'qconv2d'> = {
  op: 'qconv2d',
  name: 'q8-qconv2d-reference',
  supports: () => true,
  prepare: (g, memory) => {
    const { x, xZeroPoint, wZeroPoint, bias, requant, y, outChannels } = g;
    const depth = g.inChannels / g.groups;
    const w = weightCodes(g, outChannels * g.kernelHeight * g.kernelWidth * depth);
    const sums = memory.allocate('int32', y.length);
    return () => {
      for (let out = 0; out < sums.length; out++) sums[out] = bias === null ? 0 : bias[out % outChannels];
      forEachTap(g, (out, cell, tap) => {
        let sum = 0;
        for (let i = 0; i < depth; i++) sum += (x[cell + i] - xZeroPoint) * (w[tap + i] - wZeroPoint);
        sums[out] += sum;
      });
      if (requant === null) y.set(sums);
      else
        for (let out = 0; out < sums.length; out++)
          y[out] = applyRequantization(sums[out], out % outChannels, requant);
    };
  },
};
