/** A sample of `npm run fuzz:formats`, and that the fuzzer notices what it looks for. */
import t from 'tap';
import { FormatError } from '../../src/core/errors.js';
import { FORMATS } from './fuzzFormats.js';
import { fileOf, inspect, type Format } from './fuzzing.js';

const SAMPLE = 300;

for (const format of FORMATS)
  t.test(`${format.name}: damaged and hostile files give typed errors, in bounded time and memory`, (t) => {
    const seeds = format.seeds();
    let accepted = 0;
    const check = (what: string, bytes: Uint8Array): void => {
      let finding = inspect(format, bytes);
      if (finding.problem !== null) finding = inspect(format, bytes); // the machine may have been busy
      if (finding.accepted) accepted++;
      if (finding.problem !== null) t.fail(`${what}: ${finding.problem}`);
    };
    for (let i = 0; i < SAMPLE; i++) check(`file ${i}`, fileOf(format, seeds, 'sample', i));
    for (const [name, bytes] of format.hostile?.(3e5) ?? []) check(name, bytes);
    t.ok(accepted > 0 && accepted < SAMPLE, `${accepted} still readable`);
    t.end();
  });

t.test('the fuzzer notices errors without a type, time and memory', (t) => {
  const problem = (parse: Format['parse']): string | null =>
    inspect({ name: 'x', seeds: () => [], parse }, new Uint8Array(8)).problem;
  t.match(
    problem(() => (undefined as unknown as string).length),
    /TypeError/,
  );
  t.match(
    problem(() => new Uint8Array(65e6)),
    /took \d+ bytes for a file of 8/,
  );
  t.match(
    problem(() => {
      for (const end = performance.now() + 1001; performance.now() < end;);
    }),
    /took \d+ ms/,
  );
  t.equal(
    problem(() => {
      throw new FormatError('x');
    }),
    null,
  );
  t.end();
});
