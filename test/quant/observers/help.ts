/** What the tests of the observers share. */
import { NDArray, quantRange, Random } from '../../../src/core/index.js';
import {
  entropy,
  histogram,
  minMax,
  movingAverageMinMax,
  percentile,
} from '../../../src/quant/observers/index.js';
import type { Observer, ObserverFactory, ObserverSpec } from '../../../src/quant/observers/index.js';

export const FACTORIES: Readonly<Record<string, () => ObserverFactory>> = {
  minMax,
  movingAverageMinMax,
  percentile,
  histogram,
  entropy,
};

export function make(factory: ObserverFactory, options: Partial<ObserverSpec> = {}): Observer {
  return factory({ ...quantRange(8), symmetric: false, axis: null, name: 'conv1/out', ...options });
}

export function array(
  values: ArrayLike<number>,
  shape: readonly number[] = [values.length],
): NDArray<'float32'> {
  return new NDArray<'float32'>(Float32Array.from(values), shape);
}

export function normals(n: number, seed: string, scale = 1): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: n }, () => scale * random.normal());
}

/** The quantile of the values themselves, numpy's 'linear'. */
export function exactQuantile(values: Float32Array, fraction: number): number {
  const sorted = values.slice().sort();
  const position = fraction * (sorted.length - 1);
  const k = Math.floor(position);
  return k + 1 < sorted.length ? sorted[k] + (position - k) * (sorted[k + 1] - sorted[k]) : sorted[k];
}
