/** Functions of one element in operators of opset 13. */
import type { UnaryFunction } from '../../../graph/index.js';
import { float, type OnnxBuilder } from './builder.js';

interface Call {
  readonly build: OnnxBuilder;
  readonly x: string;
  readonly name: string;
  readonly alpha: number;
  readonly beta: number;
}

const op =
  (opType: string) =>
  ({ build, x, name }: Call): string =>
    build.node(opType, `${name}/${opType}`, [x]);

const sloped =
  (opType: string) =>
  ({ build, x, name, alpha }: Call): string =>
    build.node(opType, `${name}/${opType}`, [x], { alpha: float(alpha) });

/** min(max(x / 6 + 1 / 2, 0), 1) */
const hardsigmoid = ({ build, x, name }: Call): string =>
  build.node('HardSigmoid', `${name}/gate`, [x], { alpha: float(1 / 6), beta: float(0.5) });

const sigmoid = op('Sigmoid');

const times = ({ build, x, name }: Call, gate: string): string =>
  build.node('Mul', `${name}/product`, [x, gate]);

/** The output's name. */
export const UNARY: { readonly [F in UnaryFunction]: (call: Call) => string } = {
  sigmoid,
  tanh: op('Tanh'),
  // HardSwish itself is an operator from opset 14 on.
  hardswish: (call) => times(call, hardsigmoid(call)),
  hardsigmoid,
  silu: (call) => times(call, sigmoid(call)),
  softplus: op('Softplus'),
  leakyRelu: sloped('LeakyRelu'),
  elu: sloped('Elu'),
  clip({ build, x, name, alpha, beta }) {
    const bound = (what: string, value: number): string =>
      Number.isFinite(value) ? build.floats(`${name}/${what}`, [value], []) : '';
    const bounds = [bound('min', alpha), bound('max', beta)];
    while (bounds.at(-1) === '') bounds.pop();
    return build.node('Clip', `${name}/clip`, [x, ...bounds]);
  },
  exp: op('Exp'),
  log: op('Log'),
  sqrt: op('Sqrt'),
  pow: ({ build, x, name, alpha }) =>
    build.node('Pow', `${name}/pow`, [x, build.floats(`${name}/exponent`, [alpha], [])]),
  abs: op('Abs'),
  neg: op('Neg'),
};
