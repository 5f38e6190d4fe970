/** What a command of the command line is: its words, its table of options, and what it does. */

interface Described {
  /** One line for `--help`, without a full stop. */
  readonly help: string;
  /** What `--help` calls the value; default: the kind, in capitals. */
  readonly placeholder?: string;
}

/** An option that may be left out has no default; it is then absent from the parsed options. */
export type OptionSpec =
  | (Described & { readonly kind: 'flag'; readonly short?: string })
  | (Described & { readonly kind: 'text'; readonly default?: string; readonly required?: true })
  | (Described & NumberLimits & { readonly kind: 'integer' | 'number'; readonly default?: number })
  | (Described & {
      readonly kind: 'choice';
      readonly choices: readonly string[];
      readonly default?: string;
      readonly required?: true;
    });

/** Inclusive. */
interface NumberLimits {
  readonly min?: number;
  readonly max?: number;
}

/** Keys are in camel case; `weightBits` is written `--weight-bits`. */
export type OptionTable = { readonly [name: string]: OptionSpec };

export interface PositionalSpec {
  /** In capitals, as `--help` shows it. */
  readonly name: string;
  readonly help: string;
}

type ValueOf<O extends OptionSpec> = O extends { readonly kind: 'flag' }
  ? boolean
  : O extends { readonly kind: 'choice'; readonly choices: readonly (infer C)[] }
    ? C
    : O extends { readonly kind: 'integer' | 'number' }
      ? number
      : string;

type IsSet<O extends OptionSpec> = O extends
  { readonly kind: 'flag' } | { readonly default: unknown } | { readonly required: true }
  ? true
  : false;

/** Values by option: flags and options with a default are always there. */
export type OptionValues<T extends OptionTable> = {
  readonly [K in keyof T]: IsSet<T[K]> extends true ? ValueOf<T[K]> : ValueOf<T[K]> | undefined;
};

/** Options that every command has. */
export const commonOptions = {
  json: { kind: 'text', placeholder: 'FILE', help: 'write the result as JSON; - for standard output' },
  quiet: { kind: 'flag', help: 'no progress, only results and errors' },
  verbose: { kind: 'flag', help: 'show where an error comes from' },
  help: { kind: 'flag', short: 'h', help: 'show this help' },
} as const satisfies OptionTable;

/** For commands that draw random numbers. */
export const seedOption = {
  seed: { kind: 'integer', default: 0, min: 0, help: 'of everything random' },
} as const satisfies OptionTable;

/** For commands that read the data set; see `loadData`. */
export const dataOption = {
  data: {
    kind: 'text',
    placeholder: 'DIR',
    help: 'folder of idx files (default: the Fashion-MNIST of the repository)',
  },
} as const satisfies OptionTable;

/** For commands that run kernels; the command line itself acts on them. */
export const kernelOptions = {
  threads: { kind: 'integer', default: 1, min: 1, help: 'that share the work of large layers' },
  revectorize: {
    kind: 'flag',
    help: 'kernels of 256 bits, through an experimental flag of V8; Node 24 or later',
  },
} as const satisfies OptionTable;

export interface ParsedArgs<T extends OptionTable = OptionTable> {
  /** As many as the command names. */
  readonly positionals: readonly string[];
  /** Keys of the options that stand on the command line; the others have their defaults. */
  readonly given: ReadonlySet<string>;
  readonly options: OptionValues<T & typeof commonOptions>;
}

/** Where a command prints. `--quiet` silences `stderr` here; errors are thrown, and printed by main. */
export interface Io {
  /** A line of the result. */
  stdout(line: string): void;
  /** A line of progress. */
  stderr(line: string): void;
  /** Standard error is a terminal, and a progress bar is welcome. */
  readonly isTTY: boolean;
  /** Aborted by Ctrl-C: finish the step, save, return 130. */
  readonly signal: AbortSignal;
  /**
   * Runs what computes in one piece and has nothing to save. A signal would only be noticed at its end; until then Ctrl-C ends the
   * process at once, which to a shell is exit code 130.
   */
  endsAtOnce<T>(f: () => Promise<T>): Promise<T>;
}

/** Exit codes. A typed error that is thrown means `failed`, a UsageError `usage`. */
export const EXIT = { ok: 0, failed: 1, usage: 2, aborted: 130 } as const;

export interface Command<T extends OptionTable = OptionTable> {
  readonly name: string;
  /** One line, without a full stop. */
  readonly summary: string;
  readonly positionals: readonly PositionalSpec[];
  /** Besides the common ones. */
  readonly options: T;
  /** Returns the exit code. */
  run(args: ParsedArgs<T>, io: Io): Promise<number>;
}

/** Lets the compiler derive the types of `args` from the table. */
export function defineCommand<const T extends OptionTable>(command: Command<T>): Command<T> {
  return command;
}

/** The command line was not understood; exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command did what it could, and the outcome is a failure; exit code 1. */
export class FailedRun extends Error {
  override readonly name = 'FailedRun';
}

/** Ctrl-C ended a training that can go on: the message says how; exit code 130. */
export class StoppedRun extends Error {
  override readonly name = 'StoppedRun';
}
