/** The command line of the bench. */
import { parseArgs } from 'node:util';
import { ArgumentError } from '../src/core/index.js';
import { SUITES, type Suite } from './types.js';

export interface Options {
  readonly suites: readonly Suite[];
  /** Shapes whose name contains one of these; empty: all. */
  readonly filters: readonly string[];
  /** Implementations whose name contains one of these; empty: all. */
  readonly impls: readonly string[];
  readonly quick: boolean;
  readonly compare: string | null;
  readonly out: string;
  /** Further Node binaries. */
  readonly binaries: readonly string[];
  readonly revectorize: boolean;
  readonly cpu: boolean;
  /** Print the help and stop. */
  readonly help: boolean;
}

export const HELP = `npm run bench -- [options]

  --suite NAMES      ${SUITES.join(', ')}; several with commas. Default: all but accuracy, which trains for minutes
  --filter TEXT      shapes whose name contains TEXT; several with commas
  --impl TEXT        implementations whose name contains TEXT; several with commas
  --quick            few shapes and rounds: under a minute
  --compare FILE     a bench.json of an earlier run to compare with
  --out DIR          where bench.json and report.html go; default out/bench-results
  --node BINARY      another Node to run in as well; may be repeated
  --revectorize      also 256-bit kernels, in every Node from 24 on
  --cpu              processor time instead of wall-clock time, for a busy machine (one thread only)
`;

const split = (text: string | undefined): string[] =>
  (text ?? '')
    .split(',')
    .map((s) => s.trim())
    .filter((s) => s !== '');

/** Throws ArgumentError for an unknown suite, TypeError for an unknown option. */
export function parseOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      suite: { type: 'string' },
      filter: { type: 'string' },
      impl: { type: 'string' },
      quick: { type: 'boolean', default: false },
      compare: { type: 'string' },
      out: { type: 'string', default: 'out/bench-results' },
      node: { type: 'string', multiple: true, default: [] },
      revectorize: { type: 'boolean', default: false },
      cpu: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const named = split(values.suite);
  for (const name of named)
    if (!SUITES.includes(name as Suite))
      throw new ArgumentError(`--suite: '${name}' is unknown; use one of ${SUITES.join(', ')}`);
  return {
    suites: named.length > 0 ? (named as Suite[]) : SUITES.filter((s) => s !== 'accuracy'),
    filters: split(values.filter),
    impls: split(values.impl),
    quick: values.quick,
    compare: values.compare ?? null,
    out: values.out,
    binaries: values.node,
    revectorize: values.revectorize,
    cpu: values.cpu,
    help: values.help,
  };
}

/** Does a name contain one of the texts, where any are given? */
export function matches(name: string, texts: readonly string[]): boolean {
  return texts.length === 0 || texts.some((text) => name.includes(text));
}
