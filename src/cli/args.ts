/** From the words of a command line to checked values, by the option table of a command. */
import { parseArgs } from 'node:util';
import {
  commonOptions,
  UsageError,
  type Command,
  type OptionSpec,
  type OptionTable,
  type OptionValues,
  type ParsedArgs,
} from './command.js';
import { didYouMean } from './suggest.js';

/** `weightBits` -> `weight-bits`. */
export function optionWord(key: string): string {
  return key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`);
}

export function allOptions(command: Pick<Command, 'options'>): OptionTable {
  return { ...command.options, ...commonOptions };
}

/** Throws UsageError for anything that the table does not allow. */
export function parse(command: Command, words: readonly string[]): ParsedArgs {
  const table = allOptions(command);
  const keys = new Map(Object.keys(table).map((key) => [optionWord(key), key]));
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries([...keys].map(([word, key]) => [word, nodeOption(table[key])])),
    strict: false,
    tokens: true,
  });
  const positionals: string[] = [];
  const values: Record<string, unknown> = {};
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const { name, rawName, value } = token;
    const key = keys.get(name);
    if (key === undefined)
      throw new UsageError(`unknown option ${rawName}${didYouMean(name, [...keys.keys()], '--')}`);
    const spec = table[key];
    if (spec.kind === 'flag') {
      if (value !== undefined) throw new UsageError(`${rawName} takes no value, ${quote(value)} was given`);
    } else if (value === undefined || (!token.inlineValue && value.startsWith('--')))
      throw new UsageError(
        `${rawName} needs a value: ${rawName} ${spec.kind === 'choice' ? spec.choices.join('|') : placeholder(spec)}`,
      );
    values[key] = spec.kind === 'flag' ? true : convert(spec, value as string, rawName);
  }
  // Asking for help is enough; nothing else needs to be right.
  if (values.help !== true) {
    checkPositionals(command, positionals);
    for (const [key, spec] of Object.entries(table))
      if ('required' in spec && spec.required && values[key] === undefined)
        throw new UsageError(`--${optionWord(key)} ${placeholder(spec)} is missing: ${spec.help}`);
  }
  const given = new Set(Object.keys(values));
  for (const [key, spec] of Object.entries(table))
    if (!given.has(key)) values[key] = spec.kind === 'flag' ? false : spec.default;
  return { positionals, given, options: values as OptionValues<typeof commonOptions> };
}

/** The words of a command line that {@link parse} reads as these, with `changes`. */
export function wordsOf(
  command: string,
  { positionals, given, options }: ParsedArgs,
  changes: Readonly<Record<string, string>>,
): string[] {
  const values: Readonly<Record<string, unknown>> = { ...options, ...changes };
  const keys = new Set([...given, ...Object.keys(changes)]);
  const optionWords = [...keys].flatMap((key) =>
    values[key] === true ? [`--${optionWord(key)}`] : [`--${optionWord(key)}`, String(values[key])],
  );
  return ['octograd', command, ...positionals, ...optionWords];
}

/** What stands for the value of an option in `--help`. */
export function placeholder(spec: OptionSpec): string {
  if (spec.placeholder !== undefined) return spec.placeholder;
  if (spec.kind === 'choice') return 'NAME';
  return spec.kind === 'integer' ? 'N' : spec.kind === 'number' ? 'X' : 'TEXT';
}

function nodeOption(spec: OptionSpec): { type: 'boolean' | 'string'; short?: string } {
  if (spec.kind !== 'flag') return { type: 'string' };
  return spec.short === undefined ? { type: 'boolean' } : { type: 'boolean', short: spec.short };
}

function convert(spec: Exclude<OptionSpec, { kind: 'flag' }>, value: string, word: string): string | number {
  switch (spec.kind) {
    case 'text':
      if (value === '') throw new UsageError(`${word}: the value is empty`);
      return value;
    case 'choice':
      if (!spec.choices.includes(value))
        throw new UsageError(
          `${word}: ${quote(value)} is not one of ${spec.choices.join(', ')}${didYouMean(value, spec.choices)}`,
        );
      return value;
    case 'integer':
    case 'number': {
      const n = value.trim() === '' ? NaN : Number(value);
      const { min = -Infinity, max = Infinity } = spec;
      const whole = spec.kind === 'number' || Number.isSafeInteger(n);
      if (!Number.isFinite(n) || !whole || n < min || n > max)
        throw new UsageError(`${word}: ${quote(value)} must be a ${wanted(spec.kind, min, max)}`);
      return n;
    }
  }
}

function wanted(kind: 'integer' | 'number', min: number, max: number): string {
  const what = kind === 'integer' ? 'whole number' : 'number';
  if (min === -Infinity && max === Infinity) return what;
  if (max === Infinity) return `${what} >= ${min}`;
  return min === -Infinity ? `${what} <= ${max}` : `${what} from ${min} to ${max}`;
}

function checkPositionals({ positionals: specs }: Command, given: readonly string[]): void {
  const missing = specs[given.length];
  if (missing !== undefined) throw new UsageError(`${missing.name} is missing: ${missing.help}`);
  if (given.length > specs.length)
    throw new UsageError(
      `${quote(given[specs.length])} is one argument too many${specs.length === 0 ? '; it takes options only' : ''}`,
    );
}

function quote(text: string | boolean): string {
  return `'${String(text)}'`;
}
