/** Golden topic onnx_q: ONNX's quantization operators, exactly. Layouts are turned to NHWC on the way in and back. */
import {
  floatRequantization,
  roundHalfEven,
  run,
  type Backend,
  type CodeArray,
} from '../../kernels/index.js';
import { sizeOf, type TypedArray } from '../../src/core/index.js';
import {
  expectEqual,
  type CaseRunner,
  type GoldenCase,
  type ReadTensor,
  type TensorRef,
  type TopicRunner,
} from './common.js';
import { backends, emptyLike, swapAxes, windowGeometry } from './kernelCase.js';
import { qdqCnn } from './qdqCnn.js';

const initializersOf = (c: GoldenCase) => c['initializers'] as Record<string, TensorRef>;
const rangeOf = (codes: TypedArray) =>
  codes instanceof Int8Array ? { min: -128, max: 127 } : { min: 0, max: 255 };

/** A [outer, channels, inner] view of a shape whose axis carries the qparams. */
function axisView(shape: readonly number[], axis: number | null) {
  if (axis === null) return { outer: 1, channels: 1, inner: sizeOf(shape) };
  return { outer: sizeOf(shape.slice(0, axis)), channels: shape[axis], inner: sizeOf(shape.slice(axis + 1)) };
}

const axisOf = (c: GoldenCase) => (c.attrs as { axis: number | null }).axis;

const quantizeLinear: CaseRunner = (c, read) => {
  const init = initializersOf(c);
  const want = read(c.outputs!['y']) as CodeArray;
  for (const backend of backends) {
    const y = emptyLike(want, want.length);
    run(backend, 'quantize', {
      ...axisView(c.inputs!['x'].shape, axisOf(c)),
      ...rangeOf(y),
      x: read(c.inputs!['x']) as Float32Array,
      scale: read(init['s']) as Float32Array,
      zeroPoint: Int32Array.from(read(init['z'])),
      y,
    });
    expectEqual('y', y, want);
  }
};

const dequantizeLinear: CaseRunner = (c, read) => {
  const init = initializersOf(c);
  const want = read(c.outputs!['y']);
  for (const backend of backends) {
    const y = new Float32Array(want.length);
    run(backend, 'dequantize', {
      ...axisView(c.inputs!['x'].shape, axisOf(c)),
      x: read(c.inputs!['x']) as CodeArray | Int32Array,
      scale: read(init['s']) as Float32Array,
      zeroPoint: Int32Array.from(read(init['z'])),
      y,
    });
    expectEqual('y', y, want);
  }
};

/** uint8 qparams of the range of x with 0: `s = f32((max - min) / 255)`, `z = clamp(rne(f32(0 - min / s)))`. */
const dynamicQuantizeLinear: CaseRunner = (c, read) => {
  const x = read(c.inputs!['x']) as Float32Array;
  const min = x.reduce((a, b) => Math.min(a, b), 0);
  const max = x.reduce((a, b) => Math.max(a, b), 0);
  const scale = Math.fround(Math.fround(max - min) / 255);
  const zeroPoint = Math.max(0, Math.min(255, roundHalfEven(Math.fround(-min / scale))));
  expectEqual('s', [scale], read(c.outputs!['s']));
  expectEqual('z', [zeroPoint], read(c.outputs!['z']));
  for (const backend of backends) {
    const y = new Uint8Array(x.length);
    run(backend, 'quantize', {
      ...axisView(c.inputs!['x'].shape, null),
      ...rangeOf(y),
      ...{ x, scale: Float32Array.of(scale), zeroPoint: Int32Array.of(zeroPoint), y },
    });
    expectEqual('y', y, read(c.outputs!['y']));
  }
};

/** The one zero point of a weight whose per-channel zero points agree. */
function commonZeroPoint(zeroPoints: TypedArray): number {
  if (zeroPoints.some((z) => z !== zeroPoints[0])) throw new Error('weight zero points differ');
  return zeroPoints[0];
}

const requantOf = (
  init: Record<string, TensorRef>,
  read: ReadTensor,
  names: readonly [string, string, string],
) => {
  const [inputScale, weightScale] = [names[0], names[1]].map((name) => read(init[name]) as Float32Array);
  const zeroPoint = read(init['zy']);
  return floatRequantization({
    inputScale: inputScale[0],
    weightScale,
    outputScale: read(init[names[2]])[0],
    zeroPoint: zeroPoint[0],
    ...rangeOf(zeroPoint),
  });
};

const conv: CaseRunner = (c, read) => {
  const a = c.attrs as Record<'kernel_shape' | 'pads' | 'strides' | 'dilations', number[]> & {
    group: number;
  };
  const init = initializersOf(c);
  const [batch, inChannels, height, width] = c.inputs!['x'].shape;
  const [outChannels, depth, kernelHeight, kernelWidth] = init['w'].shape;
  const geometry = windowGeometry([batch, height, width], a.kernel_shape, a.strides, a.dilations, a.pads);
  const want = read(c.outputs!['y']) as CodeArray | Int32Array;
  const pixels = geometry.outHeight * geometry.outWidth;
  for (const backend of backends) {
    const y = emptyLike(want, want.length);
    run(backend, 'qconv2d', {
      ...geometry,
      ...{ inChannels, outChannels, groups: a.group },
      x: swapAxes(read(c.inputs!['x']) as CodeArray, batch, inChannels, height * width),
      xZeroPoint: read(init['zx'])[0],
      w: swapAxes(read(init['w']) as CodeArray, outChannels, depth, kernelHeight * kernelWidth),
      wZeroPoint: commonZeroPoint(read(init['zw'])),
      bias: init['b'] ? (read(init['b']) as Int32Array) : null,
      requant: c.op === 'ConvInteger' ? null : requantOf(init, read, ['sx', 'sw', 'sy']),
      y,
    });
    expectEqual('y', swapAxes(y, batch, pixels, outChannels), want);
  }
};

/** [..., m, k] times [..., k, n] over equal batch axes; `b` may also be shared. */
const matmul: CaseRunner = (c, read) => {
  const init = initializersOf(c);
  const aShape = c.inputs!['a'].shape;
  const [m, k] = aShape.slice(-2);
  const n = init['b'].shape.at(-1)!;
  const batch = sizeOf(aShape.slice(0, -2));
  const bBatch = sizeOf(init['b'].shape.slice(0, -2));
  const a = read(c.inputs!['a']) as CodeArray;
  const weights = swapAxes(read(init['b']) as CodeArray, bBatch, k, n);
  const want = read(c.outputs!['y']) as CodeArray | Int32Array;
  const product = (backend: Backend, i: number) => {
    const y = emptyLike(want, m * n);
    run(backend, 'qgemm', {
      ...{ m, n, k, bias: null, y },
      x: a.slice(i * m * k, (i + 1) * m * k),
      xZeroPoint: read(init['za'])[0],
      w: weights.slice((i % bBatch) * n * k, ((i % bBatch) + 1) * n * k),
      wZeroPoint: commonZeroPoint(read(init['zb'])),
      requant: c.op === 'MatMulInteger' ? null : requantOf(init, read, ['sa', 'sb', 'sy']),
    });
    return Array.from(y);
  };
  for (const backend of backends)
    expectEqual('y', Array.from({ length: batch }, (_, i) => product(backend, i)).flat(), want);
};

export const onnxQ: TopicRunner = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  QLinearConv: conv,
  ConvInteger: conv,
  QLinearMatMul: matmul,
  MatMulInteger: matmul,
  QDQ_cnn: qdqCnn,
};
