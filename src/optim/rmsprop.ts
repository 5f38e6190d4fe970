/** RMSprop (Tieleman & Hinton 2012), plain and centred (Graves 2013), PyTorch's definition. */
import type { FloatArray } from '../core/index.js';
import { checkHyper, Optimizer, type Hyper, type Params, type Slot } from './optimizer.js';

export interface RMSpropOptions extends Hyper {
  /** Default 0.01. */
  lr: number;
  /** Decay of the mean square; default 0.99. */
  alpha: number;
  /** Default 1e-8. */
  eps: number;
  /** `weightDecay * p` is added to the gradient; default 0. */
  weightDecay: number;
  /** Share of the previous update that is kept; default 0. */
  momentum: number;
  /** Divide by the standard deviation of the gradient instead of its root mean square; default false. */
  centered: boolean;
}

const DEFAULTS: RMSpropOptions = {
  lr: 0.01,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
};

/** `s = alpha * s + (1 - alpha) * g^2`, `p -= lr * g / (sqrt(s) + eps)`; centred: `s - mean(g)^2` under the root. */
export class RMSprop extends Optimizer<RMSpropOptions> {
  readonly kind = 'rmsprop';

  constructor(params: Params<RMSpropOptions>, options: Partial<RMSpropOptions> = {}) {
    super(params, { ...DEFAULTS, ...options });
  }

  protected override check(h: RMSpropOptions): void {
    checkHyper('lr', h.lr, 0);
    checkHyper('alpha', h.alpha, 0, 1);
    checkHyper('eps', h.eps, 0);
    checkHyper('weightDecay', h.weightDecay, 0);
    checkHyper('momentum', h.momentum, 0);
  }

  protected override update(p: FloatArray, g: FloatArray, slot: Slot, h: RMSpropOptions): void {
    const { lr, alpha, eps, weightDecay, momentum, centered } = h;
    const square = slot.array('square');
    const mean = centered ? slot.array('mean') : null;
    const velocity = momentum > 0 ? slot.array('velocity') : null;
    for (let i = 0; i < p.length; i++) {
      const d = g[i] + weightDecay * p[i];
      let s = alpha * square[i] + (1 - alpha) * d * d;
      square[i] = s;
      if (mean !== null) {
        const m = alpha * mean[i] + (1 - alpha) * d;
        mean[i] = m;
        // Rounding can take a constant gradient's variance below 0.
        s = Math.max(0, s - m * m);
      }
      let u = d / (Math.sqrt(s) + eps);
      if (velocity !== null) {
        u += momentum * velocity[i];
        velocity[i] = u;
      }
      p[i] -= lr * u;
    }
  }
}
