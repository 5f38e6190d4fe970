/** 3x3 convolution of stride 1 by Winograd, of float32. */
import type { FloatArray, OpParams } from '../../types.js';
import { sampleConv } from '../float/conv.js';
import { areFloat32 } from '../float/product.js';
import { checked, type WasmKernel } from '../selfTest.js';
import { fits, forward, type Geometry, type Operands, pays, prepare, SAMPLE } from './conv.js';

/** A float32 kernel on the convolution that `of` makes of its parameters. */
export function floatKernel<O extends 'conv2d' | 'conv2dInputGrad'>(
  op: O,
  of: (p: OpParams[O]) => readonly [Geometry, Operands],
  sample: WasmKernel<O>['sample'],
): WasmKernel<O> {
  return {
    op,
    name: `f32-${op}-3x3-winograd4x4-wasmsimd`,
    // measured: up to 2e-6 of the largest output
    bound: 1e-5,
    supports: (p) => {
      const [g, { x, w, bias, y }] = of(p);
      const float = areFloat32(...([x, w, bias, y] as FloatArray[]));
      return fits(p) && pays(g, 8) && g.padTop >= 0 && g.padLeft >= 0 && float;
    },
    prepare: (p, memory) => prepare(...of(p), memory),
    kind: () => '',
    sample,
  };
}

const conv2d = floatKernel(
  'conv2d',
  (p) => [p, { x: p.x, w: p.w as Float32Array, bias: p.bias, y: p.y, steps: forward(p.inChannels) }],
  () => {
    const { image, filter, sums } = sampleConv(SAMPLE);
    return { params: { ...SAMPLE, x: image, w: filter, bias: null, y: sums }, output: sums };
  },
);

export const winogradFloatKernel = checked(conv2d);
