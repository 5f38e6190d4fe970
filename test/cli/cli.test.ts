/** Help, unknown words, and the program as a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { main } from '../../src/cli/cli.js';
import { COMMANDS } from '../../src/cli/commands.js';
import { Random } from '../../src/core/index.js';
import { encodeModel, encodeSafetensors } from '../../src/formats/index.js';
import { PlainCnn } from '../../src/models/index.js';
import { trace } from '../../src/trace/index.js';
import { normal } from '../support/models.js';
import { readFloatRun } from '../../src/cli/training/index.js';
import { cli, writeSmallData } from './harness.js';

t.test('help of the program and of every command', async (t) => {
  const general = await cli(['--help']);
  t.equal(general.code, 0);
  for (const [name, { summary }] of Object.entries(COMMANDS)) {
    t.match(general.out.join('\n'), new RegExp(`${name} +${summary}`));
    const { code, out } = await cli([name, '--help']);
    t.equal(code, 0);
    t.match(out.join('\n'), `usage: octograd ${name}`);
    t.same((await cli(['help', name])).out, out);
    t.ok(Math.max(...out.map((line) => line.length)) <= 120, `${name}: the help fits 120 columns`);
  }
  const nothing = await cli([]);
  t.equal(nothing.code, 2);
  t.same(nothing.out, general.out);
});

t.test('words that are not known', async (t) => {
  const { code, err } = await cli(['trian']);
  t.equal(code, 2);
  t.same(err, ["octograd: unknown command 'trian'; did you mean train?"]);
  t.match((await cli(['constructor'])).err[0], 'there are');
  const option = await cli(['train', '--epoch', '3']);
  t.equal(option.code, 2);
  t.same(option.err, [
    'octograd train: unknown option --epoch; did you mean --epochs? See octograd train --help',
  ]);
});

t.test('--verbose shows where an error comes from', async (t) => {
  const short = await cli(['inspect', 'nowhere.octo']);
  t.equal(short.err.length, 1);
  const long = await cli(['inspect', 'nowhere.octo', '--verbose']);
  t.equal(long.err[0], short.err[0]);
  t.match(long.err[1], /DataError: .*\n +at /);
});

const dir = t.testdir();

t.test('an error that nobody expected is one line, too', async (t) => {
  const file = join(dir, 'empty.safetensors');
  writeFileSync(file, encodeSafetensors(new Map()));
  const err: string[] = [];
  const code = await main(['inspect', file], {
    stdout() {
      throw new TypeError('made up');
    },
    stderr: (line) => err.push(line),
    isTTY: false,
    signal: new AbortController().signal,
    endsAtOnce: (f) => f(),
  });
  t.equal(code, 1);
  t.same(err, ['octograd inspect: internal error: TypeError: made up; --verbose shows where']);
});

const program = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

function start(argv: readonly string[]) {
  // the test runner has a part of its own in every process, by NODE_OPTIONS too, which listens to signals
  const words = process.execArgv.filter((word) => !word.includes('processinfo'));
  const child = spawn('env', ['-u', 'NODE_OPTIONS', process.execPath, ...words, program, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (s: string) => (text.out += s));
  child.stderr.setEncoding('utf8').on('data', (s: string) => (text.err += s));
  return { child, text, closed: once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]> };
}

t.test('Ctrl-C leaves a checkpoint, and says how to go on', async (t) => {
  const data = writeSmallData(join(dir, 'data'), 64, 10);
  const file = join(dir, 'm.octo');
  const { child, text, closed } = start(['train', '--data', data, '--epochs', '100000', '--out', file]);
  child.stderr.once('data', () => child.kill('SIGINT'));
  const [code] = await closed;
  t.equal(code, 130, text.err);
  t.match(text.out, `go on with: octograd train --resume ${join(dir, 'm.checkpoint')} --data ${data}`);
  const { run, config } = readFloatRun(new Uint8Array(readFileSync(join(dir, 'm.checkpoint'))));
  t.ok(run.position.epoch < 1000);
  t.equal(config.epochs, 100000);
  t.equal((await cli(['inspect', join(dir, 'm.checkpoint')])).code, 0);
});

t.test('Ctrl-C ends a report at once, and nothing is written', async (t) => {
  const data = writeSmallData(join(dir, 'report-data'), 64, 32);
  const [model, page] = [join(dir, 'net.octo'), join(dir, 'net.html')];
  const graph = trace(new PlainCnn({ random: new Random(1) }), normal([1, 28, 28, 1]));
  writeFileSync(model, encodeModel(graph, { labels: [], normalization: null }));
  const words = ['report', model, '--data', data, '--html', page, '--attribute-adaround'];
  const { child, text, closed } = start(words);
  let asked = 0;
  child.stderr.on('data', () => {
    if (asked > 0 || !text.err.includes('measuring sources')) return;
    asked = performance.now();
    child.kill('SIGINT');
  });
  // by the signal, which to a shell is 130
  t.same(await closed, [null, 'SIGINT'], text.err);
  t.ok(performance.now() - asked < 1000, 'at once');
  t.same([existsSync(page), text.out], [false, '']);
});
