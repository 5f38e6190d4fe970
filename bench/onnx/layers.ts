/** Single layers as ONNX models, weights as constants so that the runtime may pack them. Images are NCHW. */
import { encodeOnnx, type OnnxDType } from '../../src/formats/onnx/index.js';
import { OnnxBuilder, type Attributes } from '../../src/formats/onnx/export/builder.js';
import { outSize } from '../suites/conv.js';
import type { ConvCase, Data, GemmCase } from '../types.js';
import { channelsFirst } from './layout.js';

export interface OnnxLayer {
  readonly bytes: Uint8Array;
  readonly x: Data;
  readonly inputShape: readonly number[];
  /** The output as this library lays it out. */
  toOurs(y: Data): Data;
}

export function elementType(data: Data): 'float32' | 'uint8' | 'int8' | 'int32' {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Uint8Array) return 'uint8';
  return data instanceof Int8Array ? 'int8' : 'int32';
}

/** The inputs of QLinearConv and QLinearMatMul: scales 1 for x and y leave the multipliers to the weights. */
function quantizedInputs(b: OnnxBuilder, weight: string, c: GemmCase | ConvCase): string[] {
  const q = c.quantization!;
  const one = b.floats('one', [1], []);
  const dtype: OnnxDType = elementType(c.x);
  const zero = (z: number): string =>
    b.constant('zero_point', dtype, [], dtype === 'uint8' ? Uint8Array.of(z) : Int8Array.of(z));
  const channels = q.multiplier.length;
  const scale = b.floats('scale', q.multiplier, [channels]);
  const weightZero = b.constant('weight_zero_point', 'int8', [channels], new Int8Array(channels));
  return ['x', one, zero(q.xZeroPoint), weight, scale, weightZero, one, zero(q.yZeroPoint)];
}

/** One layer between x and y, in float, or where the case is quantized in integers. */
function layer(
  c: GemmCase | ConvCase,
  [float, integer]: readonly [string, string],
  weight: { readonly data: Data; readonly dims: readonly number[] },
  attributes: Attributes,
  [xDims, yDims]: readonly [readonly number[], readonly number[]],
): Uint8Array {
  const b = new OnnxBuilder(['x', 'y']);
  const dtype = elementType(c.x);
  b.input('x', dtype, xDims);
  const w = b.constant('w', elementType(weight.data), weight.dims, weight.data);
  const [opType, inputs] = c.quantization === null ? [float, ['x', w]] : [integer, quantizedInputs(b, w, c)];
  b.label(b.node(opType, 'layer', inputs, attributes), 'y');
  b.output('y', dtype, yDims);
  return encodeOnnx({
    irVersion: 8,
    opsets: new Map([['', 17]]),
    producerName: '',
    producerVersion: '',
    metadata: new Map(),
    graph: b.finish('bench'),
  });
}

export function onnxGemm(c: GemmCase): OnnxLayer {
  const weight = { data: channelsFirst(c.w as Float32Array, 1, c.n, c.k), dims: [c.k, c.n] };
  const inputShape = [c.m, c.k];
  const bytes = layer(c, ['MatMul', 'QLinearMatMul'], weight, {}, [inputShape, [c.m, c.n]]);
  return { bytes, x: c.x, inputShape, toOurs: (y) => y };
}

export function onnxConv(c: ConvCase): OnnxLayer {
  const { size, kernel, stride, inChannels, outChannels, groups } = c;
  const pad = (kernel - 1) / 2;
  const out = outSize(c);
  const inputShape = [1, inChannels, size, size];
  const weight = {
    data: channelsFirst(c.w as Float32Array, outChannels, kernel * kernel, inChannels / groups),
    dims: [outChannels, inChannels / groups, kernel, kernel],
  };
  const attributes = {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    group: groups,
  };
  const shapes = [inputShape, [1, outChannels, out, out]] as const;
  return {
    bytes: layer(c, ['Conv', 'QLinearConv'], weight, attributes, shapes),
    x: channelsFirst(c.x as Float32Array, 1, size * size, inChannels),
    inputShape,
    toOurs: (y) => channelsFirst(y as Float32Array, 1, outChannels, out * out),
  };
}
