/** Operators on each element: of one operand, of two, and from codes to floats and back. */
import { sameQParams } from '../../../../core/index.js';
import type { UnaryFunction } from '../../../../graph/index.js';
import { isFloatType, mapConstant } from '../../../onnx/import/constants.js';
import type { TfliteActivation } from '../../schema.js';
import { isKnown, type Call, type Known, type Operand } from '../call.js';
import { HIGHEST, LOWEST, type Network } from '../network.js';
import { dequantizedOf } from '../tensors.js';
import type { Importer } from './types.js';

const mapped = (net: Network, x: Known, f: (v: number) => number, dtype = x.dtype): Known => ({
  ...mapConstant(net.allowance, x, f, dtype),
  qparams: null,
});

/** A function of the graph, and the same on floats that are known. */
export const unary =
  (fn: UnaryFunction, f: (v: number) => number, alpha = 0, beta = 0): Importer =>
  (call, net) => {
    const x = call.operand(0);
    return [
      isKnown(x) && x.qparams === null
        ? mapped(net, x, f)
        : net.function(fn, x, call.qparams[0], alpha, beta),
    ];
  };

/** One that the graph does not have: on constants only. */
export const folded =
  (f: (v: number) => number): Importer =>
  (call, net) => {
    const x = call.operand(0);
    return [
      isKnown(x) && x.qparams === null ? mapped(net, x, f) : call.refuse('is supported on constants only'),
    ];
  };

export const clamped =
  (activation: 'relu' | 'relu6'): Importer =>
  (call, net) => [
    net.node({ op: 'activation', inputs: [net.value(call.operand(0))], activation }, call.qparams[0]),
  ];

export const leakyRelu: Importer = (call, net) => [
  net.function('leakyRelu', call.operand(0), call.qparams[0], call.options('LEAKY_RELU').alpha),
];

/** Gelu in the form with tanh; the exact one needs the error function, which the graph lacks. */
export const gelu: Importer = (call, net) => {
  call.floatOnly();
  if (!call.options('GELU').approximate) call.refuse('the exact form is not supported; use approximate=True');
  const x = net.real(call.operand(0));
  const rank = net.rank(x);
  const times = (a: Operand, b: number, part: string) => net.binary('mul', a, net.float(b, rank), part);
  const cube = times(net.function('pow', x, null, 3, 0, 'cube'), 0.044715, 'scaled');
  const inner = times(net.binary('add', x, cube, 'sum'), Math.sqrt(2 / Math.PI), 'inner');
  const gate = times(net.function('tanh', inner, null, 0, 0, 'tanh'), 0.5, 'half');
  return [net.binary('mul', x, net.binary('add', gate, net.float(0.5, rank), 'gate'))];
};

/** Above 0 x, below it x times a slope of the channel. */
export const prelu: Importer = (call, net) => {
  const x = call.operand(0);
  const given = call.required(1, 'slopes');
  const slope = given.qparams === null ? given : dequantizedOf(given, net.allowance);
  const channels = net.shape(x).at(-1);
  if (slope.data.length === 1) return [net.function('leakyRelu', x, call.qparams[0], slope.data[0])];
  if (slope.data.length !== channels || slope.dims.at(-1) !== channels) {
    call.floatOnly();
    const real = net.real(x);
    const above = net.node(
      { op: 'activation', inputs: [net.value(real)], activation: 'relu' },
      null,
      'above',
    );
    return [
      net.binary('add', above, net.binary('mul', net.binary('sub', real, above, 'below'), slope, 'scaled')),
    ];
  }
  const param = net.param('slope', net.floats({ ...slope, dims: [channels] }), null);
  return [net.node({ op: 'prelu', inputs: [net.value(x)], slope: param }, call.qparams[0])];
};

type Arithmetic = 'add' | 'sub' | 'mul' | 'div';

const NUMBERS: Readonly<Record<Arithmetic, (integers: boolean) => (a: number, b: number) => number>> = {
  add: () => (a, b) => a + b,
  sub: () => (a, b) => a - b,
  mul: () => (a, b) => a * b,
  div: (integers) => (a, b) => (integers ? (b === 0 ? 0 : Math.trunc(a / b)) : a / b),
};

export const arithmetic =
  (op: Arithmetic): Importer =>
  (call, net) => {
    const [x, y] = [call.operand(0), call.operand(1)];
    if (op === 'add' && !isKnown(x) && net.wide(x) !== null && isKnown(y))
      return [net.widened(x, Array.from(y.data))];
    const { activation } = call.options('DIV') as { readonly activation: TfliteActivation };
    if (isKnown(x) && isKnown(y) && x.qparams === null && y.qparams === null) {
      if (activation !== 'NONE')
        call.refuse(`its fused activation ${activation} of constants is not supported`);
      return [net.fold(x, y, NUMBERS[op](!isFloatType(x.dtype)))];
    }
    const qparams = call.qparams[0];
    if (op === 'div') call.floatOnly();
    const operands = net.aligned(qparams === null ? [net.real(x), net.real(y)] : [x, y]);
    for (const operand of operands)
      if (qparams !== null && net.qparams(operand) === null) call.refuse('mixes codes and floats');
    const inputs = operands.map((operand) => net.value(operand));
    return [
      net.activated(activation, qparams, true, (a) => net.node({ op, inputs, activation: a }, qparams)),
    ];
  };

/** The maximum of codes, over an axis that joins them. */
function largest(call: Call, net: Network, x: Operand, y: Operand): Operand {
  const shape = net.shape(x);
  const [qparams] = call.qparams;
  if (net.shape(y).join() !== shape.join())
    call.refuse('broadcasts codes; operands of equal shapes are supported');
  const wide = [x, y].map((operand, i) => net.reshape(net.moved(operand), [...shape, 1], `operand${i}`));
  const joined = net.value(net.concat(wide, shape.length, qparams, 'joined'));
  const reduce = { op: 'reduce', inputs: [joined], fn: 'max', axes: [shape.length], keepdim: false } as const;
  return net.node(reduce, qparams);
}

/** With one number: a clip, also of codes. */
export const extremum =
  (op: 'maximum' | 'minimum'): Importer =>
  (call, net) => {
    const [x, y] = [call.operand(0), call.operand(1)];
    const f = op === 'maximum' ? Math.max : Math.min;
    if (isKnown(x) && isKnown(y) && x.qparams === null && y.qparams === null) return [net.fold(x, y, f)];
    const bound = [y, x].find((operand) => isKnown(operand) && operand.data.length === 1) as
      Known | undefined;
    const value = bound === y ? x : y;
    if (bound === undefined || net.rank(bound) > net.rank(value)) {
      if (op === 'maximum' && call.isInteger) return [largest(call, net, x, y)];
      call.floatOnly();
      return [net.binary(op, x, y)];
    }
    const qparams = call.qparams[0];
    const codes = net.qparams(value);
    if (qparams !== null && (codes === null || !sameQParams(codes, qparams)))
      call.refuse('changes scale or zero point; they have to be equal');
    const [number] = dequantizedOf(bound, net.allowance).data;
    return [
      op === 'maximum'
        ? net.function('clip', value, qparams, number, HIGHEST)
        : net.function('clip', value, qparams, LOWEST, number),
    ];
  };

/** Operators on two constants only. */
export const foldedPair =
  (f: (integers: boolean) => (a: number, b: number) => number, truth = false): Importer =>
  (call, net) => {
    const [x, y] = [call.required(0, 'first operand'), call.required(1, 'second operand')];
    if (x.qparams !== null || y.qparams !== null) call.refuse('is not supported on codes');
    return [net.fold(x, y, f(!isFloatType(x.dtype)), truth ? 'bool' : x.dtype)];
  };

export const pow: Importer = (call, net) => {
  call.floatOnly();
  const [x, y] = [call.operand(0), call.operand(1)];
  if (isKnown(x) && isKnown(y)) return [net.fold(x, y, Math.pow)];
  if (!isKnown(y)) return call.refuse('its exponent is computed; only constant exponents are supported');
  if (y.data.length === 0 || y.data.some((v) => v !== y.data[0]) || net.rank(y) > net.rank(x))
    return call.refuse('its exponents differ; one exponent for all elements is supported');
  return [net.function('pow', net.real(x), null, y.data[0])];
};

export const squaredDifference: Importer = (call, net) => {
  call.floatOnly();
  return [net.function('pow', net.binary('sub', call.operand(0), call.operand(1), 'difference'), null, 2)];
};

export const addN: Importer = (call, net) => {
  call.floatOnly();
  const [first, ...rest] = call.operands();
  return [rest.reduce<Operand>((sum, x, i) => net.binary('add', sum, x, `sum${i}`), first)];
};

/** From floats to codes, or from codes to other codes. */
export const quantize: Importer = (call, net) => {
  const [qparams] = call.qparams;
  if (qparams === null) return call.refuse('makes floats');
  const x = net.value(call.operand(0));
  return [
    net.qparams(x) === null
      ? net.node({ op: 'quantize', inputs: [x] }, qparams)
      : net.node({ op: 'activation', inputs: [x], activation: 'none' }, qparams),
  ];
};

/** Weights of 16 bits and of codes are widened here and now. */
export const dequantize: Importer = (call, net) => {
  const x = call.operand(0);
  if (isKnown(x)) return [dequantizedOf(x, net.allowance)];
  if (net.qparams(x) === null) return call.refuse('reads floats that are computed');
  return [net.node({ op: 'dequantize', inputs: [x] })];
};

export const cast: Importer = (call, net) => {
  const { dtype } = call.outputs[0];
  const x = call.operand(0);
  const whole = !isFloatType(dtype);
  if (isKnown(x) && x.qparams === null) {
    const f = dtype === 'bool' ? (v: number) => Number(v !== 0) : whole ? Math.trunc : (v: number) => v;
    return [mapped(net, x, f, dtype)];
  }
  if (!isKnown(x) && net.qparams(x) === null && !whole) return [x];
  if (!isKnown(x) && net.qparams(x) !== null && dtype === 'int32') return [net.widened(x)];
  return call.refuse(`to ${dtype}: only floats and 8-bit codes are computed with here`);
};

export const zerosLike: Importer = (call, net) => {
  const dims = net.shape(call.operand(0));
  return [{ ...net.allowance.constant(call.outputs[0].dtype, dims), qparams: null }];
};

/** Chooses between constants by a constant. */
export const select: Importer = (call, net) => {
  const [condition, x, y] = [
    call.required(0, 'condition'),
    call.required(1, 'first operand'),
    call.required(2, 'second operand'),
  ];
  if (x.qparams !== null || y.qparams !== null) call.refuse('is not supported on codes');
  // The condition as 0 and 1; all three broadcast by adding zeros of the common shape.
  const zero = (known: Known): Known => mapped(net, known, () => 0, x.dtype);
  const size = net.fold(
    net.fold(zero(condition), zero(x), (a) => a),
    zero(y),
    (a) => a,
  );
  const wide = (known: Known): Known => net.fold(size, known, (_, v) => v, x.dtype);
  const [c, a, b] = [wide(condition), wide(x), wide(y)];
  const out = net.allowance.constant(x.dtype, a.dims);
  for (let i = 0; i < out.data.length; i++) out.data[i] = c.data[i] !== 0 ? a.data[i] : b.data[i];
  return [{ ...out, qparams: null }];
};

/** The shape, or the rank, of a value. */
export const shape =
  (f: (dims: readonly number[]) => readonly number[], rank: 0 | 1): Importer =>
  (call: Call, net) => {
    const numbers = f(net.shape(call.operand(0)));
    const out = net.allowance.constant(call.outputs[0].dtype, rank === 0 ? [] : [numbers.length]);
    out.data.set(numbers as number[]);
    return [{ ...out, qparams: null }];
  };
