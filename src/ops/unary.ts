/**
 * What elementwise ops of one tensor share. The loops stay in the file of the op, next to each other: a loop of its own
 * is what lets V8 compile each op for itself.
 */
import { NDArray, type FloatArray } from '../core/index.js';
import type { OpDef } from '../autograd/index.js';
import { checkFloats, floats, type NoAttrs } from './checks.js';

export interface UnaryLoops<A> {
  /** y[i] = f(x[i]) */
  forward(x: FloatArray, y: FloatArray, attrs: A): void;
  /** dx[i] = g[i] * f'(x[i]), from the kept input or output */
  backward(g: FloatArray, kept: FloatArray, dx: FloatArray, attrs: A): void;
}

/** `keep` says which of the two the derivative is computed from. */
export function unary<A = NoAttrs>(name: string, keep: 'input' | 'output', loops: UnaryLoops<A>): OpDef<A> {
  return {
    name,
    infer([x]) {
      checkFloats(name, { x });
      return x;
    },
    forward(ctx, [x], attrs) {
      const y = NDArray.emptyLike(x);
      loops.forward(floats(x), floats(y), attrs);
      ctx.save(keep === 'input' ? x : y);
      return y;
    },
    backward(ctx, grad, attrs) {
      const dx = NDArray.emptyLike(grad);
      loops.backward(floats(grad), floats(ctx.saved[0]), floats(dx), attrs);
      return [dx];
    },
  };
}
