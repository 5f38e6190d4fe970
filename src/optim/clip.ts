/** Gradient clipping, by the norm of all gradients together or element by element. */
import type { Tensor } from '../autograd/index.js';
import { ArgumentError } from '../core/index.js';

/**
 * Scales all gradients by `min(1, maxNorm / (norm + 1e-6))` (Pascanu et al. 2013; PyTorch's constant), where `norm` is
 * the p-norm of all their elements together. `normType` may be Infinity (largest magnitude).
 *
 * @returns the norm before clipping; NaN or Infinity when a gradient is not finite, and then nothing is scaled
 */
export function clipGradNorm(
  params: Iterable<Tensor>,
  maxNorm: number,
  options: { normType?: number } = {},
): number {
  const { normType = 2 } = options;
  if (!(maxNorm > 0)) throw new ArgumentError(`maxNorm: ${maxNorm} must be > 0`);
  if (!(normType > 0)) throw new ArgumentError(`normType: ${normType} must be > 0`);
  const grads = gradients(params);
  let sum = 0;
  for (const g of grads) {
    if (normType === 2) for (let i = 0; i < g.length; i++) sum += g[i] * g[i];
    else if (normType === Infinity) for (let i = 0; i < g.length; i++) sum = Math.max(sum, Math.abs(g[i]));
    else for (let i = 0; i < g.length; i++) sum += Math.abs(g[i]) ** normType;
  }
  const norm = normType === Infinity ? sum : normType === 2 ? Math.sqrt(sum) : sum ** (1 / normType);
  const coefficient = maxNorm / (norm + 1e-6);
  if (Number.isFinite(norm) && coefficient < 1)
    for (const g of grads) for (let i = 0; i < g.length; i++) g[i] *= coefficient;
  return norm;
}

/** Limits every element of every gradient to `[-limit, limit]`. */
export function clipGradValue(params: Iterable<Tensor>, limit: number): void {
  if (!(limit > 0)) throw new ArgumentError(`limit: ${limit} must be > 0`);
  for (const g of gradients(params))
    for (let i = 0; i < g.length; i++) {
      if (g[i] > limit) g[i] = limit;
      else if (g[i] < -limit) g[i] = -limit;
    }
}

function gradients(params: Iterable<Tensor>) {
  return [...params].flatMap((p) => (p.grad === null ? [] : [p.grad.data]));
}
