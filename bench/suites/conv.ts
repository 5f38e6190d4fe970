/** Convolutions of one image: 3x3, 1x1, depthwise. */
import { elementBytes, Operands } from '../operands.js';
import { CONVS, type ConvShape } from '../shapes/conv.js';
import type { ConvCase, Dtype } from '../types.js';

export function outSize({ size, stride }: Pick<ConvShape, 'size' | 'stride'>): number {
  return Math.ceil(size / stride);
}

function convCase(shape: ConvShape, dtype: Dtype): ConvCase {
  const { name, size, kernel, stride, inChannels, outChannels, groups } = shape;
  const operands = new Operands(dtype, name);
  const depth = (kernel * kernel * inChannels) / groups;
  const cells = outSize(shape) ** 2;
  const [inputs, weights, outputs] = [size * size * inChannels, outChannels * depth, cells * outChannels];
  return {
    suite: 'conv',
    shape: name,
    dtype,
    ops: 2 * outputs * depth,
    bytes: elementBytes(dtype) * (inputs + weights + outputs),
    kind: 'conv',
    size,
    kernel,
    stride,
    inChannels,
    outChannels,
    groups,
    x: operands.activations(inputs),
    w: operands.weights(weights),
    quantization: operands.quantization(outChannels, depth),
  };
}

const DTYPES: readonly Dtype[] = ['f32', 'u8s8', 's8s8'];

export function* convCases(quick: boolean, wanted: (shape: string) => boolean): Generator<ConvCase> {
  for (const shape of CONVS)
    if ((!quick || shape.quick) && wanted(shape.name))
      for (const dtype of quick ? DTYPES.slice(0, 2) : DTYPES) yield convCase(shape, dtype);
}
