/** The gradient of every op against central differences. */
import t from 'tap';
import { gradcheck, withTracer } from '../../src/autograd/index.js';
import { OPS, type OpName } from '../../src/ops/index.js';
import { compositions, samples } from './samples.js';

for (const name of Object.keys(OPS) as OpName[]) {
  const list = samples[name];
  if ('unchecked' in list) continue;
  t.test(name, (t) => {
    t.equal(OPS[name].name, name, 'the key is the name of the op');
    t.ok(list.length > 0, 'has samples');
    for (const { f, inputs } of list) {
      const seen = new Set<string>();
      withTracer({ record: (op) => seen.add(op.name) }, () => f(...inputs));
      t.ok(seen.has(name), `the sample calls ${name}`);
      t.doesNotThrow(
        () => gradcheck(f, inputs, { name }),
        `inputs ${inputs.map((x) => `[${x.shape.join(', ')}]`).join(', ')}`,
      );
    }
    t.end();
  });
}

t.test('compositions', (t) => {
  for (const [name, list] of Object.entries(compositions))
    for (const { f, inputs } of list) t.doesNotThrow(() => gradcheck(f, inputs, { name }), name);
  t.end();
});
