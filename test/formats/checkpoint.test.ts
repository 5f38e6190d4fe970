import t from 'tap';
import { ArgumentError, FormatError } from '../../src/core/errors.js';
import { NDArray } from '../../src/core/ndarray.js';
import { Random } from '../../src/core/random.js';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/formats/checkpoint.js';
import { encodeContainer } from '../../src/formats/container.js';
import type { Json } from '../../src/formats/json.js';
import { decodeNpy, encodeNpy } from '../../src/formats/npy.js';
import { decodeSafetensors, encodeSafetensors } from '../../src/formats/safetensors.js';
import { joinState, splitState, type StateTree } from '../../src/formats/state-tree.js';
import { Linear } from '../../src/nn/linear.js';

const random = new Random(7);
random.next();
const checkpoint = {
  epoch: 3,
  step: 120,
  model: new Map([['conv.weight', new NDArray(Float32Array.of(1, 2), [2, 1])]]),
  optimizer: {
    kind: 'adam',
    groups: [
      {
        lr: 0.001,
        best: Infinity,
        low: -Infinity,
        none: NaN,
        zero: -0,
        state: [{ m: Float32Array.of(0.5) }, null],
      },
    ],
  },
  random: { shuffle: random.state() as StateTree },
  extra: { $schema: 'mine', $$: [true, 'text'], empty: {}, map: new Map([['__proto__', 1]]) },
};

t.test('everything comes back as it was', (t) => {
  const back = decodeCheckpoint(encodeCheckpoint(checkpoint));
  t.equal(back.epoch, 3);
  t.equal(back.step, 120);
  const weight = (back.model as Map<string, NDArray>).get('conv.weight')!;
  t.same([weight.dtype, weight.shape, [...weight.data]], ['float32', [2, 1], [1, 2]]);
  const group = (back.optimizer as { groups: Record<string, unknown>[] }).groups[0];
  t.equal(group['lr'], 0.001);
  t.equal(group['best'], Infinity);
  t.equal(group['low'], -Infinity);
  t.ok(Number.isNaN(group['none']));
  t.ok(Object.is(group['zero'], -0));
  const state = group['state'] as [{ m: NDArray }, null];
  t.same([[...state[0].m.data], state[0].m.shape, state[1]], [[0.5], [1], null]);
  t.same(back.extra, checkpoint.extra);
  t.end();
});

t.test('a restored generator goes on with the same numbers', (t) => {
  const back = decodeCheckpoint(encodeCheckpoint(checkpoint)).random as { shuffle: object };
  const restored = Random.restore(back.shuffle);
  t.same([restored.next(), restored.next()], [random.next(), random.next()]);
  t.end();
});

t.test('tensors carry their path as name, also where two paths read the same', (t) => {
  const one = (v: number) => new NDArray(Float32Array.of(v), [1]);
  const { document, tensors } = splitState({ a: { 'b/c': one(1) }, 'a/b': { c: one(2) } });
  t.same([...tensors.keys()], ['a/b/c', 'a/b/c~2']);
  const back = joinState(document, tensors) as { a: { 'b/c': NDArray }; 'a/b': { c: NDArray } };
  t.same([back.a['b/c'].data[0], back['a/b'].c.data[0]], [1, 2]);
  t.ok(decodeSafetensors(encodeCheckpoint(checkpoint)).tensors.has('model/conv.weight'));
  t.end();
});

t.test('what cannot be stored is refused when writing', (t) => {
  t.throws(() => encodeCheckpoint({ ...checkpoint, epoch: 1.5 }), {
    constructor: ArgumentError,
    message: /epoch: 1.5/,
  });
  t.throws(() => encodeCheckpoint({ ...checkpoint, step: -1 }), /step: -1/);
  const bad = (v: unknown) => () => encodeCheckpoint({ ...checkpoint, extra: { inner: v as StateTree } });
  t.throws(
    bad(() => 1),
    { constructor: ArgumentError, message: /function at extra\/inner/ },
  );
  t.throws(bad(undefined), /undefined at extra\/inner/);
  t.throws(bad(random), /an instance of Random at extra\/inner/, 'the state is asked for, not the generator');
  const cyclic: Record<string, unknown> = {};
  cyclic['self'] = cyclic;
  t.throws(bad(cyclic), { constructor: ArgumentError, message: /cyclic/ });
  t.end();
});

t.test('files with a good checksum and a bad document', (t) => {
  const good = { epoch: 0, step: 0, model: null, optimizer: null, random: null, extra: null };
  const refused = (document: Json, message: RegExp) =>
    t.throws(
      () => decodeCheckpoint(encodeContainer({ kind: 'checkpoint', document, tensors: new Map() })),
      { constructor: FormatError, message },
      String(message),
    );
  t.same(decodeCheckpoint(encodeContainer({ kind: 'checkpoint', document: good, tensors: new Map() })), good);
  refused(null, /not an object/);
  refused([good], /not an object/);
  refused({ $map: [] }, /not an object/);
  refused({ epoch: 0, step: 0 }, /lacks model/);
  refused({ ...good, epoch: '1' }, /epoch .* not a whole number/);
  refused({ ...good, step: -1 }, /step .* not a whole number/);
  refused({ ...good, model: { $tensor: 'w' } }, /unknown tensor "w"/);
  refused({ ...good, model: { $tensor: ['w'] } }, /unknown tensor/);
  refused({ ...good, extra: { $number: 'constructor' } }, /unknown number/);
  refused({ ...good, extra: { $map: {} } }, /not a list of entries/);
  refused({ ...good, extra: { $map: [[1, 2]] } }, /not \[key, value\]/);
  let deep: Json = 0;
  for (let i = 0; i < 200; i++) deep = [deep];
  refused({ ...good, extra: deep }, /deeper than 100/);
  t.throws(() => decodeCheckpoint(encodeContainer({ kind: 'model', document: good, tensors: new Map() })), {
    constructor: FormatError,
    message: /holds a model, a checkpoint is expected/,
  });
  t.end();
});

t.test('arrays in the linear memory are saved as copies, and load into it again', (t) => {
  const [from, to] = [new Linear(3, 2), new Linear(3, 2)];
  t.ok(from.weight.data.buffer instanceof SharedArrayBuffer);
  const state = new Map([...from.namedParameters()].map(([name, p]) => [name, p.value]));
  const bytes = encodeCheckpoint({ ...checkpoint, model: state });
  t.ok(bytes.buffer instanceof ArrayBuffer);
  to.loadStateDict(decodeCheckpoint(bytes).model as Map<string, NDArray>);
  t.ok(to.weight.data.buffer instanceof SharedArrayBuffer);
  t.same(to.weight.data, from.weight.data);
  const file = encodeSafetensors(state);
  from.weight.data.fill(0);
  t.same(decodeSafetensors(file).tensors.get('weight')!.data, to.weight.data);
  t.same(decodeNpy(encodeNpy(to.weight.value)).data, to.weight.data);
  t.end();
});
