/** The float32 input gradient of a 3x3 convolution of stride 1 by Winograd. */
import { conv2dInputGrad as reference } from '../../reference/training/conv2dInputGrad.js';
import { sampleConv } from '../float/conv.js';
import { checked } from '../selfTest.js';
import { SAMPLE } from './conv.js';
import { floatKernel } from './float.js';

/** The convolution over dy that gives dx: the filters turned by 180 degrees, their channels exchanged. */
const conv2dInputGrad = floatKernel(
  'conv2dInputGrad',
  ({ inChannels: c, ...p }) => [
    {
      batch: p.batch,
      inHeight: p.outHeight,
      inWidth: p.outWidth,
      inChannels: p.outChannels,
      outHeight: p.inHeight,
      outWidth: p.inWidth,
      outChannels: c,
      padTop: 2 - p.padTop,
      padLeft: 2 - p.padLeft,
    },
    { x: p.dy, w: p.w as Float32Array, bias: null, y: p.dx, steps: [9 * c, 1, -c, 8 * c] },
  ],
  () => {
    const { image, filter, sums } = sampleConv(SAMPLE);
    return { params: { ...SAMPLE, dx: image, w: filter, dy: sums }, output: image };
  },
);

export const winogradInputGrad = checked(conv2dInputGrad, [reference]);
