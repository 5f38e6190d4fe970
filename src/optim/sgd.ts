/** Stochastic gradient descent with momentum (Polyak; Nesterov as in Sutskever et al. 2013), PyTorch's definition. */
import { ArgumentError, type FloatArray } from '../core/index.js';
import { map } from '../ops/map.js';
import { checkHyper, Optimizer, type Hyper, type Params, type Slot } from './optimizer.js';

export interface SGDOptions extends Hyper {
  /** Share of the previous velocity that is kept; default 0. */
  momentum: number;
  /** The gradient enters the velocity times `1 - dampening`, except in the first step; default 0. */
  dampening: number;
  nesterov: boolean;
  /** `weightDecay * p` is added to the gradient; default 0. */
  weightDecay: number;
}

/** `v = momentum * v + (1 - dampening) * g` (first step: `v = g`), `p -= lr * (nesterov ? g + momentum * v : v)`. */
export class SGD extends Optimizer<SGDOptions> {
  readonly kind = 'sgd';

  constructor(params: Params<SGDOptions>, options: Partial<SGDOptions> & Hyper) {
    super(params, { momentum: 0, dampening: 0, nesterov: false, weightDecay: 0, ...options });
  }

  protected override check(h: SGDOptions): void {
    checkHyper('lr', h.lr, 0);
    checkHyper('momentum', h.momentum, 0);
    checkHyper('weightDecay', h.weightDecay, 0);
    if (h.nesterov && (h.momentum === 0 || h.dampening !== 0))
      throw new ArgumentError('nesterov: it needs a momentum > 0 and a dampening of 0');
  }

  protected override update(p: FloatArray, g: FloatArray, slot: Slot, h: SGDOptions): void {
    const { lr, momentum, nesterov, weightDecay } = h;
    if (momentum === 0) return map('descend', [p, g], [p], [lr, weightDecay]);
    const v = slot.array('velocity');
    const fresh = slot.step === 1 ? 1 : 1 - h.dampening;
    const shares = nesterov ? [1, momentum] : [0, 1];
    map('momentum', [p, g, v], [p, v], [lr, weightDecay, momentum, fresh, ...shares]);
  }
}
