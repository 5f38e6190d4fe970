/** What is told of one value of an integer network. */
import type { Graph, Node, ValueId } from '../../graph/index.js';
import type { Term } from './site.js';
import type { Step } from './steps.js';

export interface Grid {
  readonly scale: number;
  readonly zeroPoint: number;
  readonly min: number;
  readonly max: number;
}

/** Plain JSON, but for `toString`, which is {@link explanationText}. */
export interface Explanation {
  readonly layer: ValueId;
  readonly op: Node['op'];
  readonly activation: string;
  readonly numerics: Graph['numerics'];
  readonly channel: number;
  readonly position: readonly number[];
  /** Of the values that are read, by name. */
  readonly reads: Readonly<Record<ValueId, Grid>>;
  /** Scale of the weights of this channel; null where there are none. */
  readonly weightScale: number | null;
  /** The codes that are read, with the weights that they meet. */
  readonly terms: readonly Term[];
  readonly steps: readonly Step[];
  /** The rule of the kernel, where the steps do not show it. */
  readonly rule: string | null;
  readonly output: Grid | null;
  /** The code of the runtime; null for a value in float. */
  readonly code: number | null;
  /** What the code stands for. */
  readonly real: number;
  /** What the float network has there; null where none is known. */
  readonly float: number | null;
  /** What the float layer makes of the numbers that the codes it reads stand for. */
  readonly floatHere: number | null;
  /** real - float, of which `floatHere - float` comes from the layers before, `real - floatHere` from this one. */
  readonly error: { readonly total: number; readonly before: number; readonly here: number } | null;
  toString(): string;
}
