/** Outputs never replace what a command reads, nor one another: refused before any work. */
import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { optionWord } from './args.js';
import { UsageError, type OptionTable, type OptionValues, type ParsedArgs } from './command.js';

/** Options that name a file, or a folder for files, that is written. Every other text may name one that is read. */
export const OUTPUTS = ['out', 'output', 'html', 'json'] as const;
type Output = (typeof OUTPUTS)[number];

/** What commands read of a folder: pictures, and images and labels of a data set. */
const READ_IN_FOLDERS = /\.(png|jpe?g|gz)$|-(images|labels)\b/i;

const isFolder = (path: string): boolean => existsSync(path) && statSync(path).isDirectory();

/** One name for each file, links followed; of a file that is not there yet, that of its folder with its own. */
function placeOf(path: string): string {
  const whole = resolve(path);
  if (existsSync(whole)) return realpathSync.native(whole);
  return dirname(whole) === whole ? whole : join(placeOf(dirname(whole)), basename(whole));
}

function filesRead({ positionals, options }: ParsedArgs): string[] {
  const values: Readonly<Record<string, unknown>> = options;
  const texts = Object.keys(values).flatMap((key) =>
    (OUTPUTS as readonly string[]).includes(key) ? [] : [values[key]],
  );
  return [...positionals, ...texts]
    .filter((path): path is string => typeof path === 'string' && existsSync(path))
    .flatMap((path) =>
      isFolder(path)
        ? readdirSync(path)
            .filter((name) => READ_IN_FOLDERS.test(name))
            .map((name) => join(path, name))
        : [path],
    );
}

/**
 * Throws UsageError where a file of `--out`, `--output`, `--html` or `--json` is one that the command reads, or that of another
 * output, and for a page or JSON that would be a folder.
 *
 * @param made files whose names the command makes, by the option that names them otherwise
 */
export function refuseOverwriting<T extends OptionTable>(
  args: ParsedArgs<T>,
  made: readonly (readonly [option: Output, path: string])[] = [],
): void {
  const options: OptionValues<OptionTable> = args.options;
  const chosen = OUTPUTS.filter((key) => !made.some(([option]) => option === key)).flatMap((key) => {
    const path = options[key];
    return typeof path === 'string' && !(key === 'json' && path === '-') ? [[key, path] as const] : [];
  });
  const reads = new Set(filesRead(args).map(placeOf));
  const written = new Map<string, string>();
  for (const [key, path] of [...made, ...chosen]) {
    const word = `--${optionWord(key)}`;
    const place = placeOf(path);
    if ((key === 'json' || key === 'html') && isFolder(path))
      throw new UsageError(`${word}: ${path} is a folder; name a file`);
    if (reads.has(place))
      throw new UsageError(`${word}: ${path} is read here and would be overwritten; name another file`);
    const other = written.get(place);
    if (other !== undefined && !isFolder(path))
      throw new UsageError(`${word}: ${path} is written by ${other} too; give each a file of its own`);
    written.set(place, word);
  }
}
