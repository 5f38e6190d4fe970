/** The linear memory: who frees a block, reuse, growth, and what happens when it is full. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { OutOfMemory, prepare, reference, run, type Kernel } from '../../../kernels/index.js';
import { WasmMemory } from '../../../kernels/wasm/memory.js';
import { Random } from '../../../src/core/index.js';

const PAGES = 512;

t.test('arrays of any size and type are zero-filled, apart from each other, and 16-byte aligned', (t) => {
  const memory = new WasmMemory(PAGES);
  const r = new Random('memory');
  const live: { array: Float64Array | Int8Array; value: number }[] = [];
  for (let i = 0; i < 3000; i++) {
    if (live.length > 0 && r.next() < 0.5) {
      const [{ array, value }] = live.splice(r.int(live.length), 1);
      if (!array.every((v) => v === value)) t.fail('an array was overwritten');
      memory.free(array);
    }
    const array = memory.allocate(r.next() < 0.5 ? 'float64' : 'int8', r.int(600));
    if (array.some((v) => v !== 0) || array.byteOffset % 16 !== 0) t.fail('not zero-filled, or not aligned');
    const value = i % 100;
    live.push({ array: array.fill(value), value });
  }
  t.ok(live.every(({ array, value }) => memory.owns(array) && array.every((v) => v === value)));
  t.notOk(memory.owns(new Int8Array(1)));
  live.forEach(({ array }) => memory.free(array));
  t.equal(memory.usage.used, 0);
  t.end();
});

t.test('what a scope allocates is free after it, also when it throws; the rest stays', (t) => {
  const memory = new WasmMemory(PAGES);
  const kept = memory.allocate('int32', 10);
  const before = memory.usage.used;
  const inner: Int32Array[] = [];
  t.throws(
    () =>
      memory.scope(() => {
        memory.allocate('int32', 100);
        memory.scope(() => inner.push(memory.allocate('int32', 100)));
        inner.push(memory.allocate('int32', 100));
        throw new Error('on purpose');
      }),
    /on purpose/,
  );
  t.equal(inner[0].byteOffset, inner[1].byteOffset, 'a scope reuses the block of the one before');
  t.equal(memory.usage.used, before);
  const taken = memory.scope(() => memory.take('int32', 100))!;
  const owner = memory.ownedBy({});
  const owned = memory.scope(() => owner.allocate('int32', 100));
  t.equal(memory.usage.used, before + 2 * 448, 'blocks with an owner do not belong to the scope');
  t.not(taken.byteOffset, owned.byteOffset);
  owner.free();
  owner.free();
  memory.free(taken);
  memory.free(kept);
  t.equal(memory.usage.used, 0);
  t.end();
});

t.test('a block that was freed by hand and given away again is not freed by its former owners', (t) => {
  const memory = new WasmMemory(PAGES);
  const owner = memory.ownedBy({});
  let mine: Int8Array | null = null;
  memory.scope(() => {
    const scoped = memory.allocate('int8', 64);
    const owned = owner.allocate('int8', 64);
    memory.free(scoped);
    memory.free(owned);
    memory.free(owned);
    mine = memory.take('int8', 64);
    t.ok([scoped.byteOffset, owned.byteOffset].includes(mine!.byteOffset));
  });
  owner.free();
  t.equal(memory.usage.used, 64);
  t.end();
});

t.test('growth detaches no view; a full memory says so', (t) => {
  const memory = new WasmMemory(PAGES);
  const first = memory.allocate('int8', 100).fill(7);
  const reserved = memory.usage.reserved;
  const large = memory.allocate('int8', reserved);
  t.ok(memory.owns(large) && memory.usage.reserved > reserved);
  t.ok(memory.owns(first) && first.every((v) => v === 7));
  const tooLarge = memory.allocate('float32', (PAGES * 65536) / 4);
  t.notOk(memory.owns(tooLarge), 'from the JavaScript heap');
  t.equal(memory.take('int8', PAGES * 65536), null);
  t.equal(memory.takeCollected('int8', PAGES * 65536), null);
  memory.free(tooLarge);
  memory.free(large);
  const rest: Int8Array[] = [];
  for (let array = memory.take('int8', 2 ** 20); array !== null; array = memory.take('int8', 2 ** 20))
    rest.push(array);
  t.ok(
    rest.some(({ byteOffset }) => byteOffset === large.byteOffset),
    'a larger block serves when there is no other',
  );
  t.end();
});

t.test('a block is free again when its array is garbage', async (t) => {
  const memory = new WasmMemory(PAGES);
  (() => memory.takeCollected('float32', 1000))();
  const freed = memory.takeCollected('float32', 1000)!;
  memory.free(freed);
  const mine = memory.take('float32', 1000);
  t.ok(mine);
  const used = memory.usage.used;
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 20 && memory.usage.used === used; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  t.equal(memory.usage.used, used / 2, 'the one block whose array is gone');
});

t.test('a kernel that finds no room leaves the work to the next one', (t) => {
  const full: Kernel<'qlut'> = {
    op: 'qlut',
    name: 'full',
    supports: () => true,
    prepare: () => {
      throw new OutOfMemory('anything');
    },
  };
  const broken: Kernel<'qlut'> = {
    ...full,
    prepare: () => {
      throw new RangeError('a bug');
    },
  };
  const memory = new WasmMemory(PAGES);
  const params = { x: Int8Array.of(1), table: new Int8Array(256).fill(9), y: new Int8Array(1) };
  run([full, ...reference], 'qlut', params, memory);
  t.equal(params.y[0], 9);
  t.not(prepare([full, ...reference], 'qlut', params, memory).kernel.name, 'full');
  t.throws(() => run([full], 'qlut', params, memory), /no kernel/);
  t.throws(() => run([broken, ...reference], 'qlut', params, memory), /a bug/);
  t.end();
});
