/** What the tests of spatial ops share. */
import type { Test } from 'tap';
import { NDArray, Random, type FloatDType, type OctogradError, type Shape } from '../../src/core/index.js';
import { Tensor } from '../../src/autograd/index.js';

/** A call, its error type and what its message must say. */
export type Failure = [f: () => unknown, type: new (message: string) => OctogradError, message: RegExp];

export function fails(t: Test, failures: readonly Failure[]): void {
  for (const [f, type, message] of failures) {
    t.throws(f, type, String(message));
    t.throws(f, { message }, String(message));
  }
}

/** Draws leaves that require a gradient, uniform in [-1, 1). */
export function drawing(seed: string): (shape: Shape, dtype?: FloatDType) => Tensor {
  const random = new Random(seed);
  return (shape, dtype = 'float64') => {
    const a = NDArray.zeros(shape, dtype);
    for (let i = 0; i < a.size; i++) a.data[i] = random.uniform(-1, 1);
    return new Tensor(a, { requiresGrad: true });
  };
}

/** A gradient of ones for `y`. */
export function onesLike(y: Tensor): NDArray {
  return NDArray.full(y.shape, 1, y.dtype);
}

export function gradOf(x: Tensor): number[] {
  if (x.grad === null) throw new Error('the tensor has no gradient');
  return [...x.grad.data];
}

/** The largest absolute difference. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i] - b[i]));
  return worst;
}
