/** Operators on each element, and those made of a few of them. */
import { isConstant, type Operand } from '../call.js';
import { BINARY_NAMES, HIGHEST, LOWEST, type BinaryName } from '../arithmetic.js';
import { isFloatType, mapConstant } from '../constants.js';
import { sizeOf } from '../../../../core/index.js';
import type { UnaryFunction } from '../../../../graph/index.js';
import type { Network } from '../network.js';
import { roundEven } from '../quantized.js';
import type { Importer, Importers } from './types.js';

/** A function of the graph, and the same on numbers. */
const simple =
  (fn: UnaryFunction, f: (v: number) => number): Importer =>
  (call, net) => [net.unary(call.operand(0), f, (x) => net.function(fn, x))];

/** One that the graph does not have: on constants only. */
const folded =
  (f: (v: number) => number): Importer =>
  (call, net) => [
    net.unary(call.operand(0), f, () =>
      call.refuse('is supported on constants only; export the model without it'),
    ),
  ];

/** x * scale + shift. */
function affine(net: Network, x: Operand, scale: number, shift: number): Operand {
  const rank = net.rank(x);
  const product = scale === 1 ? x : net.binary('Mul', x, net.float(scale, rank), 'scale');
  return shift === 0 ? product : net.binary('Add', product, net.float(shift, rank), 'shift');
}

/** Binary and variadic operators. */
const chain =
  (name: BinaryName): Importer =>
  (call, net) => {
    if (name === 'Mod' && call.flag('fmod')) call.refuse('fmod is not supported');
    return [call.operands().reduce((a, b) => net.binary(name, a, b))];
  };

const mean: Importer = (call, net) => {
  const all = call.operands();
  const sum = all.reduce((a, b) => net.binary('Add', a, b));
  return [all.length === 1 ? sum : net.binary('Div', sum, net.float(all.length, net.rank(sum)))];
};

const pow: Importer = (call, net) => {
  const [x, y] = [call.operand(0), call.operand(1)];
  if (isConstant(x) && isConstant(y)) return [net.binary('Pow', x, y)];
  if (!isConstant(y)) return call.refuse('its exponent is computed; only constant exponents are supported');
  if (y.data.length === 0 || y.data.some((v) => v !== y.data[0]))
    call.refuse('its exponents differ; one exponent for all elements is supported');
  if (sizeOf(net.shape(y)) !== 1) call.refuse('its exponent has a shape; only scalars are supported');
  return [y.data[0] === 1 ? x : net.function('pow', x, y.data[0])];
};

const clip: Importer = (call, net) => {
  const old = call.opset < 11;
  const low = old ? call.float('min', LOWEST) : call.number(1, 'minimum', LOWEST);
  const high = old ? call.float('max', HIGHEST) : call.number(2, 'maximum', HIGHEST);
  return [
    net.unary(
      call.operand(0),
      (v) => Math.min(Math.max(v, low), high),
      (x) => net.function('clip', x, Math.max(low, LOWEST), Math.min(high, HIGHEST)),
    ),
  ];
};

const hardSigmoid: Importer = (call, net) => {
  const alpha = call.float('alpha', 0.2);
  const beta = call.float('beta', 0.5);
  const x = call.operand(0);
  // The graph's function is relu6(x + 3) / 6, as PyTorch exports it.
  if (Math.abs(alpha - 1 / 6) < 1e-6 && beta === 0.5) return [net.function('hardsigmoid', x)];
  return [net.function('clip', affine(net, x, alpha, beta), 0, 1)];
};

const selu: Importer = (call, net) => {
  const alpha = call.float('alpha', 1.6732632423543772);
  const gamma = call.float('gamma', 1.0507009873554805);
  return [affine(net, net.function('elu', call.operand(0), alpha, 0, 'elu'), gamma, 0)];
};

const celu: Importer = (call, net) => {
  const alpha = call.float('alpha', 1);
  const inner = affine(net, call.operand(0), 1 / alpha, 0);
  return [affine(net, net.function('elu', inner, 1, 0, 'elu'), alpha, 0)];
};

const softsign: Importer = (call, net) => {
  const x = call.operand(0);
  return [net.binary('Div', x, affine(net, net.function('abs', x, 0, 0, 'abs'), 1, 1))];
};

const mish: Importer = (call, net) => {
  const x = call.operand(0);
  return [
    net.binary('Mul', x, net.function('tanh', net.function('softplus', x, 0, 0, 'softplus'), 0, 0, 'tanh')),
  ];
};

/** Gelu in the form with tanh; the exact one needs the error function, which the graph lacks. */
const gelu: Importer = (call, net) => {
  if (call.string('approximate', 'none') !== 'tanh')
    call.refuse("the exact form is not supported; export with approximate = 'tanh'");
  const x = call.operand(0);
  const cube = net.function('pow', x, 3, 0, 'cube');
  const inner = net.binary('Add', x, affine(net, cube, 0.044715, 0), 'sum');
  const gate = net.function('tanh', affine(net, inner, Math.sqrt(2 / Math.PI), 0), 0, 0, 'tanh');
  return [net.binary('Mul', x, affine(net, gate, 0.5, 0.5))];
};

/** Above 0 x, below it x times a slope, which has the shape of one channel or broadcasts to x. */
const prelu: Importer = (call, net) => {
  const x = call.operand(0);
  const slope = call.operand(1);
  const rank = net.rank(x);
  if (isConstant(slope) && isFloatType(slope.dtype)) {
    if (slope.data.length === 1) return [net.function('leakyRelu', x, slope.data[0])];
    const dims = [...new Array<number>(Math.max(rank - slope.dims.length, 0)).fill(1), ...slope.dims];
    const axes = dims.flatMap((d, i) => (d === 1 ? [] : [i]));
    const flat = { ...slope, dims: [slope.data.length] };
    if (axes.length === 1 && dims.length === rank && dims[axes[0]] === net.shape(x)[axes[0]]) {
      const apply = (value: Operand): string =>
        net.node({ op: 'prelu', inputs: [net.value(value)], slope: net.param('slope', flat) });
      if (axes[0] === rank - 1) return [apply(x)];
      if (axes[0] === 1 && rank === 4) return [net.image(x, apply)];
    }
  }
  const below = net.relu(net.function('neg', x, 0, 0, 'neg'), 'below');
  return [net.binary('Sub', net.relu(x, 'above'), net.binary('Mul', below, slope, 'product'))];
};

const FLOATS = new Set([1, 10, 11, 16]);
const CAST = new Map([
  [1, 'float32'],
  [2, 'uint8'],
  [3, 'int8'],
  [4, 'uint16'],
  [5, 'int16'],
  [6, 'int32'],
  [7, 'int64'],
  [9, 'bool'],
  [10, 'float16'],
  [11, 'float64'],
  [12, 'uint32'],
  [13, 'uint64'],
  [16, 'bfloat16'],
] as const);

const cast: Importer = (call, net) => {
  call.ignore('saturate');
  const to = call.int('to', 0);
  const dtype = CAST.get(to as never);
  const x = call.operand(0);
  if (!isConstant(x)) {
    if (!FLOATS.has(to)) call.refuse(`to ${dtype ?? to}: values are floats here`);
    return [x];
  }
  if (dtype === undefined) return call.refuse(`element type ${to} is not supported`);
  const whole = !FLOATS.has(to);
  return [
    mapConstant(
      net.allowance,
      x,
      (v) => (dtype === 'bool' ? Number(v !== 0) : whole && isFloatType(x.dtype) ? Math.trunc(v) : v),
      dtype,
    ),
  ];
};

const where: Importer = (call, net) => {
  const [condition, x, y] = [call.required(0, 'condition'), call.operand(1), call.operand(2)];
  if (isConstant(x) && isConstant(y)) {
    // The condition as 0 and 1 chooses; both branches are broadcast by adding zeros to them.
    const zeros = net.binary(
      'Mul',
      mapConstant(net.allowance, condition, () => 0, x.dtype),
      x,
    );
    const size = net.binary(
      'Add',
      zeros,
      mapConstant(net.allowance, y, () => 0),
    );
    const [c, a, b] = [mapConstant(net.allowance, condition, Number, x.dtype), x, y].map(
      (operand) => net.binary('Add', size, operand) as typeof x,
    );
    const out = net.allowance.constant(x.dtype, a.dims);
    for (let i = 0; i < out.data.length; i++) out.data[i] = c.data[i] !== 0 ? a.data[i] : b.data[i];
    return [out];
  }
  return call.refuse('chooses between computed values; only constants are supported');
};

const relu: Importer = (call, net) => [
  net.unary(
    call.operand(0),
    (v) => Math.max(v, 0),
    (x) => net.relu(x),
  ),
];

const identity: Importer = (call) => [call.operand(0)];

const dropout: Importer = (call) => {
  call.ignore('seed', 'ratio');
  if (call.given(2) && call.number(2, 'training mode', 0) !== 0)
    call.refuse('is exported in training mode; export the model in evaluation mode');
  call.constant(1, 'ratio');
  return [call.operand(0)];
};

const slope =
  (fn: 'leakyRelu' | 'elu', fallback: number): Importer =>
  (call, net) => [net.function(fn, call.operand(0), call.float('alpha', fallback))];

export const ELEMENTWISE: Importers = {
  ...Object.fromEntries(BINARY_NAMES.map((name) => [name, chain(name)])),
  Sum: chain('Add'),
  Mean: mean,
  Pow: pow,
  Clip: clip,
  Relu: relu,
  LeakyRelu: slope('leakyRelu', 0.01),
  Elu: slope('elu', 1),
  Selu: selu,
  Celu: celu,
  PRelu: prelu,
  Sigmoid: simple('sigmoid', (v) => 1 / (1 + Math.exp(-v))),
  Tanh: simple('tanh', Math.tanh),
  HardSwish: (call, net) => [net.function('hardswish', call.operand(0))],
  HardSigmoid: hardSigmoid,
  Softplus: (call, net) => [net.function('softplus', call.operand(0))],
  Softsign: softsign,
  Mish: mish,
  Gelu: gelu,
  Exp: simple('exp', Math.exp),
  Log: simple('log', Math.log),
  Sqrt: simple('sqrt', Math.sqrt),
  Abs: simple('abs', Math.abs),
  Neg: simple('neg', (v) => -v),
  Reciprocal: (call, net) => [
    net.unary(
      call.operand(0),
      (v) => 1 / v,
      (x) => net.function('pow', x, -1),
    ),
  ],
  Floor: folded(Math.floor),
  Ceil: folded(Math.ceil),
  Round: folded(roundEven),
  Sign: folded(Math.sign),
  Not: folded((v) => Number(v === 0)),
  Where: where,
  Cast: cast,
  Identity: identity,
  Dropout: dropout,
};
