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
      const copy = back[side].get(name)!;
      t.same([copy.dtype, copy.shape], [array.dtype, array.shape]);
      t.same(Buffer.from(copy.data.buffer), Buffer.from(array.data.buffer), name);
    }
  }
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
      inputs: [{ name: 'x', dtype: 'int8', shape: [2], data: 'AAA=', ...fields }],
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
    entry({ name: 1 }),
  ])
    t.throws(() => readSelfTest(text), { code: 'format' }, text);
  t.end();
});
