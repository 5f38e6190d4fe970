/** Golden topic `fakequant`: codes, values, masks and gradients of fake quantization. */
import { tensor, type Tensor } from '../../src/autograd/index.js';
import { NDArray, qdtypeOf, type QParams } from '../../src/core/index.js';
import { fakeQuantize } from '../../src/ops/fakeQuantize.js';
import { fakeQuantizeLearned } from '../../src/ops/fakeQuantizeLearned.js';
import { insideRange, quantizeArray } from '../../src/ops/quantize.js';
import { expectClose, expectEqual, type CaseRunner, type GoldenCase, type ReadTensor } from './common.js';
import type { Tolerance, TopicRunner } from './common.js';

interface Attrs {
  quant_min: number;
  quant_max: number;
  scale?: number;
  zero_point?: number;
  axis?: number | null;
  grad_factor?: number;
}

function qparamsOf(c: GoldenCase, scale: ArrayLike<number>, zeroPoint: ArrayLike<number>): QParams {
  const { quant_min: quantMin, quant_max: quantMax, axis = null } = c.attrs as unknown as Attrs;
  return {
    dtype: qdtypeOf({ quantMin, quantMax }),
    scale: Float32Array.from(scale),
    zeroPoint: Int32Array.from(zeroPoint),
    axis,
    quantMin,
    quantMax,
  };
}

function leaf(c: GoldenCase, read: ReadTensor, name: string): Tensor {
  const ref = c.inputs![name];
  return tensor(read(ref), { shape: ref.shape, requiresGrad: true });
}

function backward(c: GoldenCase, read: ReadTensor, y: Tensor): void {
  y.backward(new NDArray(read(c.grad_outputs!['y']), y.shape));
}

/** y, codes and mask. */
function expectForward(c: GoldenCase, read: ReadTensor, x: Tensor, y: Tensor, qp: QParams): void {
  expectClose('y', y.data, read(c.outputs!['y']), c.tol_f32!);
  expectEqual('q', quantizeArray(x.value, qp).data, read(c.outputs!['q']));
  expectEqual('mask', insideRange(x.value, qp), read(c.outputs!['mask']));
}

const fixed: CaseRunner = (c, read) => {
  const { scale, zero_point } = c.attrs as unknown as Attrs;
  const qp =
    scale === undefined
      ? qparamsOf(c, read(c.inputs!['scale']), read(c.inputs!['zero_point']))
      : qparamsOf(c, [scale], [zero_point!]);
  const x = leaf(c, read, 'x');
  const y = fakeQuantize(x, qp);
  expectForward(c, read, x, y, qp);
  backward(c, read, y);
  expectEqual('grad x', x.grad!.data, read(c.grads!['x']));
};

/** Informative: the library differs where it sends NaN to the zero point and refuses scales that are 0 or denormal. */
const edge: CaseRunner = (c, read) => {
  const { scale, zero_point } = c.attrs as unknown as Attrs;
  const x = leaf(c, read, 'x');
  const { y } = c['recommended'] as Record<string, { dtype: 'float32'; shape: number[]; offset: number }>;
  expectEqual('y', fakeQuantize(x, qparamsOf(c, [scale!], [zero_point!])).data, read(y));
};

const learnable: CaseRunner = (c, read) => {
  const a = c.attrs as unknown as Attrs;
  const [x, scale, zeroPoint] = ['x', 'scale', 'zero_point'].map((name) => leaf(c, read, name));
  const y = fakeQuantizeLearned(x, scale, zeroPoint, {
    quantMin: a.quant_min,
    quantMax: a.quant_max,
    axis: a.axis ?? null,
    gradFactor: a.grad_factor!,
  });
  expectForward(c, read, x, y, qparamsOf(c, scale.data, zeroPoint.data));
  backward(c, read, y);
  expectEqual('grad x', x.grad!.data, read(c.grads!['x']));
  expectClose('grad scale', scale.grad!.data, read(c.grads!['scale']), c['tol_grad_scale'] as Tolerance);
  expectClose(
    'grad zero_point',
    zeroPoint.grad!.data,
    read(c.grads!['zero_point']),
    c['tol_grad_zero_point'] as Tolerance,
  );
};

export const fakequant: TopicRunner = {
  fake_quant_per_tensor: fixed,
  fake_quant_per_channel: fixed,
  fake_quant_edge: edge,
  fake_quant_learnable: learnable,
};
