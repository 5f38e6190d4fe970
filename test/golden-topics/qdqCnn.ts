/**
 * Golden case QDQ_cnn on integer kernels: (conv + relu, 2x2 max pool) for each conv of the initializers, global average
 * pool, gemm. Expected is a float64 simulation; the case states how many output steps integer kernels may differ.
 */
import {
  activationRange,
  floatRequantization,
  run,
  type Backend,
  type CodeArray,
  type QuantizedArray,
} from '../../kernels/index.js';
import { expectClose, type CaseRunner, type GoldenCase, type ReadTensor, type TensorRef } from './common.js';
import { backends, emptyLike, swapAxes, windowGeometry } from './kernelCase.js';

interface Image extends QuantizedArray {
  /** [batch, height, width, channels] */
  readonly shape: readonly number[];
}

export const qdqCnn: CaseRunner = (c, read) => {
  for (const backend of backends) {
    expectClose('y', forward(c, read, backend), read(c.outputs!['y']), { abs: c['tol'] as number, rel: 0 });
  }
};

function forward(c: GoldenCase, read: ReadTensor, backend: Backend): Float32Array {
  const init = c['initializers'] as Record<string, TensorRef>;
  const model: Model = { init, read, backend, ...typeOf(read(init['in_z']) as CodeArray) };
  const [batch, channels, height, width] = c.inputs!['x'].shape;
  const real = swapAxes(read(c.inputs!['x']) as Float32Array, batch, channels, height * width);
  let x: Image = { ...qparams(model, 'in', real.length), shape: [batch, height, width, channels] };
  run(backend, 'quantize', { ...perTensor(x), ...model.range, x: real, y: x.data });
  for (let k = 0; `conv${k}_w` in init; k++) x = maxPool(model, conv(model, x, k));
  const logits = linear(model, globalAverage(model, x), batch);
  const y = new Float32Array(logits.data.length);
  run(backend, 'dequantize', { ...perTensor(logits), x: logits.data, y });
  return y;
}

interface Model {
  readonly init: Record<string, TensorRef>;
  readonly read: ReadTensor;
  readonly backend: Backend;
  /** An array of the activations' type. */
  readonly like: CodeArray;
  readonly range: { readonly min: number; readonly max: number };
}

const typeOf = (like: CodeArray) => ({
  like,
  range: like instanceof Int8Array ? { min: -128, max: 127 } : { min: 0, max: 255 },
});

/** A new array with the qparams that the initializers call `name`. */
const qparams = ({ init, read, like }: Model, name: string, length: number): QuantizedArray => ({
  data: emptyLike(like, length),
  scale: read(init[`${name}_s`])[0],
  zeroPoint: read(init[`${name}_z`])[0],
});

const perTensor = ({ data, scale, zeroPoint }: QuantizedArray) => ({
  ...{ outer: 1, channels: 1, inner: data.length },
  ...{ scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint) },
});

/** What convolution and gemm share: the operands called `name`, and the requantization to y. */
function operands(model: Model, name: string, x: QuantizedArray, y: QuantizedArray, relu: boolean) {
  const { init, read, range } = model;
  return {
    ...{ x: x.data, xZeroPoint: x.zeroPoint, wZeroPoint: 0, y: y.data },
    bias: read(init[`${name}_b`]) as Int32Array,
    requant: floatRequantization({
      inputScale: x.scale,
      weightScale: read(init[`${name}_ws`]) as Float32Array,
      outputScale: y.scale,
      zeroPoint: y.zeroPoint,
      ...activationRange(relu ? 'relu' : 'none', y.scale, y.zeroPoint, range.min, range.max, 'even'),
    }),
  };
}

function conv(model: Model, x: Image, k: number): Image {
  const { init, read, backend } = model;
  const [outChannels, inChannels, kernelHeight, kernelWidth] = init[`conv${k}_w`].shape;
  const geometry = windowGeometry(x.shape, [kernelHeight, kernelWidth], [1, 1], [1, 1], [1, 1, 1, 1]);
  const shape = [geometry.batch, geometry.outHeight, geometry.outWidth, outChannels];
  const y = qparams(model, `act${k}`, geometry.batch * geometry.outHeight * geometry.outWidth * outChannels);
  run(backend, 'qconv2d', {
    ...geometry,
    ...{ inChannels, outChannels, groups: 1 },
    ...operands(model, `conv${k}`, x, y, true),
    w: swapAxes(read(init[`conv${k}_w`]) as CodeArray, outChannels, inChannels, kernelHeight * kernelWidth),
  });
  return { ...y, shape };
}

function maxPool({ backend, range }: Model, x: Image): Image {
  const channels = x.shape[3];
  const geometry = windowGeometry(x.shape, [2, 2], [2, 2], [1, 1], [0, 0, 0, 0]);
  const y = emptyLike(x.data, geometry.batch * geometry.outHeight * geometry.outWidth * channels);
  run(backend, 'qmaxpool', { ...geometry, ...range, channels, x: x.data, y });
  return { ...x, data: y, shape: [geometry.batch, geometry.outHeight, geometry.outWidth, channels] };
}

function globalAverage(model: Model, x: Image): QuantizedArray {
  const [outer, height, width, inner] = x.shape;
  const y = qparams(model, 'gapq', outer * inner);
  const extent = { outer, reduce: height * width, inner };
  run(model.backend, 'qmean', { ...extent, ...model.range, numerics: 'float', x, y });
  return y;
}

function linear(model: Model, x: QuantizedArray, m: number): QuantizedArray {
  const { init, read, backend } = model;
  const [n, k] = init['fc_w'].shape;
  const y = qparams(model, 'out', m * n);
  const w = read(init['fc_w']) as Int8Array;
  run(backend, 'qgemm', { ...{ m, n, k, w }, ...operands(model, 'fc', x, y, false) });
  return y;
}
