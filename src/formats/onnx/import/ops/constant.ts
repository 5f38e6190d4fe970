/** Constants and what is known without computing: shapes are known throughout. */
import { sizeOf } from '../../../../core/index.js';
import { fromTensor, type Constant } from '../constants.js';
import type { Network } from '../network.js';
import type { OnnxDType } from '../../types.js';
import type { Importer, Importers } from './types.js';

function listed(
  net: Network,
  dtype: OnnxDType,
  values: readonly number[],
  dims: readonly number[],
): Constant {
  const out = net.allowance.constant(dtype, dims);
  out.data.set(values);
  return out;
}

const constant: Importer = (call, net) => {
  const value = call.tensor('value');
  if (value !== null) {
    net.allowance.grant(value.data.length);
    return [fromTensor(value)];
  }
  if (call.has('value_float')) return [listed(net, 'float32', [call.float('value_float', 0)], [])];
  if (call.has('value_int')) return [listed(net, 'int64', [call.int('value_int', 0)], [])];
  const floats = call.floats('value_floats');
  if (floats !== null) return [listed(net, 'float32', floats, [floats.length])];
  const ints = call.ints('value_ints');
  if (ints !== null) return [listed(net, 'int64', ints, [ints.length])];
  return call.refuse('has no value of a kind that is supported');
};

const constantOfShape: Importer = (call, net) => {
  const dims = call.list(0, 'shape') ?? call.invalid('has no shape');
  const value = call.tensor('value');
  const one = value === null ? net.float(0, 1) : fromTensor(value);
  const out = net.allowance.constant(one.dtype, dims);
  out.data.fill(one.data[0]);
  return [out];
};

const shape: Importer = (call, net) => {
  const dims = net.shape(call.operand(0));
  const clamp = (v: number): number => Math.min(Math.max(v < 0 ? v + dims.length : v, 0), dims.length);
  const part = dims.slice(clamp(call.int('start', 0)), clamp(call.int('end', dims.length)));
  return [listed(net, 'int64', part, [part.length])];
};

const size: Importer = (call, net) => [listed(net, 'int64', [sizeOf(net.shape(call.operand(0)))], [])];

const range: Importer = (call, net) => {
  const [start, limit, delta] = ['start', 'limit', 'delta'].map((what, i) => call.required(i, what));
  const step = delta.data[0];
  const count = Math.max(Math.ceil((limit.data[0] - start.data[0]) / step), 0);
  if (!Number.isSafeInteger(count)) call.invalid('counts for ever');
  const out = net.allowance.constant(start.dtype, [count]);
  for (let i = 0; i < count; i++) out.data[i] = start.data[0] + i * step;
  return [out];
};

export const CONSTANT: Importers = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Shape: shape,
  Size: size,
  Range: range,
};
