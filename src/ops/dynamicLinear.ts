/**
 * A linear layer whose weights are codes and whose input becomes codes when it runs, in the range that it has then: dynamic
 * quantization, as PyTorch's quantize_dynamic and ONNX's DynamicQuantizeLinear with MatMulInteger do it. Exact int32 sums,
 * float results, no gradients.
 */
import type { CodeArray } from '../../kernels/index.js';
import { roundHalfEven } from '../../kernels/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import {
  AutogradError,
  DTypeError,
  formatShape,
  MIN_NORMAL_F32,
  NDArray,
  perTensor,
  QuantizationError,
  ShapeError,
  type FloatArray,
  type QParams,
} from '../core/index.js';
import { backend, compute, persistent, prepareFor } from './backend.js';
import { map } from './map.js';
import { accumulatorScale } from './quantizedLayer.js';
import { quantOperands } from './quantize.js';

const UINT8 = { quantMin: 0, quantMax: 255 };

/**
 * ONNX DynamicQuantizeLinear: uint8 codes of the range of `x`, which 0 belongs to.
 * `scale = f32(f32(hi - lo) / 255)`, `zeroPoint = clamp(rne(f32(-lo / scale)))`; where all is 0 the scale is 1, as in ONNX
 * Runtime, and it is never below the smallest normal float32.
 *
 * @throws QuantizationError when `x` holds NaN or Infinity, or its range is none of float32
 */
export function dynamicQParams(x: FloatArray): QParams {
  const [min, max] = [new Float64Array(1), new Float64Array(1)];
  const sums = { fn: 'range', outer: 1, rows: x.length, channels: 1, p: [] } as const;
  if (x.length > 0) compute('sums', { ...sums, x: [x], y: [min, max] });
  const low = Math.min(min[0], 0);
  const range = Math.fround(Math.max(max[0], 0) - low);
  if (!Number.isFinite(range))
    throw new QuantizationError(
      `x: its values range from ${min[0]} to ${max[0]}; dynamic quantization takes finite float32 values`,
    );
  const scale = range === 0 ? 1 : Math.max(Math.fround(range / 255), MIN_NORMAL_F32);
  const zeroPoint = roundHalfEven(Math.fround((0 - low) / scale));
  return perTensor(scale, Math.min(zeroPoint, UINT8.quantMax), UINT8);
}

/** Products with packed weights: for one number of rows, and for inputs of any zero point. */
class Product {
  readonly backend = backend();
  /** [rows, in] */
  readonly codes: CodeArray;
  /** [rows, out]: `sum qx * qw` */
  readonly sums: Int32Array;
  /** [out]: `sum qw`, to be taken off the sums as many times as the zero point says */
  readonly totals: Int32Array;
  readonly run: () => void;

  constructor({ shape: [n, k], data }: NDArray, rows: number) {
    const w = data as CodeArray;
    this.codes = persistent(() => NDArray.empty([rows, k], 'uint8')).data as CodeArray;
    this.sums = persistent(() => NDArray.empty([rows, n], 'int32')).data as Int32Array;
    this.totals = new Int32Array(n);
    for (let i = 0; i < w.length; i++) this.totals[Math.floor(i / k)] += w[i];
    this.run = prepareFor(this, 'qgemm', {
      ...{ m: rows, n, k, x: this.codes, xZeroPoint: 0, w, wZeroPoint: 0 },
      ...{ bias: null, requant: null, y: this.sums },
    });
  }
}

/** Of weights in use: packing those of 784 to 512 takes 6 ms, their product with one row 0.1 ms. */
const PRODUCTS = new WeakMap<NDArray, Product>();

function productOf(weight: NDArray, rows: number): Product {
  let product = PRODUCTS.get(weight);
  if (product?.codes.length !== rows * weight.shape[1] || product.backend !== backend())
    PRODUCTS.set(weight, (product = new Product(weight, rows)));
  return product;
}

export interface DynamicLinearAttrs {
  /** int8 codes [out, in], which do not change */
  readonly weight: NDArray;
  /** symmetric; per tensor, or per output (axis 0) */
  readonly weightQParams: QParams;
  /** float32 [out] */
  readonly bias: NDArray | null;
}

export const dynamicLinearOp: OpDef<DynamicLinearAttrs> = {
  name: 'dynamicLinear',
  infer([x], { weight }) {
    if (x.dtype !== 'float32')
      throw new DTypeError(`x: dynamicLinear got ${x.dtype}; convert it with astype('float32')`);
    const [outputs, inputs] = weight.shape;
    if (x.shape.length === 0 || x.shape[x.shape.length - 1] !== inputs)
      throw new ShapeError(
        `x: dynamicLinear with weight ${formatShape(weight.shape)} takes [..., ${inputs}], got shape ${formatShape(x.shape)}`,
      );
    return { shape: [...x.shape.slice(0, -1), outputs], dtype: 'float32' };
  },
  forward(_, [x], { weight, weightQParams, bias }) {
    const [n, k] = weight.shape;
    const y = NDArray.empty([...x.shape.slice(0, -1), n], 'float32');
    const input = dynamicQParams(x.data as FloatArray);
    const { scale, low, high, zeroPoint } = quantOperands(x.shape, input);
    const { codes, sums, run, totals } = productOf(weight, x.size / k);
    map('quantize', [x.data as FloatArray, scale, low, high, zeroPoint], [codes]);
    run();
    const scales = accumulatorScale(input, weightQParams);
    const factors = scales.length === 1 ? new Float32Array(n).fill(scales[0]) : scales;
    const [out, added] = [y.data, bias === null ? null : bias.data];
    const zero = input.zeroPoint[0];
    for (let row = 0; row < sums.length; row += n)
      for (let j = 0; j < n; j++) {
        const real = Math.fround(Math.fround(sums[row + j] - zero * totals[j]) * factors[j]);
        out[row + j] = added === null ? real : real + added[j];
      }
    return y;
  },
  backward() {
    throw new AutogradError(
      'dynamicLinear: dynamic quantization has no gradient; train the float network, or prepare(graph, qatConfig())',
    );
  },
};

/**
 * `y = f32(f32(acc) * f32(sx * sw)) + bias` with `acc = sum (qx - zx) * qw`, and qx, sx, zx of {@link dynamicQParams}. One
 * range serves all of x: the rows of a batch share it.
 *
 * @param x [..., in], float32
 * @returns [..., out]
 * @throws ShapeError, DTypeError for an x that does not fit, QuantizationError for one that is not finite
 */
export function dynamicLinear(x: Tensor, attrs: DynamicLinearAttrs): Tensor {
  return apply(dynamicLinearOp, [x], attrs);
}
