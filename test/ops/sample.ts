/** What a sample of an op is: inputs and a call, for the gradient check. */
import { NDArray, Random, sizeOf, type Shape } from '../../src/core/index.js';
import { Tensor } from '../../src/autograd/index.js';
import type { OpName } from '../../src/ops/index.js';

export interface Sample {
  readonly inputs: Tensor[];
  readonly f: (...inputs: Tensor[]) => Tensor;
}

/** Samples, or the reason why differences cannot check the op. */
export type Samples = { readonly [K in OpName]: readonly Sample[] | { readonly unchecked: string } };

const random = new Random('samples');

/** A float64 leaf that requires a gradient, uniform in [low, high). */
export function leaf(shape: Shape, low = -2, high = 2): Tensor {
  const a = NDArray.zeros(shape, 'float64');
  for (let i = 0; i < a.size; i++) a.data[i] = random.uniform(low, high);
  return new Tensor(a, { requiresGrad: true });
}

/** A float64 constant. */
export function constant(shape: Shape, low = -2, high = 2): Tensor {
  return leaf(shape, low, high).detach();
}

export function int32(values: readonly number[], shape: Shape = [values.length]): Tensor {
  return new Tensor(new NDArray<'int32'>(Int32Array.from(values), shape));
}

export function uint8(values: readonly number[], shape: Shape = [values.length]): Tensor {
  return new Tensor(new NDArray<'uint8'>(Uint8Array.from(values), shape));
}

/** Whole numbers in [0, n), in a fixed random order with repetitions. */
export function labels(shape: Shape, n: number): Tensor {
  return int32(
    Array.from({ length: sizeOf(shape) }, () => random.int(n)),
    shape,
  );
}

export function sample(inputs: Tensor[], f: Sample['f']): Sample {
  return { inputs, f };
}
