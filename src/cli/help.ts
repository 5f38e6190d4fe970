/** The texts of `--help`, made from the tables of the commands. */
import { allOptions, optionWord, placeholder } from './args.js';
import { commonOptions, type Command, type OptionSpec } from './command.js';
import { columns } from './text.js';

/** Characters beside the names of options; longer lists of choices get a line of their own. */
const LINE = 80;

function optionSyntax(key: string, spec: OptionSpec): string {
  const word = `--${optionWord(key)}`;
  if (spec.kind !== 'flag') return `${word} ${placeholder(spec)}`;
  return spec.short === undefined ? word : `-${spec.short}, ${word}`;
}

function defaultOf(spec: OptionSpec): string {
  if ('required' in spec && spec.required) return ' (required)';
  return spec.kind === 'flag' || spec.default === undefined ? '' : ` (default ${spec.default})`;
}

export function commandHelp(command: Command): string[] {
  const { name, summary, positionals } = command;
  const words = ['octograd', name, ...positionals.map((p) => p.name), '[options]'];
  const common = Object.keys(commonOptions);
  const options = Object.entries(allOptions(command));
  const own = options.filter(([key]) => !common.includes(key));
  const rowsOf = ([key, spec]: [string, OptionSpec]): string[][] => {
    const syntax = `  ${optionSyntax(key, spec)}`;
    const about = spec.help + defaultOf(spec);
    if (spec.kind !== 'choice') return [[syntax, about]];
    const choices = spec.choices.join(' | ');
    const fits = choices.length + about.length <= LINE;
    return fits
      ? [[syntax, `${choices}: ${about}`]]
      : [
          [syntax, about],
          ['', choices],
        ];
  };
  return [
    `${name}: ${summary}`,
    '',
    `usage: ${words.join(' ')}`,
    '',
    ...columns([
      ...positionals.map((p) => [`  ${p.name}`, p.help]),
      ...(positionals.length > 0 ? [['']] : []),
      ...own.flatMap(rowsOf),
      ...(own.length > 0 ? [['']] : []),
      ...options.filter(([key]) => common.includes(key)).flatMap(rowsOf),
    ]),
  ];
}

export function generalHelp(commands: readonly Command[], version: string): string[] {
  return [
    `octograd ${version}: train, quantize and run small neural networks; what you train is what you run`,
    '',
    'usage: octograd COMMAND [options]',
    '',
    ...columns(commands.map((c) => [`  ${c.name}`, c.summary])),
    '',
    'octograd COMMAND --help shows the options of a command.',
  ];
}
