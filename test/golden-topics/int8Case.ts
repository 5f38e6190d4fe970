/** How a case of the int8_ops topic says its attributes, inputs and clamps. */
import { activationRange, type ClampActivation, type QuantizedArray } from '../../kernels/index.js';
import { sizeOf } from '../../src/core/index.js';
import { expectEqual, type GoldenCase, type ReadTensor } from './common.js';

export interface Attrs {
  activation: ClampActivation;
  in_scale: number;
  in_zero_point: number;
  a_scale: number;
  a_zero_point: number;
  b_scale: number;
  b_zero_point: number;
  out_scale: number;
  out_zero_point: number;
  clamp_min?: number;
  clamp_max?: number;
  stride: number[];
  dilation: number[];
  kernel: number[];
  padding: string;
  axes: number[];
  axis: number;
  beta: number;
  fn: string;
  alpha: number;
  in_scales_zero_points: [number, number][];
  size: number[];
  align_corners: boolean;
  half_pixel_centers: boolean;
  pads: [number, number][];
}

export const FULL = { min: -128, max: 127 };
export const attrsOf = (c: GoldenCase) => c.attrs as unknown as Attrs;
export const int8 = (c: GoldenCase, read: ReadTensor, name: string) => read(c.inputs![name]) as Int8Array;
export const outputOf = (c: GoldenCase): QuantizedArray & { data: Int8Array } => {
  const a = attrsOf(c);
  const data = new Int8Array(sizeOf(c.outputs!['ideal'].shape));
  return { data, scale: a.out_scale, zeroPoint: a.out_zero_point };
};

/** The clamp a case states, which activationRange must give too. */
export function clampOf({ activation, out_scale, out_zero_point, clamp_min, clamp_max }: Attrs) {
  if (clamp_min === undefined || clamp_max === undefined) return FULL;
  const { min, max } = activationRange(activation, out_scale, out_zero_point, -128, 127, 'away');
  expectEqual('clamp', [min, max], [clamp_min, clamp_max]);
  return { min, max };
}

export const quantizedInput = (c: GoldenCase, read: ReadTensor, name = 'x'): QuantizedArray => {
  const { in_scale, in_zero_point } = attrsOf(c);
  return { data: int8(c, read, name), scale: in_scale, zeroPoint: in_zero_point };
};
