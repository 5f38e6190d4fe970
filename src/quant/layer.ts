/** The weights of a quantized layer: batch norm folded by ordinary ops, scales that leave room for the bias. */
import { Tensor } from '../autograd/index.js';
import { MIN_NORMAL_F32, NDArray, QuantizationError, type QParams } from '../core/index.js';
import type { LayerNode } from '../graph/index.js';
import { add, mul, reshape, sub, where } from '../ops/index.js';
import type { ParamTensors } from '../trace/index.js';

export interface LayerWeights {
  readonly weight: Tensor;
  readonly bias: Tensor | null;
}

/** 1 / sqrt(var + eps), a constant of the tape. */
function inverseDeviation(variance: NDArray, eps: number): Tensor {
  return new Tensor(
    new NDArray(
      Float32Array.from(variance.data, (v) => 1 / Math.sqrt(v + eps)),
      variance.shape,
    ),
  );
}

/** Factors per output channel, shaped to multiply a weight of the given rank. */
export function perFilter(factor: Tensor, rank: number): Tensor {
  return reshape(factor, [factor.size, ...new Array<number>(rank - 1).fill(1)]);
}

/** gamma / sqrt(running var + eps) */
function foldFactor(node: LayerNode, params: ParamTensors): Tensor {
  const bn = node.batchNorm!;
  return mul(params.tensor(bn.gamma), inverseDeviation(params.tensor(bn.variance).value, bn.eps));
}

/**
 * Weights and bias with the running statistics of batch norm folded in:
 * `w * gamma / sigma`, `beta + (b - mean) * gamma / sigma`. Gradients flow to weight, bias, gamma and beta.
 */
export function foldedWeights(node: LayerNode, params: ParamTensors): LayerWeights {
  const weight = params.tensor(node.weight);
  const bias = node.bias === null ? null : params.tensor(node.bias);
  const bn = node.batchNorm;
  if (bn === null) return { weight, bias };
  const factor = foldFactor(node, params);
  const mean = params.tensor(bn.mean).detach();
  const centred = bias === null ? mul(mean, -1) : sub(bias, mean);
  return {
    weight: mul(weight, perFilter(factor, weight.rank)),
    bias: add(params.tensor(bn.beta), mul(centred, factor)),
  };
}

/**
 * For batch norm on the statistics of the batch: weights scaled by the running statistics, so that they are quantized as
 * they will be folded, and the factor that takes the scaling back out after the layer (Krishnamoorthi 2018, "Quantizing
 * deep convolutional networks", section 3.2; PyTorch's ConvBn QAT modules). A channel with gamma = 0 is left unscaled:
 * batch norm multiplies it by 0 anyway, and dividing by 0 would spoil it.
 */
export function scaledWeights(node: LayerNode, params: ParamTensors): { weight: Tensor; factor: Tensor } {
  const weight = params.tensor(node.weight);
  let factor = foldFactor(node, params);
  if (factor.data.includes(0)) {
    const alive = new NDArray(
      Uint8Array.from(factor.data, (f) => (f === 0 ? 0 : 1)),
      factor.shape,
    );
    factor = where(new Tensor(alive), factor, new Tensor(NDArray.full(factor.shape, 1, 'float32')));
  }
  return { weight: mul(weight, perFilter(factor, weight.rank)), factor };
}

const INT32_MAX = 2 ** 31 - 1;

/** The largest |sum (qx - zx) * qw| that any input and any weights of this shape can make. */
export function worstProductSum(weight: NDArray, wq: QParams, xq: QParams): number {
  const terms = weight.size / weight.shape[0];
  const x = Math.max(xq.quantMax - xq.zeroPoint[0], xq.zeroPoint[0] - xq.quantMin);
  return terms * x * Math.max(-wq.quantMin, wq.quantMax);
}

/**
 * Raises weight scales until the int32 bias `rne(b / (sx * sw))` leaves room for the products, so that no accumulator
 * can leave int32. Tiny weights with a large bias (folded batch norm makes them) need it; other stacks saturate the bias
 * there and lose accuracy (onnxruntime#22020, #25278).
 *
 * @throws QuantizationError naming the layer and the bound when products alone can leave int32
 */
export function leaveRoomForBias(
  layer: string,
  weight: NDArray,
  bias: NDArray | null,
  wq: QParams,
  xq: QParams,
): QParams {
  const worst = worstProductSum(weight, wq, xq);
  const room = INT32_MAX - worst;
  if (room < 1)
    throw new QuantizationError(
      `${layer}: an accumulator can reach ${worst}, beyond int32 (${INT32_MAX}); use fewer inputs per output, or fewer bits`,
    );
  if (bias === null) return wq;
  const sx = xq.scale[0];
  let scale: Float32Array | null = null;
  for (let c = 0; c < bias.size; c++) {
    const i = wq.scale.length === 1 ? 0 : c;
    let s = (scale ?? wq.scale)[i];
    if (!Number.isFinite(bias.data[c]))
      throw new QuantizationError(
        `${layer}: its bias ${c} is ${bias.data[c]}; training diverged, lower the learning rate`,
      );
    if (Math.abs(bias.data[c]) <= room * Math.fround(sx * s)) continue;
    s = Math.max(Math.fround(Math.abs(bias.data[c]) / (sx * room)), MIN_NORMAL_F32);
    while (Math.abs(bias.data[c]) > room * Math.fround(sx * s)) s = Math.fround(s * (1 + 2 ** -22));
    scale ??= wq.scale.slice();
    scale[i] = s;
  }
  return scale === null ? wq : { ...wq, scale };
}
