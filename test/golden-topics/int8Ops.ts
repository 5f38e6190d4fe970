/** Golden topic int8_ops: TFLite's int8 operators in fixed (both roundings, exact) and float numerics (within tol.ideal). */
import {
  buildLut,
  hardswish,
  leakyRelu,
  run,
  sigmoid,
  type Backend,
  type Numerics,
} from '../../kernels/index.js';
import { sizeOf } from '../../src/core/index.js';
import { expectClose, expectEqual, type CaseRunner, type TopicRunner } from './common.js';
import { attrsOf, clampOf, FULL, int8, outputOf, quantizedInput } from './int8Case.js';
import { conv, fullyConnected } from './int8Layers.js';
import { network } from './int8Network.js';
import { backends, checkIdeal, checkNumerics, tflitePads, windowGeometry } from './kernelCase.js';

const binary: CaseRunner = (c, read) => {
  const a = attrsOf(c);
  checkNumerics(c, read, (backend, numerics) => {
    const y = outputOf(c);
    const params = {
      ...numerics,
      ...clampOf(a),
      aShape: c.inputs!['a'].shape,
      bShape: c.inputs!['b'].shape,
      yShape: c.outputs!['ideal'].shape,
      a: { data: int8(c, read, 'a'), scale: a.a_scale, zeroPoint: a.a_zero_point },
      b: { data: int8(c, read, 'b'), scale: a.b_scale, zeroPoint: a.b_zero_point },
      y,
    };
    if (c.op === 'mul') run(backend, 'qmul', params);
    else run(backend, 'qadd', { ...params, subtract: c.op === 'sub' });
    return y.data;
  });
};

const pool: CaseRunner = (c, read) => {
  const a = attrsOf(c);
  const shape = c.inputs!['x'].shape;
  const pads = tflitePads(a.padding, shape, a.kernel, a.stride, [1, 1]);
  const geometry = windowGeometry(shape, a.kernel, a.stride, [1, 1], pads);
  const compute = (backend: Backend, numerics: Numerics) => {
    const y = outputOf(c);
    const x = quantizedInput(c, read);
    const common = { ...geometry, ...clampOf(a), channels: shape[3] };
    if (c.op === 'max_pool2d') run(backend, 'qmaxpool', { ...common, x: x.data, y: y.data });
    else run(backend, 'qavgpool', { ...common, ...numerics, countIncludePad: false, x, y });
    return y.data;
  };
  for (const backend of backends) {
    const codes = compute(backend, { numerics: 'fixed', rounding: 'double' });
    expectEqual('double', codes, read(c.outputs!['double']));
    const steps = compute(backend, { numerics: 'float' }).map((code, i) => Math.abs(code - codes[i]));
    // The float definition rounds the real average half to even: a tie may go the other way.
    if (steps.some((step) => step > 1)) throw new Error('float numerics: more than one step from TFLite');
  }
};

const requantize: CaseRunner = (c, read) =>
  checkNumerics(c, read, (backend, numerics) => {
    const y = outputOf(c);
    run(backend, 'qrequantize', { ...numerics, ...clampOf(attrsOf(c)), x: quantizedInput(c, read), y });
    return y.data;
  });

const concat: CaseRunner = (c, read) => {
  const { axis, in_scales_zero_points } = attrsOf(c);
  const inputs = in_scales_zero_points.map(([scale, zeroPoint], i) => {
    const inner = sizeOf(c.inputs![`x${i}`].shape.slice(axis));
    return { data: int8(c, read, `x${i}`), scale, zeroPoint, inner };
  });
  const outer = sizeOf(c.inputs!['x0'].shape.slice(0, axis));
  checkNumerics(c, read, (backend, numerics) => {
    const y = outputOf(c);
    run(backend, 'qconcat', { ...numerics, ...FULL, outer, inputs, y });
    return y.data;
  });
};

const softmax: CaseRunner = (c, read) => {
  for (const backend of backends) {
    const y = outputOf(c);
    const columns = c.inputs!['x'].shape.at(-1)!;
    const rows = y.data.length / columns;
    run(backend, 'qsoftmax', {
      rows,
      columns,
      ...FULL,
      beta: attrsOf(c).beta,
      x: quantizedInput(c, read),
      y,
    });
    checkIdeal(c, read, y.data);
  }
};

const functions: Readonly<Record<string, (alpha: number) => (x: number) => number>> = {
  logistic: () => sigmoid,
  tanh: () => Math.tanh,
  hard_swish: () => hardswish,
  leaky_relu: (alpha) => (x) => leakyRelu(x, alpha),
};

const lut: CaseRunner = (c, read) => {
  const a = attrsOf(c);
  for (const rounding of ['even', 'away'] as const) {
    const table = buildLut(
      functions[a.fn](a.alpha),
      { dtype: 'int8', scale: a.in_scale, zeroPoint: a.in_zero_point },
      { dtype: 'int8', scale: a.out_scale, zeroPoint: a.out_zero_point },
      rounding,
    );
    for (const backend of backends) {
      const y = outputOf(c).data;
      run(backend, 'qlut', { x: int8(c, read, 'x'), table, y });
      checkIdeal(c, read, y);
    }
  }
};

const mean: CaseRunner = (c, read) => {
  const { axes } = attrsOf(c);
  const shape = c.inputs!['x'].shape;
  const [first, end] = [axes[0], axes[0] + axes.length];
  expectEqual('neighbouring axes', axes, shape.map((_, i) => i).slice(first, end));
  const extent = {
    outer: sizeOf(shape.slice(0, first)),
    reduce: sizeOf(shape.slice(first, end)),
    inner: sizeOf(shape.slice(end)),
  };
  for (const backend of backends) {
    const compute = (numerics: Numerics) => {
      const y = outputOf(c);
      run(backend, 'qmean', { ...extent, ...numerics, ...FULL, x: quantizedInput(c, read), y });
      return y.data;
    };
    checkIdeal(c, read, compute({ numerics: 'float' }));
    for (const rounding of ['double', 'single'] as const)
      expectClose(rounding, compute({ numerics: 'fixed', rounding }), read(c.outputs!['ideal']), {
        abs: 1,
        rel: 0,
      });
  }
};

const resizeNearest: CaseRunner = (c, read) => {
  const { size, align_corners, half_pixel_centers } = attrsOf(c);
  const [batch, inHeight, inWidth, channels] = c.inputs!['x'].shape;
  for (const backend of backends) {
    const y = outputOf(c).data;
    run(backend, 'qresize', {
      ...{ batch, inHeight, inWidth, channels, outHeight: size[0], outWidth: size[1] },
      alignCorners: align_corners,
      halfPixelCenters: half_pixel_centers,
      x: int8(c, read, 'x'),
      y,
    });
    expectEqual('y', y, read(c.outputs!['double']));
  }
};

const pad: CaseRunner = (c, read) => {
  const { pads, in_zero_point } = attrsOf(c);
  for (const backend of backends) {
    const y = outputOf(c).data;
    run(backend, 'qpad', {
      shape: c.inputs!['x'].shape,
      pads,
      x: int8(c, read, 'x'),
      value: in_zero_point,
      y,
    });
    expectEqual('y', y, read(c.outputs!['double']));
  }
};

const wholeTensor = (length: number, scale: number, zeroPoint: number) => ({
  ...{ outer: 1, channels: 1, inner: length },
  scale: Float32Array.of(scale),
  zeroPoint: Int32Array.of(zeroPoint),
});

const quantize: CaseRunner = (c, read) => {
  const { out_scale, out_zero_point } = attrsOf(c);
  for (const backend of backends) {
    const x = read(c.inputs!['x']) as Float32Array;
    const y = outputOf(c).data;
    run(backend, 'quantize', { ...wholeTensor(x.length, out_scale, out_zero_point), ...FULL, x, y });
    expectEqual('half_even', y, read(c.outputs!['half_even']));
    checkIdeal(c, read, y);
  }
};

const dequantize: CaseRunner = (c, read) => {
  const { in_scale, in_zero_point } = attrsOf(c);
  for (const backend of backends) {
    const x = int8(c, read, 'x');
    const y = new Float32Array(x.length);
    run(backend, 'dequantize', { ...wholeTensor(x.length, in_scale, in_zero_point), x, y });
    checkIdeal(c, read, y);
  }
};

export const int8Ops: TopicRunner = {
  conv2d: conv,
  depthwise_conv2d: conv,
  fully_connected: fullyConnected,
  add: binary,
  sub: binary,
  mul: binary,
  avg_pool2d: pool,
  max_pool2d: pool,
  requantize,
  relu: requantize,
  concat,
  softmax,
  lut,
  mean,
  resize_nearest: resizeNearest,
  pad,
  quantize_f32: quantize,
  dequantize,
  network,
};
