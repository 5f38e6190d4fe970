/** Golden cases of layers with int32 accumulators: CONV_2D, DEPTHWISE_CONV_2D, FULLY_CONNECTED. */
import { buildRequantization, run, type Backend, type Numerics, type OpParams } from '../../kernels/index.js';
import { expectEqual, type CaseRunner, type GoldenCase, type ReadTensor } from './common.js';
import { attrsOf, clampOf, int8, outputOf } from './int8Case.js';
import { backends, checkNumerics, tflitePads, windowGeometry } from './kernelCase.js';

function requantOf(c: GoldenCase, read: ReadTensor, numerics: Numerics) {
  const a = attrsOf(c);
  const requant = buildRequantization(numerics, {
    inputScale: a.in_scale,
    weightScale: read(c.inputs!['w_scale']) as Float32Array,
    outputScale: a.out_scale,
    zeroPoint: a.out_zero_point,
    ...clampOf(a),
  });
  if (requant.numerics === 'fixed') {
    expectEqual('multiplier', requant.multiplier, read(c.outputs!['multiplier']));
    expectEqual('shift', requant.shift, read(c.outputs!['shift']));
  }
  return requant;
}

/** Runs a layer with an int32 accumulator: the sums must equal outputs.acc, the codes pass checkNumerics. */
function checkLayer<O extends 'qgemm' | 'qconv2d'>(
  op: O,
  params: Omit<OpParams[O], 'y' | 'requant'>,
  c: GoldenCase,
  read: ReadTensor,
): void {
  const execute = (backend: Backend, rest: Pick<OpParams['qgemm'], 'y' | 'requant'>) =>
    run(backend, op, { ...params, ...rest } as unknown as OpParams[O]);
  for (const backend of backends) {
    const acc = read(c.outputs!['acc']);
    const y = new Int32Array(acc.length);
    execute(backend, { y, requant: null });
    expectEqual('acc', y, acc);
  }
  checkNumerics(c, read, (backend, numerics) => {
    const y = outputOf(c).data;
    execute(backend, { y, requant: requantOf(c, read, numerics) });
    return y;
  });
}

export const conv: CaseRunner = (c, read) => {
  const { stride, dilation, padding, in_zero_point } = attrsOf(c);
  const x = c.inputs!['x'].shape;
  const w = c.inputs!['w'].shape;
  const depthwise = c.op === 'depthwise_conv2d';
  const kernel = [w[1], w[2]];
  const data = int8(c, read, 'w');
  const outChannels = depthwise ? w[3] : w[0];
  const taps = kernel[0] * kernel[1];
  const params = {
    ...windowGeometry(x, kernel, stride, dilation, tflitePads(padding, x, kernel, stride, dilation)),
    inChannels: x[3],
    outChannels,
    groups: depthwise ? x[3] : 1,
    x: int8(c, read, 'x'),
    xZeroPoint: in_zero_point,
    w: depthwise ? data.map((_, i) => data[(i % taps) * outChannels + Math.floor(i / taps)]) : data,
    wZeroPoint: 0,
    bias: c.inputs!['bias'] ? (read(c.inputs!['bias']) as Int32Array) : null,
  };
  checkLayer('qconv2d', params, c, read);
};

export const fullyConnected: CaseRunner = (c, read) => {
  const [m, k] = c.inputs!['x'].shape;
  const params = {
    ...{ m, k, n: c.inputs!['w'].shape[0] },
    x: int8(c, read, 'x'),
    xZeroPoint: attrsOf(c).in_zero_point,
    w: int8(c, read, 'w'),
    wZeroPoint: 0,
    bias: c.inputs!['bias'] ? (read(c.inputs!['bias']) as Int32Array) : null,
  };
  checkLayer('qgemm', params, c, read);
};
