/** Dropout (Srivastava et al., JMLR 15, 2014), scaled so that evaluation needs no correction. */
import { defaultRandom, NDArray, type Random } from '../core/index.js';
import { apply, type OpDef, type Tensor } from '../autograd/index.js';
import { checkFloats } from './checks.js';
import { applyMask, checkProbability } from './dropoutWithMask.js';

export interface DropoutAttrs {
  /** The probability to drop an element, in [0, 1). */
  readonly p: number;
  readonly training: boolean;
  /** null draws from the default generator. */
  readonly random: Random | null;
}

export const dropoutOp: OpDef<DropoutAttrs> = {
  name: 'dropout',
  infer([x], { p }) {
    checkFloats('dropout', { x });
    checkProbability('dropout', p);
    return x;
  },
  forward(ctx, [x], { p, training, random }) {
    if (!training || p === 0) return x;
    const draw = random ?? defaultRandom();
    const mask = NDArray.like(x, 'uint8');
    for (let i = 0; i < mask.size; i++) mask.data[i] = draw.next() < p ? 0 : 1;
    ctx.save(mask);
    return applyMask(x, mask, p);
  },
  backward: ({ saved: [mask] }, g, { p }) => [mask === undefined ? g : applyMask(g, mask, p)],
};

/** In training each element is 0 with probability `p`, else divided by 1 - p; otherwise `x` passes through. */
export function dropout(
  x: Tensor,
  { p, training, random = null }: Omit<DropoutAttrs, 'random'> & { readonly random?: Random | null },
): Tensor {
  return apply(dropoutOp, [x], { p, training, random });
}
