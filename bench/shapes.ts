/** The shapes that are measured, as parameters of a float and of an integer kernel that do the same work. */
import type { CodeArray, ConvGeometry, OpParams, Requantization } from '../kernels/index.js';
import { Random } from '../src/core/index.js';

const random = new Random('bench');
const floats = (n: number): Float32Array => new Float32Array(n).map(() => random.normal());
const codes = (n: number): CodeArray => new Int8Array(n).map(() => random.int(256) - 128);

function requantization(channels: number, depth: number): Requantization {
  const multiplier = new Float32Array(channels).fill(1 / (80 * Math.sqrt(depth)));
  return { numerics: 'float', multiplier, zeroPoint: 3, min: -128, max: 127 };
}

/** One shape: what runs in float32 and what runs in int8. */
export type Shape = { readonly name: string; readonly macs: number } & (
  | { readonly kind: 'gemm'; readonly float: OpParams['gemm']; readonly int8: OpParams['qgemm'] }
  | { readonly kind: 'conv2d'; readonly float: OpParams['conv2d']; readonly int8: OpParams['qconv2d'] }
);

function product(name: string, m: number, n: number, k: number): Shape {
  const common = { m, n, k, bias: null };
  return {
    kind: 'gemm',
    name,
    macs: m * n * k,
    float: {
      ...common,
      a: floats(m * k),
      b: floats(n * k),
      transA: false,
      transB: true,
      accumulate: false,
      c: new Float32Array(m * n),
    },
    int8: {
      ...common,
      x: codes(m * k),
      xZeroPoint: 5,
      w: codes(n * k),
      wZeroPoint: 0,
      requant: requantization(n, k),
      y: new Int8Array(m * n),
    },
  };
}

function convolution(
  name: string,
  batch: number,
  size: number,
  i: number,
  o: number,
  kernel: number,
  groups = 1,
): Shape {
  const pad = (kernel - 1) / 2;
  const g: ConvGeometry = {
    batch,
    inHeight: size,
    inWidth: size,
    outHeight: size,
    outWidth: size,
    kernelHeight: kernel,
    kernelWidth: kernel,
    strideHeight: 1,
    strideWidth: 1,
    dilationHeight: 1,
    dilationWidth: 1,
    padTop: pad,
    padLeft: pad,
    inChannels: i,
    outChannels: o,
    groups,
  };
  const cells = batch * size * size;
  const depth = (kernel * kernel * i) / groups;
  return {
    kind: 'conv2d',
    name,
    macs: cells * o * depth,
    float: { ...g, x: floats(cells * i), w: floats(o * depth), bias: null, y: new Float32Array(cells * o) },
    int8: {
      ...g,
      x: codes(cells * i),
      xZeroPoint: 5,
      w: codes(o * depth),
      wZeroPoint: 0,
      bias: null,
      requant: requantization(o, depth),
      y: new Int8Array(cells * o),
    },
  };
}

export const shapes = (): Shape[] => [
  ...[64, 128, 256, 384].map((n) => product(`gemm ${n}`, n, n, n)),
  product('linear 1x1024x1024', 1, 1024, 1024),
  product('linear 64x64x1568', 64, 64, 1568),
  convolution('conv 3x3 8x14x14x16-32', 8, 14, 16, 32, 3),
  convolution('conv 3x3 8x7x7x32-32', 8, 7, 32, 32, 3),
  convolution('conv 3x3 56x56x64-64', 1, 56, 64, 64, 3),
  convolution('conv 1x1 8x14x14x32-64', 8, 14, 32, 64, 1),
  convolution('depthwise 3x3 8x14x14x32', 8, 14, 32, 32, 3, 32),
];
