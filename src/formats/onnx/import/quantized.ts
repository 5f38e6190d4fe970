/**
 * The arithmetic of ONNX's quantized operators on constants, exact: what an import folds, and what evaluateOnnx runs.
 *
 * Sources: QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, QLinearConv, QLinearMatMul, ConvInteger and
 * MatMulInteger in ONNX's Operators.md; the order of roundings in QLinear operators is that of docs/quantization.md.
 */
import { broadcastShapes, broadcastStrides, sizeOf } from '../../../core/index.js';
import type { Padding } from '../../../graph/index.js';
import type { OnnxDType } from '../types.js';
import type { Allowance, Constant } from './constants.js';
import { extent, type Window } from './window.js';

const RANGES: Partial<Record<OnnxDType, readonly [number, number]>> = {
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
};

/** Scales and zero points along one axis, or one for all. */
export interface Grid {
  readonly scale: Float32Array;
  readonly zeroPoint: Int32Array;
  readonly dtype: OnnxDType;
  readonly axis: number | null;
}

/** The codes of an element type; null for types that are no codes. */
export const codeRange = (dtype: OnnxDType): readonly [number, number] | null => RANGES[dtype] ?? null;

/** Half to even. */
export function roundEven(v: number): number {
  const floor = Math.floor(v);
  const rest = v - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 !== 0) ? floor + 1 : floor;
}

/** Which scale element i has. */
function channelOf({ axis }: Grid, dims: readonly number[]): (i: number) => number {
  if (axis === null) return () => 0;
  const inner = sizeOf(dims.slice(axis + 1));
  return (i) => Math.floor(i / inner) % dims[axis];
}

/** NaN becomes the zero point. */
function code(v: number, zeroPoint: number, [low, high]: readonly [number, number]): number {
  return v !== v ? zeroPoint : Math.min(Math.max(roundEven(v) + zeroPoint, low), high);
}

export function quantizeConstant(allowance: Allowance, x: Constant, grid: Grid): Constant {
  const out = allowance.constant(grid.dtype, x.dims);
  const channel = channelOf(grid, x.dims);
  for (let i = 0; i < out.data.length; i++) {
    const c = channel(i);
    out.data[i] = code(Math.fround(x.data[i] / grid.scale[c]), grid.zeroPoint[c], codeRange(grid.dtype)!);
  }
  return out;
}

export function dequantizeConstant(allowance: Allowance, codes: Constant, grid: Grid): Constant {
  const out = allowance.constant('float32', codes.dims);
  const channel = channelOf(grid, codes.dims);
  for (let i = 0; i < out.data.length; i++) {
    const c = channel(i);
    out.data[i] = (codes.data[i] - grid.zeroPoint[c]) * grid.scale[c];
  }
  const { scale, zeroPoint, axis } = grid;
  return { ...out, dequantized: { codes, scale, zeroPoint, axis } };
}

/** Codes in uint8 of the range that the values have, 0 included; with scale and zero point. */
export function dynamicQuantize(allowance: Allowance, x: Constant): [Constant, Constant, Constant] {
  let [low, high] = [0, 0];
  for (const v of x.data) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  const s = Math.fround(Math.fround(high - low) / 255);
  const zero = Math.min(Math.max(roundEven(Math.fround(Math.fround(0 - low) / s)), 0), 255) || 0;
  const scale = allowance.constant('float32', []);
  const zeroPoint = allowance.constant('uint8', []);
  scale.data[0] = s;
  zeroPoint.data[0] = zero;
  const grid: Grid = {
    scale: Float32Array.of(s),
    zeroPoint: Int32Array.of(zero),
    dtype: 'uint8',
    axis: null,
  };
  return [quantizeConstant(allowance, x, grid), scale, zeroPoint];
}

/** Zero points of an operand: one, or one for each index of an axis of a matrix or of the filters. */
export type ZeroPoints = (index: number) => number;
export const zeroPoints = (constant: Constant | null): ZeroPoints =>
  constant === null || constant.data.length === 0
    ? () => 0
    : (i) => constant.data[constant.data.length === 1 ? 0 : i];

/** [..., m, k] times [..., k, n] of codes; zero points per row of `a` and per column of `b`. Sums in int32. */
export function multiplyCodes(
  allowance: Allowance,
  a: Constant,
  b: Constant,
  za: ZeroPoints,
  zb: ZeroPoints,
): Constant {
  const [m, k] = a.dims.slice(-2);
  const n = b.dims[b.dims.length - 1];
  const batch = broadcastShapes(a.dims.slice(0, -2), b.dims.slice(0, -2));
  const [sa, sb] = [a, b].map(({ dims }) => broadcastStrides(dims.slice(0, -2), batch));
  const out = allowance.constant('int32', [...batch, m, n]);
  allowance.work(out.data.length * k);
  for (let i = 0; i < sizeOf(batch); i++) {
    let [atA, atB] = [0, 0];
    for (let axis = batch.length - 1, rest = i; axis >= 0; axis--) {
      const at = rest % batch[axis];
      rest = (rest - at) / batch[axis];
      atA += at * sa[axis];
      atB += at * sb[axis];
    }
    for (let row = 0; row < m; row++)
      for (let column = 0; column < n; column++) {
        let sum = 0;
        for (let j = 0; j < k; j++)
          sum +=
            (a.data[(atA * m + row) * k + j] - za(row)) * (b.data[(atB * k + j) * n + column] - zb(column));
        out.data[(i * m + row) * n + column] = sum;
      }
  }
  return out;
}

/** Sums of a convolution of codes [n, c, h, w] in int32; padding stands for the zero point. */
export function convolveCodes(
  allowance: Allowance,
  x: Constant,
  w: Constant,
  zx: number,
  zw: ZeroPoints,
  { kernel, stride, dilation }: Window,
  [top, bottom, left, right]: Padding,
  groups: number,
): Constant {
  const [n, channels, height, width] = x.dims;
  const [filters, perGroup] = w.dims;
  const rows = Math.floor((height + top + bottom - extent(kernel[0], dilation[0])) / stride[0]) + 1;
  const columns = Math.floor((width + left + right - extent(kernel[1], dilation[1])) / stride[1]) + 1;
  const out = allowance.constant('int32', [n, filters, Math.max(rows, 0), Math.max(columns, 0)]);
  allowance.work(out.data.length * perGroup * kernel[0] * kernel[1]);
  let to = 0;
  for (let image = 0; image < n; image++)
    for (let filter = 0; filter < filters; filter++) {
      const first = Math.floor(filter / (filters / groups)) * perGroup;
      for (let row = 0; row < rows; row++)
        for (let column = 0; column < columns; column++) {
          let sum = 0;
          for (let c = 0; c < perGroup; c++)
            for (let i = 0; i < kernel[0]; i++) {
              const y = row * stride[0] + i * dilation[0] - top;
              if (y < 0 || y >= height) continue;
              for (let j = 0; j < kernel[1]; j++) {
                const at = column * stride[1] + j * dilation[1] - left;
                if (at < 0 || at >= width) continue;
                const pixel = x.data[((image * channels + first + c) * height + y) * width + at];
                const weight = w.data[((filter * perGroup + c) * kernel[0] + i) * kernel[1] + j];
                sum += (pixel - zx) * (weight - zw(filter));
              }
            }
          out.data[to++] = sum;
        }
    }
  return out;
}

/** From sums to codes: `rne(f32(f32(sum) * m)) + zero point`, `m = f32(f32(sa * sb) / sy)`, sb per channel. */
export function requantizeCodes(
  allowance: Allowance,
  sums: Constant,
  sa: number,
  sb: Float32Array,
  y: Grid,
  channel: (i: number) => number,
): Constant {
  const factors = sb.map((s) => Math.fround(Math.fround(sa * s) / y.scale[0]));
  const out = allowance.constant(y.dtype, sums.dims);
  for (let i = 0; i < out.data.length; i++) {
    const factor = factors[factors.length === 1 ? 0 : channel(i)];
    const v = Math.fround(Math.fround(sums.data[i]) * factor);
    out.data[i] = code(v, y.zeroPoint[0], codeRange(y.dtype)!);
  }
  return out;
}
