/**
 * Adam (Kingma & Ba 2015), AMSGrad (Reddi et al. 2018) and AdamW (Loshchilov & Hutter 2019), PyTorch's definitions.
 */
import type { FloatArray } from '../core/index.js';
import { map } from '../ops/map.js';
import { checkHyper, Optimizer, type Hyper, type Params, type Slot } from './optimizer.js';

export interface AdamOptions extends Hyper {
  /** Default 1e-3. */
  lr: number;
  /** Decay of the first and of the second moment; default [0.9, 0.999]. */
  betas: readonly [number, number];
  /** Default 1e-8. */
  eps: number;
  /** Adam adds `weightDecay * p` to the gradient (default 0); AdamW shrinks `p` by `lr * weightDecay` (default 0.01). */
  weightDecay: number;
  /** Divide by the largest second moment seen so far; default false. */
  amsgrad: boolean;
}

const DEFAULTS: AdamOptions = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false };

abstract class AdamBase extends Optimizer<AdamOptions> {
  protected override check(h: AdamOptions): void {
    checkHyper('lr', h.lr, 0);
    checkHyper('betas[0]', h.betas[0], 0, 1);
    checkHyper('betas[1]', h.betas[1], 0, 1);
    checkHyper('eps', h.eps, 0);
    checkHyper('weightDecay', h.weightDecay, 0);
  }

  /** `keep` multiplies the parameter before the step, `coupled` times the parameter joins the gradient. */
  protected moments(
    p: FloatArray,
    g: FloatArray,
    slot: Slot,
    h: AdamOptions,
    keep: number,
    coupled: number,
  ): void {
    const [beta1, beta2] = h.betas;
    const rate = h.lr / (1 - beta1 ** slot.step);
    const unbias = 1 / Math.sqrt(1 - beta2 ** slot.step);
    const state = ['moment1', 'moment2', ...(h.amsgrad ? ['largest2'] : [])].map((name) => slot.array(name));
    const decays = [beta1, 1 - beta1, beta2, 1 - beta2];
    const numbers = [keep, coupled, ...decays, rate, unbias, h.eps];
    map(h.amsgrad ? 'amsgrad' : 'adam', [p, g, ...state], [p, ...state], numbers);
  }
}

/** `p -= lr * mHat / (sqrt(vHat) + eps)`, with `weightDecay * p` added to the gradient. */
export class Adam extends AdamBase {
  readonly kind = 'adam';

  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { ...DEFAULTS, ...options });
  }

  protected override update(p: FloatArray, g: FloatArray, slot: Slot, h: AdamOptions): void {
    this.moments(p, g, slot, h, 1, h.weightDecay);
  }
}

/** Adam with decoupled weight decay: `p *= 1 - lr * weightDecay` before the step. */
export class AdamW extends AdamBase {
  readonly kind = 'adamw';

  constructor(params: Params<AdamOptions>, options: Partial<AdamOptions> = {}) {
    super(params, { ...DEFAULTS, weightDecay: 0.01, ...options });
  }

  protected override update(p: FloatArray, g: FloatArray, slot: Slot, h: AdamOptions): void {
    this.moments(p, g, slot, h, 1 - h.lr * h.weightDecay, 0);
  }
}
