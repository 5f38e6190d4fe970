/** Runs a graph here and in another runtime and counts what differs; tables of the counts. */
import { roundHalfEven } from '../kernels/index.js';
import type { NDArray } from '../src/core/index.js';
import type { Elements, LoadedModel } from './runtimes/types.js';

export interface Counts {
  readonly compared: number;
  readonly differing: number;
  /** Of codes, the largest difference in steps. */
  readonly largest: number;
}

export const NOTHING: Counts = { compared: 0, differing: 0, largest: 0 };

export function sum(a: Counts, b: Counts): Counts {
  return {
    compared: a.compared + b.compared,
    differing: a.differing + b.differing,
    largest: Math.max(a.largest, b.largest),
  };
}

/** @param step what the elements are multiples of: 1 for codes, their scale for what codes stand for */
export function compareElements(want: ArrayLike<number>, got: ArrayLike<number | bigint>, step = 1): Counts {
  if (got.length !== want.length) throw new Error(`${got.length} elements, not ${want.length}`);
  let [differing, largest] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    const steps = roundHalfEven(Math.abs(Number(got[i]) - want[i]) / step);
    // NaN too
    if (!(steps === 0)) differing++;
    largest = Math.max(largest, steps);
  }
  return { compared: want.length, differing, largest };
}

export async function runThere(model: LoadedModel, inputs: readonly NDArray[]): Promise<Elements[]> {
  return model.run(inputs.map(({ data }) => data as Elements));
}

/** A table for documents. */
export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '--:'))), ...rows.map(line)].join('\n');
}
