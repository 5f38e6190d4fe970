/** A random problem for kernels, drawn by the tests and, many more times, by `npm run fuzz:kernels`. */
import type { OpName, OpParams } from '../../../../kernels/index.js';
import type { Random } from '../../../../src/core/index.js';

export type Case = {
  [O in OpName]: {
    readonly op: O;
    readonly params: OpParams[O];
    /** the array of `params` that the kernel writes */
    readonly output: ArrayLike<number>;
    /** allowed difference, relative to the largest value of the reference; 0 for integers */
    readonly bound: number;
  };
}[OpName];

/** Named generators of cases. */
export type Cases = Readonly<Record<string, (r: Random) => Case>>;
