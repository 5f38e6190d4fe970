/** results.json: what a run measured, with where and how. */
import { cpus } from 'node:os';
import { ArgumentError } from '../../src/core/index.js';
import type { Latency } from './latency.js';
import type { Measured, Result, Sizes, Unit } from './types.js';

/** A result without what all units share. */
export interface Row extends Measured, Pick<Unit, 'suite' | 'network' | 'seed' | 'variant' | 'bits'> {
  readonly seconds: number;
}

export interface Environment {
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly date: string;
}

interface Run extends Environment {
  readonly command: string;
  readonly sizes: Sizes;
  readonly seeds: readonly number[];
  readonly latency: readonly Latency[];
}

export interface ResultsFile extends Run {
  readonly results: readonly Result[];
}

/** As it is read back. */
export interface Results extends Run {
  readonly rows: readonly Row[];
}

export function environment(): Environment {
  const { model } = cpus()[0];
  return { node: process.version, cpu: model.trim(), cores: cpus().length, date: new Date().toISOString() };
}

/** JSON with a line for each unit. */
export function formatResults({ results, ...run }: ResultsFile): string {
  const rows = results.map(({ unit: { suite, network, seed, variant, bits }, ...measured }): Row => {
    const seconds = Number(measured.seconds.toFixed(1));
    return { suite, network, seed, variant, bits, ...measured, seconds };
  });
  const head = Object.entries(run).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{\n${head.join(',\n')},\n"rows": [\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n}\n`;
}

/** Throws ArgumentError for a text that is no results file. */
export function parseResults(text: string, path: string): Results {
  let parsed: Partial<Results>;
  try {
    parsed = JSON.parse(text) as Partial<Results>;
  } catch (error) {
    throw new ArgumentError(
      `${path} is not JSON (${(error as Error).message}); run npm run experiments again`,
    );
  }
  if (!Array.isArray(parsed.rows) || parsed.sizes === undefined)
    throw new ArgumentError(`${path} has no rows; give the results.json of npm run experiments`);
  return parsed as Results;
}
