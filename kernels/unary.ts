/** Unary functions in double precision: what a lookup table is filled from. */

/** 1 / (1 + e^-x), without overflow on either side. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** min(max(x + 3, 0), 6) / 6 (Howard et al. 2019, "Searching for MobileNetV3") */
export function hardsigmoid(x: number): number {
  return Math.min(Math.max(x + 3, 0), 6) / 6;
}

/** x * hardsigmoid(x) */
export function hardswish(x: number): number {
  return x * hardsigmoid(x);
}

/** x * sigmoid(x) */
export function silu(x: number): number {
  return x * sigmoid(x);
}

/** x above 0, alpha * x below */
export function leakyRelu(x: number, alpha: number): number {
  return x > 0 ? x : alpha * x;
}

/** x above 0, alpha * (e^x - 1) below */
export function elu(x: number, alpha: number): number {
  return x > 0 ? x : alpha * Math.expm1(x);
}

/** log(1 + e^x) */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** By name; `alpha` and `beta` are parameters of those that have some. */
export const UNARY_FUNCTIONS = {
  sigmoid,
  tanh: Math.tanh,
  hardswish,
  hardsigmoid,
  silu,
  softplus,
  leakyRelu,
  elu,
  clip: (x, min, max) => Math.min(Math.max(x, min), max),
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  pow: Math.pow,
  abs: Math.abs,
  neg: (x) => -x,
} satisfies Readonly<Record<string, (x: number, alpha: number, beta: number) => number>>;
