/** Cases of single layers as parameters of this library's kernels. */
import type { CodeArray, Memory, OpParams, Requantization } from '../kernels/index.js';
import { ACTIVATIONS } from './operands.js';
import { outSize } from './suites/conv.js';
import type { ConvCase, Data, GemmCase, Quantization } from './types.js';

/** A kernel call: the op, its parameters, and the array that it writes. */
export type Call = {
  [O in 'gemm' | 'qgemm' | 'conv2d' | 'qconv2d']: {
    readonly op: O;
    readonly params: OpParams[O];
    readonly y: Data;
  };
}['gemm' | 'qgemm' | 'conv2d' | 'qconv2d'];

function place<T extends Data>(array: T, memory: Memory): T {
  const type =
    array instanceof Float32Array
      ? 'float32'
      : array instanceof Int8Array
        ? 'int8'
        : array instanceof Uint8Array
          ? 'uint8'
          : 'int32';
  const to = memory.allocate(type, array.length) as T;
  to.set(array);
  return to;
}

function requantization(c: GemmCase | ConvCase, q: Quantization): Requantization {
  const { low, high } = ACTIVATIONS[c.dtype as 'u8s8'];
  return { numerics: 'float', multiplier: q.multiplier, zeroPoint: q.yZeroPoint, min: low, max: high };
}

/**
 * @param memory where the operands are placed
 * @param sums leave the int32 sums as they are, for finding out what requantization costs
 */
export function layerCall(c: GemmCase | ConvCase, memory: Memory, sums = false): Call {
  const { quantization: q } = c;
  const [x, w] = [place(c.x, memory), place(c.w, memory)];
  const length = c.kind === 'gemm' ? c.m * c.n : outSize(c) ** 2 * c.outChannels;
  if (q === null) {
    const y = memory.allocate('float32', length);
    const float = { w: w as Float32Array, bias: null };
    if (c.kind === 'conv')
      return { op: 'conv2d', params: { ...geometry(c), ...float, x: x as Float32Array, y }, y };
    const { m, n, k } = c;
    const plain = { transA: false, transB: true, bias: null, accumulate: false };
    return { op: 'gemm', params: { m, n, k, a: x as Float32Array, b: w as Float32Array, ...plain, c: y }, y };
  }
  const y = memory.allocate(sums ? 'int32' : x instanceof Uint8Array ? 'uint8' : 'int8', length);
  const integer = {
    x: x as CodeArray,
    xZeroPoint: q.xZeroPoint,
    xBits: c.dtype === 'w8a7' ? (7 as const) : undefined,
    w: w as CodeArray,
    wZeroPoint: 0,
    bias: null,
    requant: sums ? null : requantization(c, q),
    y,
  };
  if (c.kind === 'conv') return { op: 'qconv2d', params: { ...geometry(c), ...integer }, y };
  return { op: 'qgemm', params: { m: c.m, n: c.n, k: c.k, ...integer }, y };
}

function geometry(c: ConvCase) {
  const out = outSize(c);
  const pad = (c.kernel - 1) / 2;
  return {
    batch: 1,
    inHeight: c.size,
    inWidth: c.size,
    outHeight: out,
    outWidth: out,
    kernelHeight: c.kernel,
    kernelWidth: c.kernel,
    strideHeight: c.stride,
    strideWidth: c.stride,
    dilationHeight: 1,
    dilationWidth: 1,
    padTop: pad,
    padLeft: pad,
    inChannels: c.inChannels,
    outChannels: c.outChannels,
    groups: c.groups,
  };
}
