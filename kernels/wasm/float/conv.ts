/** Float32 convolution, grouped and depthwise too. */
import { forwardAxes } from '../../js/image.js';
import type { ConvGeometry } from '../../types.js';
import { Binding } from '../binding.js';
import { isPointwise, matrixWindows } from '../igemm/plan.js';
import { SAMPLE_CONV } from '../int8/layer.js';
import { checked, sampleFloats, type WasmKernel } from '../selfTest.js';
import { areFloat32, planProduct, SAMPLE_BOUND } from './product.js';

export const isElementwise = (g: ConvGeometry): boolean =>
  g.groups > 1 && g.groups === g.inChannels && g.groups === g.outChannels;

export const kindOf = (g: ConvGeometry): string => (isElementwise(g) ? 'depthwise' : 'product');

const SAMPLE = { ...SAMPLE_CONV, inChannels: 6, outChannels: 22, groups: 2 };

/** Where `like` is depthwise, so is this. */
export const sampleGeometry = (like: ConvGeometry): ConvGeometry =>
  isElementwise(like) ? { ...SAMPLE, inChannels: 11, outChannels: 11, groups: 11 } : SAMPLE;

/** A problem of 3x3 filters. */
export function sampleConv(g: ConvGeometry) {
  const image = sampleFloats(g.batch * g.inHeight * g.inWidth * g.inChannels);
  const filter = sampleFloats((g.outChannels * 9 * g.inChannels) / g.groups);
  const sums = sampleFloats(g.batch * g.outHeight * g.outWidth * g.outChannels);
  return { g, image, filter, sums };
}

const conv2d: WasmKernel<'conv2d'> = {
  op: 'conv2d',
  name: 'f32-igemm-4x8-wasmsimd',
  bound: SAMPLE_BOUND,
  supports: ({ x, w, bias, y }) => areFloat32(x, w, bias, y),
  prepare: (g, memory) => {
    const { batch, inHeight, inWidth, inChannels, outChannels, groups } = g;
    const binding = new Binding(memory);
    const elementwise = isElementwise(g);
    const [vertical, horizontal] = forwardAxes(g);
    const k = g.w.length / outChannels;
    const column = 4 * outChannels;
    const row = column * g.outWidth;
    const pointwise = isPointwise(g);
    const calls = planProduct(binding, {
      windows: pointwise
        ? matrixWindows(batch * inHeight * inWidth, inChannels, 4, 4)
        : { batch, vertical, horizontal, channels: inChannels, bytes: 4, stagedBytes: 4 },
      groups,
      channels: elementwise ? outChannels : outChannels / groups,
      elementwise,
      x: binding.read(g.x),
      right: {
        from: binding.read(g.w),
        stretches: [0],
        length: k,
        depthStep: 4,
        columnStep: 4 * k,
        groupStep: g.w.byteLength / groups,
      },
      bias: g.bias,
      y: binding.write(g.y),
      accumulate: false,
      outputs: { image: row * g.outHeight, row: pointwise ? column : row, column },
    });
    return binding.finish(...calls);
  },
  kind: kindOf,
  sample: (like) => {
    const { g, image, filter, sums } = sampleConv(sampleGeometry(like));
    const bias = like.bias === null ? null : sampleFloats(g.outChannels);
    return { params: { ...g, x: image, w: filter, bias, y: sums }, output: sums };
  },
};

export const convKernel = checked(conv2d);
