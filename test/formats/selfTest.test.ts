/** Self-tests in files: what is written comes back, and broken text is refused. */
import t from 'tap';
import { NDArray } from '../../src/core/index.js';
import { readSelfTest, writeSelfTest } from '../../src/formats/selfTest.js';

const test = {
  inputs: new Map<string, NDArray>([
    ['x', new NDArray(Float32Array.of(1.5, -0, NaN, Infinity, 1e-40, 3), [1, 2, 3])],
    ['__proto__', new NDArray(Int8Array.of(-128, 127), [2])],
  ]),
  outputs: new Map<string, NDArray>([
    [
      'y',
      new NDArray(
        Uint8Array.from({ length: 20000 }, (_, i) => i % 256),
        [20000],
      ),
    ],
    ['none', new NDArray(new Float32Array(0), [0])],
  ]),
};

t.test('bits, names and shapes come back', (t) => {
  const back = readSelfTest(writeSelfTest(test));
  for (const side of ['inputs', 'outputs'] as const) {
    t.same([...back[side].keys()], [...test[side].keys()]);
    for (const [name, array] of test[side]) {
      if (name === 'y') continue; // longer than what is stored
      const copy = back[side].get(name)!;
      t.same([copy.dtype, copy.shape], [array.dtype, array.shape]);
      t.same(Buffer.from(copy.data.buffer), Buffer.from(array.data.buffer), name);
    }
  }
  t.end();
});

t.test('of a long output every n-th number', (t) => {
  const { outputs, every } = readSelfTest(writeSelfTest(test));
  t.same(
    every,
    new Map([
      ['y', 10],
      ['none', 1],
    ]),
  );
  t.same(
    [...outputs.get('y')!.data].slice(0, 30),
    Array.from({ length: 30 }, (_, i) => (10 * i) % 256),
  );
  t.end();
});

t.test('an image of blocks takes the room of its blocks', (t) => {
  const image = new NDArray(
    Float32Array.from({ length: 60 * 50 * 3 }, (_, i) => {
      const [y, x] = [Math.floor(i / 150), Math.floor((i % 150) / 3)];
      return (i % 3) + 10 * (y >> 2) + 1000 * (x >> 2);
    }),
    [1, 60, 50, 3],
  );
  const text = writeSelfTest({ inputs: new Map([['x', image]]), outputs: new Map() });
  t.ok(text.length < image.size, `${text.length} characters for ${image.size} numbers`);
  t.same(readSelfTest(text).inputs.get('x'), image);
  t.end();
});

t.test('a view of a part of a buffer', (t) => {
  const whole = Float32Array.of(9, 1, 2, 9);
  const part = { inputs: new Map([['x', new NDArray(whole.subarray(1, 3), [2])]]), outputs: new Map() };
  t.same([...readSelfTest(writeSelfTest(part)).inputs.get('x')!.data], [1, 2]);
  t.end();
});

t.test('broken text', (t) => {
  const entry = (fields: object): string =>
    JSON.stringify({
      inputs: [{ name: 'x', dtype: 'int8', shape: [2], blocks: [1], data: 'AAA=', ...fields }],
      outputs: [],
    });
  t.doesNotThrow(() => readSelfTest(entry({})));
  for (const text of [
    '',
    '[]',
    '{"inputs":[]}',
    entry({ dtype: 'float64' }),
    entry({ shape: [3] }),
    entry({ shape: [-1] }),
    entry({ shape: [2 ** 40, 2 ** 40] }),
    entry({ data: '*' }),
    entry({ blocks: [0] }),
    entry({ blocks: [1, 1] }),
    entry({ shape: [2 ** 30], blocks: [64] }),
    entry({ name: 1 }),
  ])
    t.throws(() => readSelfTest(text), { code: 'format' }, text);
  t.end();
});
