/** This run against an earlier one. */
import { ArgumentError } from '../src/core/index.js';
import type { BenchFile, Result } from './types.js';

export interface Change {
  readonly now: Result;
  readonly before: Result;
  /** Times faster than before; below 1 slower. */
  readonly speedup: number;
  /** More than the noise of both runs can explain? */
  readonly significant: boolean;
}

const SAME = ['suite', 'shape', 'dtype', 'impl', 'threads', 'node'] as const;
/** A change counts from 5 % on, and beyond three deviations of both runs together. */
const SMALLEST_CHANGE = 0.05;
const DEVIATIONS = 3;

/** What both runs measured. */
export function compareRuns(now: readonly Result[], before: readonly Result[]): Change[] {
  const key = (r: Result): string => SAME.map((name) => r[name]).join('|');
  const earlier = new Map(before.map((r) => [key(r), r]));
  return now.flatMap((r) => {
    const old = earlier.get(key(r));
    if (old === undefined) return [];
    const difference = Math.abs(r.median_ms - old.median_ms);
    const noise = DEVIATIONS * Math.hypot(r.mad_ms, old.mad_ms);
    const significant = difference > noise && difference > SMALLEST_CHANGE * old.median_ms;
    return [{ now: r, before: old, speedup: old.median_ms / r.median_ms, significant }];
  });
}

/** Throws ArgumentError for text that is not a file of the bench. */
export function parseBenchFile(text: string, name: string): BenchFile {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    throw new ArgumentError(`--compare: ${name} is not JSON; give a bench.json of an earlier run`);
  }
  const { results } = (file ?? {}) as Partial<BenchFile>;
  if (!Array.isArray(results) || !results.every((r) => typeof r.median_ms === 'number'))
    throw new ArgumentError(`--compare: ${name} has no results; give a bench.json of an earlier run`);
  return file as BenchFile;
}
