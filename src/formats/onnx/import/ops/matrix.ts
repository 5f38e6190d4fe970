/** Products of matrices: a constant operand makes a layer of the product, two values a product of values. */
import { sizeOf } from '../../../../core/index.js';
import { isConstant, type Operand } from '../call.js';
import { mapConstant, type Constant } from '../constants.js';
import type { Network } from '../network.js';
import type { Importer, Importers } from './types.js';

const flipped = (rank: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));

/** x [..., k] times weights [out, k]. */
function linear(net: Network, x: Operand, weights: Constant, bias: Constant | null): Operand {
  return net.node({
    op: 'linear',
    inputs: [net.value(x)],
    weight: net.param('weight', weights),
    bias: bias === null ? null : net.param('bias', bias),
    batchNorm: null,
    activation: 'none',
  });
}

/** A constant that is one matrix, if need be with sizes of 1 in front. */
function weightsOf(net: Network, x: Operand, rank: number): Constant | null {
  if (!isConstant(x) || x.dims.length > rank || x.dims.slice(0, -2).some((d) => d !== 1)) return null;
  return net.reshape(x, x.dims.slice(-2)) as Constant;
}

const matMul: Importer = (call, net) => {
  const [a, b] = [call.operand(0), call.operand(1)];
  if (net.rank(a) === 0 || net.rank(b) === 0) call.invalid('multiplies a scalar');
  // A vector on the left is a row, on the right a column; the axis added goes again.
  const left = net.rank(a) === 1 ? net.reshape(a, [1, ...net.shape(a)]) : a;
  const right = net.rank(b) === 1 ? net.reshape(b, [...net.shape(b), 1]) : b;
  const weights = isConstant(left) ? null : weightsOf(net, right, net.rank(left));
  const y =
    weights === null
      ? net.node({ op: 'matmul', inputs: net.aligned([left, right]).map((x) => net.value(x)) })
      : linear(net, left, net.transpose(weights, [1, 0]) as Constant, null);
  const shape = [...net.shape(y)];
  if (net.rank(b) === 1) shape.pop();
  if (net.rank(a) === 1) shape.splice(shape.length - (net.rank(b) === 1 ? 1 : 2), 1);
  return [net.reshape(y, shape)];
};

const gemm: Importer = (call, net) => {
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)];
  const [transA, transB] = [call.flag('transA'), call.flag('transB')];
  const [a, b] = [call.operand(0), call.operand(1)];
  if (net.rank(a) !== 2 || net.rank(b) !== 2) call.invalid('multiplies what are not matrices');
  const c = call.given(2) && beta !== 0 ? call.operand(2) : null;
  const left = transA ? net.transpose(a, [1, 0]) : a;
  const times = (x: Operand, factor: number, part: string): Operand =>
    factor === 1 ? x : net.binary('Mul', x, net.float(factor, net.rank(x)), part);
  if (isConstant(b) && !isConstant(left)) {
    const weights = transB ? b : (net.transpose(b, [1, 0]) as Constant);
    const scaled = alpha === 1 ? weights : mapConstant(net.allowance, weights, (v) => v * alpha);
    const [out] = weights.dims;
    const vector = c !== null && isConstant(c) && sizeOf(c.dims) === out && (c.dims.at(-1) ?? 1) === out;
    if (!vector) {
      const y = linear(net, left, scaled, null);
      return [c === null ? y : net.binary('Add', y, times(c, beta, 'beta'), 'sum')];
    }
    const bias = net.reshape(beta === 1 ? c : mapConstant(net.allowance, c, (v) => v * beta), [out]);
    return [linear(net, left, scaled, bias as Constant)];
  }
  const right = transB ? net.transpose(b, flipped(2)) : b;
  const product = net.node({ op: 'matmul', inputs: [net.value(left), net.value(right)] });
  const y = times(product, alpha, 'alpha');
  return [c === null ? y : net.binary('Add', y, times(c, beta, 'beta'), 'sum')];
};

export const MATRIX: Importers = { MatMul: matMul, Gemm: gemm };
