/** Checks analytic gradients against central differences, element by element, in double precision. */
import { AutogradError, DTypeError, NDArray, Random, type Seed } from '../core/index.js';
import { noGrad, type Tensor } from './tensor.js';

export interface GradcheckOptions {
  /** Half the distance of the two evaluations. */
  readonly eps?: number;
  /** The check passes where |analytic - numeric| <= atol + rtol * |numeric|. */
  readonly atol?: number;
  readonly rtol?: number;
  /** What to call `f` in messages; the name of its last op unless given. */
  readonly name?: string;
  /** Seeds the gradient that results of more than one element are contracted with. */
  readonly seed?: Seed;
}

/**
 * Compares the gradient of every element of every input that requires one with
 * `(f(x + eps) - f(x - eps)) / (2 eps)`. A result of more than one element is contracted with a fixed random gradient.
 * The defaults leave room for the rounding of the differences, about 1e-10, and for little else.
 *
 * @param f deterministic; sees the same tensors at each call, with elements moved by `eps`
 * @param inputs leaves; those that require a gradient must be float64. Their values and gradients are left as they were
 * @throws AutogradError that names the op, the input, the element and both values, where they differ or `f` is not
 * deterministic; DTypeError for inputs or a result other than float64
 */
export function gradcheck(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: Tensor[],
  options: GradcheckOptions = {},
): void {
  const { eps = 1e-6, atol = 1e-7, rtol = 1e-6, seed = 'gradcheck' } = options;
  inputs.forEach((x, i) => {
    if (x.requiresGrad && x.dtype !== 'float64')
      throw new DTypeError(
        `inputs: gradcheck needs float64, got ${x.dtype} for input ${i}; convert it first`,
      );
    if (!x.isLeaf)
      throw new AutogradError(`inputs: input ${i} of gradcheck is the result of an op; detach it`);
  });
  if (!inputs.some((x) => x.requiresGrad))
    throw new AutogradError(
      'inputs: gradcheck got none that requires a gradient; set requiresGrad on a leaf',
    );

  const before = inputs.map((x) => x.grad);
  try {
    for (const x of inputs) x.grad = null;
    const y = f(...inputs);
    const name = options.name ?? y.node?.op.name ?? 'f';
    if (y.dtype !== 'float64')
      throw new DTypeError(`f: gradcheck of ${name} got a ${y.dtype} result; it must be float64`);
    const random = new Random(seed);
    const weights = Float64Array.from({ length: y.size }, () => random.uniform(0.5, 1.5));
    const contract = (): number => {
      const values = noGrad(() => f(...inputs)).data;
      let sum = 0;
      for (let i = 0; i < values.length; i++) sum += weights[i] * values[i];
      return sum;
    };
    if (!Object.is(contract(), contract()))
      throw new AutogradError(
        `f: gradcheck of ${name} got two results for the same inputs; fix its randomness`,
      );
    y.backward(new NDArray(weights, y.shape));

    inputs.forEach((x, i) => {
      if (!x.requiresGrad) return;
      const values = x.data;
      for (let e = 0; e < values.length; e++) {
        const at = values[e];
        values[e] = at + eps;
        const above = contract();
        values[e] = at - eps;
        const below = contract();
        values[e] = at;
        const numeric = (above - below) / (2 * eps);
        const analytic = x.grad?.data[e] ?? 0;
        if (!(Math.abs(analytic - numeric) <= atol + rtol * Math.abs(numeric)))
          throw new AutogradError(
            `gradcheck: ${name}, input ${i}, element ${e}: the analytic gradient is ${analytic}, the numeric one ${numeric}`,
          );
      }
    });
  } finally {
    inputs.forEach((x, i) => (x.grad = before[i]));
  }
}
