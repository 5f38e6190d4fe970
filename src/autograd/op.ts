/** The contract of a differentiable operation: one object, one file, three functions. */
import type { ArraySpec, NDArray } from '../core/index.js';

/** What an op may keep between its forward and its backward pass, and what it may skip. */
export interface OpContext {
  /** For each input: does anything need its gradient? Backward may return null where this is false. */
  readonly needsGrad: readonly boolean[];
  /** Arrays kept by {@link save}, in that order. Released as soon as the backward pass has used them. */
  readonly saved: readonly NDArray[];
  /** Keeps arrays for backward. Call it once; it does nothing when no gradient is needed. */
  save(...arrays: NDArray[]): void;
}

/**
 * An operation. `infer` raises every shape and dtype error; `forward` and `backward` may then trust their inputs.
 * `backward` receives the gradient of the output and returns one gradient per input, of that input's shape and
 * dtype, or null for inputs that have none. It must not write to `grad` and may return it as it is.
 */
export interface OpDef<A> {
  readonly name: string;
  infer(inputs: readonly ArraySpec[], attrs: A): ArraySpec;
  forward(ctx: OpContext, inputs: readonly NDArray[], attrs: A): NDArray;
  backward(ctx: OpContext, grad: NDArray, attrs: A): readonly (NDArray | null)[];
}
