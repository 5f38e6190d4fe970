/** Fake quantization with fixed parameters: quantize and dequantize in one step, straight-through gradient. */
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { NDArray, type QParams } from '../core/index.js';
import { checkFloats, floats } from './checks.js';
import { map } from './map.js';
import { checkQParamsFit, quantOperands } from './quantize.js';

export interface FakeQuantizeAttrs {
  readonly qparams: QParams;
}

export const fakeQuantizeOp: OpDef<FakeQuantizeAttrs> = {
  name: 'fakeQuantize',
  infer([x], { qparams }) {
    checkFloats('fakeQuantize', { x });
    checkQParamsFit('fakeQuantize', x, qparams);
    return { shape: x.shape, dtype: x.dtype };
  },
  forward(ctx, [x], { qparams }) {
    ctx.save(x);
    const y = NDArray.emptyLike(x);
    const { scale, low, high, inner } = quantOperands(x.shape, qparams);
    map('fakeQuantize', [floats(x), scale, low, high], [floats(y)], [], inner);
    return y;
  },
  backward(ctx, grad, { qparams }) {
    const [x] = ctx.saved;
    const dx = NDArray.emptyLike(x);
    const { scale, low, high, inner } = quantOperands(x.shape, qparams);
    map('fakeQuantizeGrad', [floats(grad), floats(x), scale, low, high], [floats(dx)], [], inner);
    return [dx];
  },
};

/**
 * `y = (clamp(rne(x / scale) + zeroPoint, quantMin, quantMax) - zeroPoint) * scale`, the value that the code of `x`
 * stands for, of the shape of `x`.
 *
 * float32: `x / scale` and the result are rounded to float32, so that y equals `dequantizeArray(quantizeArray(x))` bit
 * for bit. float64: plain double arithmetic with the float32 scale. NaN becomes 0 (the code is the zero point) and
 * infinities saturate.
 *
 * Gradient (straight-through estimator, Bengio et al. 2013): `dx = dy` where the unclamped code lies in
 * `[quantMin, quantMax]`, else 0.
 *
 * @throws QuantizationError when the qparams are invalid or do not fit the shape; DTypeError for an integer tensor
 */
export function fakeQuantize(x: Tensor, qparams: QParams): Tensor {
  return apply(fakeQuantizeOp, [x], { qparams });
}
