/** Single layers as ONNX models, weights as constants so that the runtime may pack them. Images are NCHW. */
import { outSize } from '../suites/conv.js';
import type { ConvCase, Data, GemmCase } from '../types.js';
import { channelsFirst } from './layout.js';
import { ModelBuilder, type ElementType } from './model.js';

export interface OnnxLayer {
  readonly bytes: Uint8Array;
  readonly x: Data;
  readonly inputShape: readonly number[];
  /** The output as this library lays it out. */
  toOurs(y: Data): Data;
}

export function elementType(data: Data): ElementType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Uint8Array) return 'uint8';
  return data instanceof Int8Array ? 'int8' : 'int32';
}

/** The inputs of QLinearConv and QLinearMatMul: scales 1 for x and y leave the multipliers to the weights. */
function quantizedInputs(m: ModelBuilder, x: string, weight: string, c: GemmCase | ConvCase): string[] {
  const q = c.quantization!;
  const one = m.constant(Float32Array.of(1), []);
  const unsigned = c.x instanceof Uint8Array;
  const zero = (z: number): string => m.constant(unsigned ? Uint8Array.of(z) : Int8Array.of(z), []);
  const channels = q.multiplier.length;
  const scale = m.constant(q.multiplier, [channels]);
  const weightZero = m.constant(new Int8Array(channels), [channels]);
  return [x, one, zero(q.xZeroPoint), weight, scale, weightZero, one, zero(q.yZeroPoint)];
}

export function onnxGemm(c: GemmCase): OnnxLayer {
  const b = new ModelBuilder();
  const type = elementType(c.x);
  const x = b.input('x', type, [c.m, c.k]);
  const weight = b.constant(channelsFirst(c.w as Float32Array, 1, c.n, c.k), [c.k, c.n]);
  if (c.quantization === null) b.node('MatMul', [x, weight], {}, { output: 'y' });
  else b.node('QLinearMatMul', quantizedInputs(b, x, weight, c), {}, { output: 'y' });
  b.output('y', type, [c.m, c.n]);
  return { bytes: b.bytes(), x: c.x, inputShape: [c.m, c.k], toOurs: (y) => y };
}

export function onnxConv(c: ConvCase): OnnxLayer {
  const b = new ModelBuilder();
  const type = elementType(c.x);
  const { size, kernel, stride, inChannels, outChannels, groups } = c;
  const pad = (kernel - 1) / 2;
  const out = outSize(c);
  const inputShape = [1, inChannels, size, size];
  const x = b.input('x', type, inputShape);
  const filters = channelsFirst(c.w as Float32Array, outChannels, kernel * kernel, inChannels / groups);
  const weight = b.constant(filters, [outChannels, inChannels / groups, kernel, kernel]);
  const attributes = {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group: groups,
  };
  if (c.quantization === null) b.node('Conv', [x, weight], attributes, { output: 'y' });
  else b.node('QLinearConv', quantizedInputs(b, x, weight, c), attributes, { output: 'y' });
  b.output('y', type, [1, outChannels, out, out]);
  return {
    bytes: b.bytes(),
    x: channelsFirst(c.x as Float32Array, 1, size * size, inChannels),
    inputShape,
    toOurs: (y) => channelsFirst(y as Float32Array, 1, outChannels, out * out),
  };
}
