/** The command line of the experiments, and the sizes of both kinds of run. */
import { parseArgs } from 'node:util';
import { ArgumentError } from '../../src/core/index.js';
import type { Sizes } from './types.js';

export const FULL: Sizes = {
  train: 60_000,
  epochs: null,
  test: 10_000,
  calibration: 512,
  qat: 30_000,
  adaround: 500,
  finetune: 2,
};

/** A rehearsal of every unit: numbers that mean little. */
export const QUICK: Sizes = {
  train: 6400,
  epochs: 2,
  test: 1000,
  calibration: 128,
  qat: 2560,
  adaround: 50,
  finetune: 1,
};

export interface Options {
  readonly quick: boolean;
  readonly seeds: readonly number[];
  readonly suites: readonly string[];
  readonly data: string | null;
  readonly out: string;
  readonly workers: number;
  /** Write the page from the results that there are, and run nothing. */
  readonly page: boolean;
  readonly help: boolean;
}

export const help = (suites: readonly string[]): string => `npm run experiments -- [options]

  --quick            few images, one seed, every method: minutes, and numbers that mean little
  --seeds 1,2,3      default 1,2,3,4,5, with --quick 1
  --only NAMES       ${suites.join(', ')}; several with commas; default all
  --data DIR         idx files of MNIST or Fashion-MNIST; default: the data of the repository
  --out DIR          results by unit; what is there is not measured again.
                     default out/experiments, with --quick out/experiments-quick
  --workers N        units at a time, default 2
  --page             write the page from the results of the last full run
`;

const list = (text: string): string[] =>
  text
    .split(',')
    .map((s) => s.trim())
    .filter((s) => s !== '');

function whole(text: string, name: string): number {
  if (!/^\d+$/.test(text)) throw new ArgumentError(`${name}: '${text}' must be a whole number`);
  return Number(text);
}

/** Throws ArgumentError for values out of range, TypeError for an unknown option. */
export function parseOptions(args: readonly string[], suites: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      seeds: { type: 'string' },
      only: { type: 'string' },
      data: { type: 'string' },
      out: { type: 'string' },
      workers: { type: 'string', default: '2' },
      page: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, page, help, data = null } = values;
  const only = list(values.only ?? suites.join(','));
  for (const name of only)
    if (!suites.includes(name))
      throw new ArgumentError(`--only: '${name}' is unknown; use one of ${suites.join(', ')}`);
  const seeds = list(values.seeds ?? (quick ? '1' : '1,2,3,4,5')).map((s) => whole(s, '--seeds'));
  if (seeds.length === 0 || new Set(seeds).size < seeds.length)
    throw new ArgumentError(`--seeds: '${values.seeds}'; give different whole numbers, such as 1,2,3`);
  const workers = whole(values.workers, '--workers');
  if (workers < 1) throw new ArgumentError(`--workers: ${workers} must be 1 or more`);
  const out = values.out ?? (quick ? 'out/experiments-quick' : 'out/experiments');
  return { quick, seeds, suites: only, data, out, workers, page, help };
}
