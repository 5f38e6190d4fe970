/** Every differentiable operation: the functions to call, and the total map of op objects by name. */
import { absOp } from './abs.js';
import { adaptiveAvgPool2dOp } from './adaptiveAvgPool2d.js';
import { adaptiveMaxPool2dOp, argAdaptiveMaxPool2dOp } from './adaptiveMaxPool2d.js';
import { addOp } from './add.js';
import { amaxOp } from './amax.js';
import { aminOp } from './amin.js';
import { argmaxOp } from './argmax.js';
import { argminOp } from './argmin.js';
import { atanOp } from './atan.js';
import { avgPool2dOp } from './avgPool2d.js';
import { batchNormOp } from './batchNorm.js';
import { bceWithLogitsOp } from './bceWithLogits.js';
import { catOp } from './cat.js';
import { clampOp } from './clamp.js';
import { clampLearnedOp } from './clampLearned.js';
import { conv2dOp } from './conv2d.js';
import { convTranspose2dOp } from './convTranspose2d.js';
import { crossEntropyOp } from './crossEntropy.js';
import { cumsumOp } from './cumsum.js';
import { divOp } from './div.js';
import { dropoutOp } from './dropout.js';
import { dropoutWithMaskOp } from './dropoutWithMask.js';
import { eluOp } from './elu.js';
import { embeddingOp } from './embedding.js';
import { expOp } from './exp.js';
import { expandOp } from './expand.js';
import { fakeQuantizeOp } from './fakeQuantize.js';
import { fakeQuantizeLearnedOp } from './fakeQuantizeLearned.js';
import { gatherOp } from './gather.js';
import { geluOp } from './gelu.js';
import { groupNormOp } from './groupNorm.js';
import { hardsigmoidOp } from './hardsigmoid.js';
import { hardswishOp } from './hardswish.js';
import { huberLossOp } from './huberLoss.js';
import { indexSelectOp } from './indexSelect.js';
import { klDivOp } from './klDiv.js';
import { l1LossOp } from './l1Loss.js';
import { layerNormOp } from './layerNorm.js';
import { leakyReluOp } from './leakyRelu.js';
import { linearOp } from './linear.js';
import { logOp } from './log.js';
import { logSoftmaxOp } from './logSoftmax.js';
import { logsumexpOp } from './logsumexp.js';
import { matmulOp } from './matmul.js';
import { maxOp } from './max.js';
import { maximumOp } from './maximum.js';
import { maxPool2dOp, argMaxPool2dOp } from './maxPool2d.js';
import { meanOp } from './mean.js';
import { minOp } from './min.js';
import { minimumOp } from './minimum.js';
import { mseLossOp } from './mseLoss.js';
import { mulOp } from './mul.js';
import { negOp } from './neg.js';
import { nllLossOp } from './nllLoss.js';
import { padConstantOp } from './padConstant.js';
import { padReflect2dOp } from './padReflect2d.js';
import { permuteOp } from './permute.js';
import { powScalarOp } from './powScalar.js';
import { reluOp } from './relu.js';
import { relu6Op } from './relu6.js';
import { reshapeOp } from './reshape.js';
import { selectOp } from './select.js';
import { sigmoidOp } from './sigmoid.js';
import { sigmoidFocalLossOp } from './sigmoidFocalLoss.js';
import { siluOp } from './silu.js';
import { sliceOp } from './slice.js';
import { smoothL1LossOp } from './smoothL1Loss.js';
import { softmaxOp } from './softmax.js';
import { softplusOp } from './softplus.js';
import { sqrtOp } from './sqrt.js';
import { squareOp } from './square.js';
import { stackOp } from './stack.js';
import { straightThroughOp } from './straightThrough.js';
import { subOp } from './sub.js';
import { sumOp } from './sum.js';
import { tanhOp } from './tanh.js';
import { upsampleBilinear2dOp } from './upsampleBilinear2d.js';
import { upsampleNearest2dOp } from './upsampleNearest2d.js';
import { whereOp } from './where.js';

export { backend, persistent, setBackend, tidy } from './backend.js';
export { dequantizeArray, insideRange, quantizeArray } from './quantize.js';
export type { Reduction } from './reduction.js';
export * from './abs.js';
export * from './adaptiveAvgPool2d.js';
export * from './adaptiveMaxPool2d.js';
export * from './add.js';
export * from './amax.js';
export * from './amin.js';
export * from './argmax.js';
export * from './argmin.js';
export * from './atan.js';
export * from './avgPool2d.js';
export * from './batchNorm.js';
export * from './bceWithLogits.js';
export * from './cat.js';
export * from './ciouLoss.js';
export * from './clamp.js';
export * from './clampLearned.js';
export * from './conv2d.js';
export * from './convTranspose2d.js';
export * from './crossEntropy.js';
export * from './cumsum.js';
export * from './distillationLoss.js';
export * from './div.js';
export * from './dropout.js';
export * from './dropoutWithMask.js';
export * from './elu.js';
export * from './embedding.js';
export * from './exp.js';
export * from './expand.js';
export * from './fakeQuantize.js';
export * from './fakeQuantizeLearned.js';
export * from './flatten.js';
export * from './gather.js';
export * from './gelu.js';
export * from './groupNorm.js';
export * from './hardsigmoid.js';
export * from './hardswish.js';
export * from './huberLoss.js';
export * from './indexSelect.js';
export * from './klDiv.js';
export * from './l1Loss.js';
export * from './layerNorm.js';
export * from './leakyRelu.js';
export * from './linear.js';
export * from './log.js';
export * from './logSoftmax.js';
export * from './logsumexp.js';
export * from './matmul.js';
export * from './max.js';
export * from './maximum.js';
export * from './maxPool2d.js';
export * from './mean.js';
export * from './min.js';
export * from './minimum.js';
export * from './mseLoss.js';
export * from './mul.js';
export * from './neg.js';
export * from './nllLoss.js';
export * from './padConstant.js';
export * from './padReflect2d.js';
export * from './permute.js';
export * from './powScalar.js';
export * from './quantizedLayer.js';
export * from './relu.js';
export * from './relu6.js';
export * from './reshape.js';
export * from './select.js';
export * from './sigmoid.js';
export * from './sigmoidFocalLoss.js';
export * from './silu.js';
export * from './slice.js';
export * from './smoothL1Loss.js';
export * from './softmax.js';
export * from './softplus.js';
export * from './sqrt.js';
export * from './square.js';
export * from './squeeze.js';
export * from './stack.js';
export * from './straightThrough.js';
export * from './sub.js';
export * from './sum.js';
export * from './tanh.js';
export * from './transpose.js';
export * from './unsqueeze.js';
export * from './upsampleBilinear2d.js';
export * from './upsampleNearest2d.js';
export * from './variance.js';
export * from './where.js';

/** Each op under its name: what a tracer, an exporter or a test iterates over. */
export const OPS = {
  fakeQuantize: fakeQuantizeOp,
  fakeQuantizeLearned: fakeQuantizeLearnedOp,
  straightThrough: straightThroughOp,
  add: addOp,
  sub: subOp,
  mul: mulOp,
  div: divOp,
  maximum: maximumOp,
  minimum: minimumOp,
  powScalar: powScalarOp,
  neg: negOp,
  abs: absOp,
  exp: expOp,
  log: logOp,
  sqrt: sqrtOp,
  square: squareOp,
  clamp: clampOp,
  clampLearned: clampLearnedOp,
  relu: reluOp,
  relu6: relu6Op,
  leakyRelu: leakyReluOp,
  elu: eluOp,
  silu: siluOp,
  hardswish: hardswishOp,
  hardsigmoid: hardsigmoidOp,
  sigmoid: sigmoidOp,
  tanh: tanhOp,
  atan: atanOp,
  softplus: softplusOp,
  gelu: geluOp,
  where: whereOp,
  dropout: dropoutOp,
  dropoutWithMask: dropoutWithMaskOp,
  matmul: matmulOp,
  linear: linearOp,
  softmax: softmaxOp,
  logSoftmax: logSoftmaxOp,
  logsumexp: logsumexpOp,
  sum: sumOp,
  mean: meanOp,
  amax: amaxOp,
  amin: aminOp,
  max: maxOp,
  min: minOp,
  argmax: argmaxOp,
  argmin: argminOp,
  cumsum: cumsumOp,
  reshape: reshapeOp,
  permute: permuteOp,
  expand: expandOp,
  conv2d: conv2dOp,
  convTranspose2d: convTranspose2dOp,
  maxPool2d: maxPool2dOp,
  argMaxPool2d: argMaxPool2dOp,
  avgPool2d: avgPool2dOp,
  adaptiveAvgPool2d: adaptiveAvgPool2dOp,
  adaptiveMaxPool2d: adaptiveMaxPool2dOp,
  argAdaptiveMaxPool2d: argAdaptiveMaxPool2dOp,
  upsampleNearest2d: upsampleNearest2dOp,
  upsampleBilinear2d: upsampleBilinear2dOp,
  batchNorm: batchNormOp,
  layerNorm: layerNormOp,
  groupNorm: groupNormOp,
  embedding: embeddingOp,
  gather: gatherOp,
  indexSelect: indexSelectOp,
  slice: sliceOp,
  select: selectOp,
  cat: catOp,
  stack: stackOp,
  padConstant: padConstantOp,
  padReflect2d: padReflect2dOp,
  nllLoss: nllLossOp,
  crossEntropy: crossEntropyOp,
  mseLoss: mseLossOp,
  l1Loss: l1LossOp,
  smoothL1Loss: smoothL1LossOp,
  huberLoss: huberLossOp,
  bceWithLogits: bceWithLogitsOp,
  sigmoidFocalLoss: sigmoidFocalLossOp,
  klDiv: klDivOp,
} as const;

export type OpName = keyof typeof OPS;
