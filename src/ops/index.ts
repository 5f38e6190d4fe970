/** Every differentiable operation: the functions to call, and the total map of op objects by name. */
import { straightThroughOp } from './straightThrough.js';
import { fakeQuantizeLearnedOp } from './fakeQuantizeLearned.js';
import { fakeQuantizeOp } from './fakeQuantize.js';
import { softplusOp } from './softplus.js';
import { tanhOp } from './tanh.js';
import { sigmoidOp } from './sigmoid.js';
import { hardsigmoidOp } from './hardsigmoid.js';
import { hardswishOp } from './hardswish.js';
import { siluOp } from './silu.js';
import { eluOp } from './elu.js';
import { leakyReluOp } from './leakyRelu.js';
import { relu6Op } from './relu6.js';
import { reluOp } from './relu.js';
import { clampOp } from './clamp.js';
import { squareOp } from './square.js';
import { sqrtOp } from './sqrt.js';
import { logOp } from './log.js';
import { expOp } from './exp.js';
import { absOp } from './abs.js';
import { negOp } from './neg.js';
import { powScalarOp } from './powScalar.js';
import { minimumOp } from './minimum.js';
import { maximumOp } from './maximum.js';
import { divOp } from './div.js';
import { mulOp } from './mul.js';
import { subOp } from './sub.js';
import { addOp } from './add.js';
export { backend, setBackend } from './backend.js';
export * from './add.js';
export * from './sub.js';
export * from './mul.js';
export * from './div.js';
export * from './maximum.js';
export * from './minimum.js';
export * from './powScalar.js';
export * from './neg.js';
export * from './abs.js';
export * from './exp.js';
export * from './log.js';
export * from './sqrt.js';
export * from './square.js';
export * from './clamp.js';
export * from './relu.js';
export * from './relu6.js';
export * from './leakyRelu.js';
export * from './elu.js';
export * from './silu.js';
export * from './hardswish.js';
export * from './hardsigmoid.js';
export * from './sigmoid.js';
export * from './tanh.js';
export * from './softplus.js';
export * from './fakeQuantize.js';
export * from './fakeQuantizeLearned.js';
export * from './straightThrough.js';
export { dequantizeArray, insideRange, quantizeArray } from './quantize.js';

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
  relu: reluOp,
  relu6: relu6Op,
  leakyRelu: leakyReluOp,
  elu: eluOp,
  silu: siluOp,
  hardswish: hardswishOp,
  hardsigmoid: hardsigmoidOp,
  sigmoid: sigmoidOp,
  tanh: tanhOp,
  softplus: softplusOp,
} as const;

export type OpName = keyof typeof OPS;
