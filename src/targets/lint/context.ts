/** What the checks of a graph share. */
import type { QParams, QRange } from '../../core/index.js';
import type { Graph, Node, ValueId } from '../../graph/index.js';
import type { Rule, Target, Violation } from '../types.js';

/** Smallest and largest number that a value took. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

export interface LintContext {
  readonly graph: Graph;
  readonly target: Target;
  /** Whether values have codes. */
  readonly integer: boolean;
  readonly ranges: ReadonlyMap<ValueId, ValueRange>;
  /** The node that makes a value; undefined for an input of the graph. */
  producer(id: ValueId): Node | undefined;
}

export type Check = (context: LintContext) => Iterable<Violation>;

export function isSigned({ quantMin }: QRange): boolean {
  return quantMin < 0;
}

/** `8 or 4`, for messages. */
export function listed<T>(values: readonly T[], text: (value: T) => string = String): string {
  return values.map(text).join(' or ');
}

export function takes<T>(rule: Rule<T>, value: T): boolean {
  return rule.takes.includes(value);
}

/** As for messages: `scale 0.0039, zero point -128`. */
export function describe({ scale, zeroPoint }: QParams): string {
  return `scale ${Number(scale[0].toPrecision(4))}, zero point ${zeroPoint[0]}`;
}

export function plural(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
