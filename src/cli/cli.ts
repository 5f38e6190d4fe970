/** Dispatch: picks the command, parses its options, runs it, and turns what is thrown into one line and an exit code. */
import { OctogradError } from '../core/index.js';
import { optionWord, parse } from './args.js';
import {
  EXIT,
  FailedRun,
  StoppedRun,
  UsageError,
  type Command,
  type Io,
  type kernelOptions,
  type OptionValues,
} from './command.js';
import { COMMANDS } from './commands.js';
import { commandHelp, generalHelp } from './help.js';
import { enableRevectorize, startThreads } from '../node/index.js';
import { refuseOverwriting } from './overwrite.js';
import { packageVersion } from './paths.js';
import { didYouMean } from './suggest.js';

const SILENT = (): void => undefined;

/** Runs the command line `argv` (without node and script) and returns the exit code. Nothing is thrown. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [word, ...rest] = argv;
  if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
    const topic = word === 'help' && rest[0] !== undefined ? find(rest[0]) : null;
    const help = topic === null ? generalHelp(Object.values(COMMANDS), packageVersion()) : commandHelp(topic);
    help.forEach((line) => io.stdout(line));
    return word === undefined ? EXIT.usage : EXIT.ok;
  }
  if (word === '--version' || word === 'version') {
    io.stdout(packageVersion());
    return EXIT.ok;
  }
  const command = find(word);
  if (command === null) {
    const names = Object.keys(COMMANDS);
    const hint = didYouMean(word, names) || `; there are ${names.join(', ')}`;
    io.stderr(`octograd: unknown command '${word}'${hint}`);
    return EXIT.usage;
  }
  return runCommand(command, rest, io);
}

function find(name: string): Command | null {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : null;
}

async function runCommand(command: Command, words: readonly string[], io: Io): Promise<number> {
  let verbose = words.includes('--verbose');
  const restore: (() => void | Promise<void>)[] = [];
  try {
    const args = parse(command, words);
    const { help, quiet } = args.options;
    verbose = args.options.verbose;
    if (help) {
      commandHelp(command).forEach((line) => io.stdout(line));
      return EXIT.ok;
    }
    refuseOverwriting(args);
    // commands that run kernels have these, see kernelOptions
    const { revectorize, threads } = args.options as Partial<OptionValues<typeof kernelOptions>>;
    if (revectorize === true) restore.push(enableRevectorize());
    if (threads !== undefined) restore.push(await startThreads(threads));
    return await command.run(args, quiet ? { ...io, stderr: SILENT, isTTY: false } : io);
  } catch (error) {
    return fail(command, error, verbose, io);
  } finally {
    for (const undo of restore.reverse()) await undo();
  }
}

/** Options whose argument has another name in the library. */
const ARGUMENTS: Readonly<Record<string, string>> = { budget: 'weightBudget' };

/** `channel: 9 is not ...` is about `--channel`, where the command has it. */
function withOption(message: string, { options }: Command): string {
  return message.replace(/^(\w+)(?=: )/, (word) => {
    const key = ARGUMENTS[word] ?? word;
    return Object.hasOwn(options, key) ? `--${optionWord(key)}` : word;
  });
}

function fail(command: Command, error: unknown, verbose: boolean, io: Io): number {
  const report = (message: string): void => {
    io.stderr(`octograd ${command.name}: ${message.replaceAll('\n', ' ')}`);
    if (verbose && error instanceof Error) io.stderr(error.stack ?? String(error));
  };
  if (io.signal.aborted && error === io.signal.reason) {
    report('stopped');
    return EXIT.aborted;
  }
  if (error instanceof StoppedRun) {
    report(error.message);
    return EXIT.aborted;
  }
  if (error instanceof UsageError) {
    report(`${error.message}; see octograd ${command.name} --help`.replace('?; see', '? See'));
    return EXIT.usage;
  }
  if (error instanceof OctogradError || error instanceof FailedRun)
    report(withOption(error.message, command));
  else report(`internal error: ${String(error)}${verbose ? '' : '; --verbose shows where'}`);
  return EXIT.failed;
}
