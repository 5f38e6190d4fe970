/** Golden case network: conv, depthwise, add, max pool, average pool, fully connected, composed from the kernels. */
import {
  activationRange,
  buildRequantization,
  run,
  type Backend,
  type ClampActivation,
  type Numerics,
  type QuantizedArray,
} from '../../kernels/index.js';
import { expectEqual, type CaseRunner, type GoldenCase, type ReadTensor } from './common.js';
import { attrsOf, FULL, int8 } from './int8Case.js';
import { backends, checkNumerics, tflitePads, windowGeometry } from './kernelCase.js';

interface Layer {
  layer: string;
  op: string;
  activation: ClampActivation;
  a: string;
  b: string;
  out_scale: number;
  out_zero_point: number;
  kernel: number[];
  stride: number[];
  padding: string;
}
interface Activation extends QuantizedArray {
  readonly data: Int8Array;
  readonly shape: readonly number[];
}

export const network: CaseRunner = (c, read) => {
  checkNumerics(c, read, (backend, numerics) => forward(c, read, backend, numerics).at(-1)!.data);
  const { layers } = c.attrs as unknown as { layers: Layer[] };
  for (const backend of backends) {
    const outputs = forward(c, read, backend, { numerics: 'fixed', rounding: 'double' });
    layers.slice(0, -1).forEach(({ layer }, i) => {
      expectEqual(layer, outputs[i].data, read(c.outputs![`${layer}_out`]));
    });
  }
};

/** The output of every layer. */
function forward(c: GoldenCase, read: ReadTensor, backend: Backend, numerics: Numerics): Activation[] {
  const { in_scale, in_zero_point } = attrsOf(c);
  const { layers } = c.attrs as unknown as { layers: Layer[] };
  const byName: Record<string, Activation> = {};
  let x: Activation = {
    data: int8(c, read, 'x'),
    scale: in_scale,
    zeroPoint: in_zero_point,
    shape: c.inputs!['x'].shape,
  };
  for (const layer of layers) {
    if (layer.op === 'add') x = add(backend, numerics, byName[layer.a], byName[layer.b], layer);
    else if (layer.op.endsWith('pool2d')) x = pool(backend, numerics, x, layer);
    else x = weighted(c, read, backend, numerics, x, layer);
    byName[layer.layer] = x;
  }
  return Object.values(byName);
}

function weighted(
  c: GoldenCase,
  read: ReadTensor,
  backend: Backend,
  numerics: Numerics,
  x: Activation,
  { layer, op, activation = 'none', stride, padding, out_scale, out_zero_point }: Layer,
): Activation {
  const weights = int8(c, read, `${layer}_w`);
  const shape = c.inputs![`${layer}_w`].shape;
  const outChannels = op === 'depthwise_conv2d' ? shape[3] : shape[0];
  const requant = buildRequantization(numerics, {
    inputScale: x.scale,
    weightScale: read(c.inputs![`${layer}_w_scale`]) as Float32Array,
    outputScale: out_scale,
    zeroPoint: out_zero_point,
    ...activationRange(activation, out_scale, out_zero_point, -128, 127, 'away'),
  });
  const operands = {
    x: x.data,
    xZeroPoint: x.zeroPoint,
    wZeroPoint: 0,
    bias: read(c.inputs![`${layer}_bias`]) as Int32Array,
    requant,
  };
  const qparams = { scale: out_scale, zeroPoint: out_zero_point };
  if (op === 'fully_connected') {
    const data = new Int8Array(outChannels);
    run(backend, 'qgemm', { ...operands, m: 1, n: outChannels, k: shape[1], w: weights, y: data });
    return { ...qparams, data, shape: [1, outChannels] };
  }
  const [, kernelHeight, kernelWidth] = shape;
  const kernel = [kernelHeight, kernelWidth];
  const geometry = windowGeometry(
    x.shape,
    kernel,
    stride,
    [1, 1],
    tflitePads(padding, x.shape, kernel, stride, [1, 1]),
  );
  const depthwise = op === 'depthwise_conv2d';
  const taps = kernelHeight * kernelWidth;
  const w = depthwise
    ? weights.map((_, i) => weights[(i % taps) * outChannels + Math.floor(i / taps)])
    : weights;
  const outShape = [x.shape[0], geometry.outHeight, geometry.outWidth, outChannels];
  const data = new Int8Array(outShape[0] * outShape[1] * outShape[2] * outShape[3]);
  const channels = { inChannels: x.shape[3], outChannels, groups: depthwise ? x.shape[3] : 1 };
  run(backend, 'qconv2d', { ...geometry, ...channels, ...operands, w, y: data });
  return { ...qparams, data, shape: outShape };
}

function add(backend: Backend, numerics: Numerics, a: Activation, b: Activation, layer: Layer): Activation {
  const y = { ...a, data: a.data.slice(), scale: layer.out_scale, zeroPoint: layer.out_zero_point };
  const shapes = { aShape: a.shape, bShape: b.shape, yShape: y.shape };
  run(backend, 'qadd', { ...numerics, ...FULL, ...shapes, a, b, y, subtract: false });
  return y;
}

function pool(backend: Backend, numerics: Numerics, x: Activation, layer: Layer): Activation {
  const { kernel, stride, padding } = layer;
  const pads = tflitePads(padding, x.shape, kernel, stride, [1, 1]);
  const geometry = windowGeometry(x.shape, kernel, stride, [1, 1], pads);
  const [batch, , , channels] = x.shape;
  const shape = [batch, geometry.outHeight, geometry.outWidth, channels];
  const y = { ...x, shape, data: new Int8Array(batch * geometry.outHeight * geometry.outWidth * channels) };
  if (layer.op === 'max_pool2d')
    run(backend, 'qmaxpool', { ...geometry, ...FULL, channels, x: x.data, y: y.data });
  else
    run(backend, 'qavgpool', { ...geometry, ...numerics, ...FULL, channels, countIncludePad: false, x, y });
  return y;
}
