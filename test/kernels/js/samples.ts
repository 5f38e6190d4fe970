/** Random parameters of kernels, and the comparison of one kernel with another on the same input. */
import type { Random } from '../../../src/core/index.js';
import {
  heap,
  type CodeArray,
  type ConvGeometry,
  type FloatArray,
  type Kernel,
  type Memory,
} from '../../../kernels/index.js';
import type { OpName, OpParams, Requantization } from '../../../kernels/index.js';

/** How codes are drawn: over the whole range, or all at its ends. */
export type Fill = 'random' | 'lowest' | 'highest' | 'alternating';

export function codes(r: Random, length: number, signed: boolean, fill: Fill = 'random'): CodeArray {
  const low = signed ? -128 : 0;
  const data = signed ? new Int8Array(length) : new Uint8Array(length);
  const draw = {
    random: () => r.int(256),
    lowest: () => 0,
    highest: () => 255,
    alternating: () => 255 * r.int(2),
  };
  return data.map(() => low + draw[fill]());
}

export function floats(r: Random, length: number, double = false): FloatArray {
  const data = double ? new Float64Array(length) : new Float32Array(length);
  return data.map(() => r.normal());
}

export function int32s(r: Random, length: number, bound: number): Int32Array {
  return new Int32Array(length).map(() => r.int(2 * bound + 1) - bound);
}

/** Multipliers that bring sums of `k` products into the range of codes, now and then beyond it. */
export function requantization(r: Random, channels: number, k: number, signed: boolean): Requantization {
  const low = signed ? -128 : 0;
  const range = r.int(3) === 0 ? { min: low + 20, max: low + 200 } : { min: low, max: low + 255 };
  const zeroPoint = low + r.int(256);
  const count = r.int(2) === 0 ? 1 : channels;
  const kind = r.int(3);
  if (kind === 0) {
    const multiplier = new Float32Array(count).map(() => r.uniform(0.5, 2) / (60 * Math.sqrt(k)));
    return { numerics: 'float', multiplier, zeroPoint, ...range };
  }
  return {
    numerics: 'fixed',
    rounding: kind === 1 ? 'double' : 'single',
    multiplier: new Int32Array(count).map(() => 2 ** 30 + r.int(2 ** 30)),
    shift: new Int32Array(count).map(() => -5 - Math.floor(Math.log2(k) / 2) - r.int(2)),
    zeroPoint,
    ...range,
  };
}

export function convGeometry(r: Random, over: Partial<ConvGeometry> = {}): ConvGeometry {
  for (;;) {
    const groups = over.groups ?? [1, 1, 1, 2, 3][r.int(5)];
    const kernelHeight = 1 + r.int(4);
    const kernelWidth = 1 + r.int(4);
    const [padTop, padLeft, padBottom, padRight] = [0, 0, 0, 0].map(() => r.int(3));
    const g = {
      batch: 1 + r.int(3),
      inHeight: 1 + r.int(9),
      inWidth: 1 + r.int(9),
      inChannels: groups * (1 + r.int(6)),
      outChannels: groups * (1 + r.int(8)),
      groups,
      kernelHeight,
      kernelWidth,
      strideHeight: 1 + r.int(3),
      strideWidth: 1 + r.int(3),
      dilationHeight: 1 + r.int(2),
      dilationWidth: 1 + r.int(2),
      padTop,
      padLeft,
      ...over,
    };
    const outHeight = outSize(
      g.inHeight + g.padTop + padBottom,
      g.kernelHeight,
      g.strideHeight,
      g.dilationHeight,
    );
    const outWidth = outSize(g.inWidth + g.padLeft + padRight, g.kernelWidth, g.strideWidth, g.dilationWidth);
    if (outHeight > 0 && outWidth > 0) return { outHeight, outWidth, ...g };
  }
}

function outSize(size: number, kernel: number, stride: number, dilation: number): number {
  return Math.floor((size - (kernel - 1) * dilation - 1) / stride) + 1;
}

export function sizes(g: ConvGeometry): { x: number; w: number; y: number } {
  return {
    x: g.batch * g.inHeight * g.inWidth * g.inChannels,
    w: (g.outChannels * g.kernelHeight * g.kernelWidth * g.inChannels) / g.groups,
    y: g.batch * g.outHeight * g.outWidth * g.outChannels,
  };
}

/** Runs a kernel twice (the second call must not see the first); the output array. */
export function result<O extends OpName>(
  kernel: Kernel<O>,
  params: OpParams[O],
  output: ArrayLike<number>,
  memory: Memory = heap,
): number[] {
  const before = Array.from(output);
  const call = kernel.prepare(params, memory);
  call();
  const once = Array.from(output);
  (output as FloatArray).set(before);
  call();
  const twice = Array.from(output);
  (output as FloatArray).set(before);
  if (once.some((v, i) => !Object.is(v, twice[i])))
    throw new Error(`${kernel.name}: the second call differs`);
  return once;
}

/** Largest difference, relative to the largest magnitude of `want` or 1. NaN when one is NaN. */
export function difference(got: readonly number[], want: readonly number[]): number {
  let scale = 1;
  let worst = 0;
  for (let i = 0; i < want.length; i++) {
    scale = Math.max(scale, Math.abs(want[i]));
    const d = Math.abs(got[i] - want[i]);
    if (!(d <= worst)) worst = d;
  }
  return worst / scale;
}
