import t from 'tap';
import { optionWord, parse } from '../../src/cli/args.js';
import { defineCommand, UsageError } from '../../src/cli/command.js';
import { commandHelp } from '../../src/cli/help.js';
import { nearest } from '../../src/cli/suggest.js';
import { columns, counted, shellWord } from '../../src/cli/text.js';

const made = defineCommand({
  name: 'made',
  summary: 'a command of this test',
  positionals: [{ name: 'FILE', help: 'what to read' }],
  options: {
    weightBits: { kind: 'integer', min: 2, max: 8, default: 8, help: 'bits' },
    rate: { kind: 'number', min: 0, help: 'rate' },
    shift: { kind: 'number', help: 'any number' },
    top: { kind: 'number', max: 1, help: 'at most one' },
    mode: { kind: 'choice', choices: ['fast', 'slow'], default: 'fast', help: 'how' },
    target: { kind: 'text', required: true, placeholder: 'DIR', help: 'where to' },
    deep: { kind: 'flag', short: 'd', help: 'all of it' },
  },
  run: () => Promise.resolve(0),
});

const NEEDED = ['in.bin', '--target', 'out'];

function message(...words: string[]): string {
  try {
    parse(made, words);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return 'accepted';
}

t.test('values, defaults and what was given', (t) => {
  const { positionals, given, options } = parse(made, [
    ...NEEDED,
    '--weight-bits=4',
    '--rate',
    '1e-3',
    '--shift',
    '-2.5',
    '-d',
  ]);
  t.same(positionals, ['in.bin']);
  t.match(options, { weightBits: 4, rate: 0.001, shift: -2.5, mode: 'fast', target: 'out', deep: true });
  t.equal(options.quiet, false);
  t.equal(options.json, undefined);
  t.ok(given.has('rate'));
  t.notOk(given.has('mode'));
  t.same(parse(made, ['--target', 'x', '--', '--odd name']).positionals, ['--odd name']);
  t.equal(optionWord('weightBits'), 'weight-bits');
  t.end();
});

t.test('what is wrong is named, with what to do', (t) => {
  t.equal(message('--target', 'x'), 'FILE is missing: what to read');
  t.equal(message('a'), '--target DIR is missing: where to');
  t.equal(message(...NEEDED, 'b'), "'b' is one argument too many");
  t.equal(
    message(...NEEDED, '--weight-bit', '3'),
    'unknown option --weight-bit; did you mean --weight-bits?',
  );
  t.equal(message(...NEEDED, '--nothing-like-it'), 'unknown option --nothing-like-it');
  t.equal(message(...NEEDED, '--weight-bits', '9'), "--weight-bits: '9' must be a whole number from 2 to 8");
  for (const bad of ['4.5', 'four', ' ', 'Infinity', '0x'])
    t.match(message(...NEEDED, '--weight-bits', bad), /must be a whole number from 2 to 8/, bad);
  t.equal(message(...NEEDED, '--rate', '-1'), "--rate: '-1' must be a number >= 0");
  t.equal(message(...NEEDED, '--rate', 'NaN'), "--rate: 'NaN' must be a number >= 0");
  t.equal(message(...NEEDED, '--top', '2'), "--top: '2' must be a number <= 1");
  t.equal(message(...NEEDED, '--shift', 'x'), "--shift: 'x' must be a number");
  t.equal(
    message(...NEEDED, '--mode', 'slwo'),
    "--mode: 'slwo' is not one of fast, slow; did you mean slow?",
  );
  t.equal(message(...NEEDED, '--mode'), '--mode needs a value: --mode fast|slow');
  t.equal(message('a', '--target', '--deep'), '--target needs a value: --target DIR');
  t.equal(message('a', '--target', ''), '--target: the value is empty');
  t.equal(message(...NEEDED, '--deep=yes'), "--deep takes no value, 'yes' was given");
  t.equal(message('--help'), 'accepted', 'help asks for nothing else');
  t.end();
});

t.test('the help shows every option, with its default', (t) => {
  const help = commandHelp(made).join('\n');
  t.match(help, 'usage: octograd made FILE [options]');
  t.match(help, /--weight-bits N +bits \(default 8\)/);
  t.match(help, /--mode NAME +fast \| slow: how \(default fast\)/);
  t.match(help, /--target DIR +where to \(required\)/);
  t.match(help, /-d, --deep +all of it/);
  t.match(help, /-h, --help/);
  t.end();
});

t.test('the nearest word, if one is near', (t) => {
  const words = ['train', 'quantize', 'evaluate'];
  t.equal(nearest('trian', words), 'train');
  t.equal(nearest('quant', words), 'quantize', 'a beginning');
  t.equal(nearest('evalute', words), 'evaluate');
  t.equal(nearest('fly', words), null);
  t.equal(nearest('', []), null);
  t.end();
});

t.test('columns, counts, words for a shell', (t) => {
  t.same(['out/a-1.octo', "it's", ''].map(shellWord), ['out/a-1.octo', "'it'\\''s'", "''"]);
  t.same(columns([['a', '1', 'x'], ['bcd', '23', 'y'], ['']], [1]), ['a     1  x', 'bcd  23  y', '']);
  t.same(
    [counted(1, 'image'), counted(12345, 'image'), counted(2, 'batch', 'batches')],
    ['1 image', '12,345 images', '2 batches'],
  );
  t.end();
});
