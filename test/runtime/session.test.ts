/** Sessions: batches, static memory, and inputs that do not fit. */
import t from 'tap';
import { heap, js, reference, wasm, wasmMemory } from '../../kernels/index.js';
import type { WasmMemory } from '../../kernels/wasm/memory.js';
import { NDArray } from '../../src/core/index.js';
import type { Graph, Node, Param } from '../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import { Session } from '../../src/runtime/index.js';
import { planArena } from '../../src/runtime/plan.js';
import { trace } from '../../src/trace/index.js';
import { graphOf } from '../support/graphs.js';
import { batches, EveryOp, normal, TinyCnn } from '../support/models.js';

const SHAPE = [4, 8, 8, 2];
const tiny = convert(calibrate(prepare(trace(new TinyCnn(), normal(SHAPE)), ptqConfig()), batches(1, SHAPE)));
const every = convert(
  calibrate(prepare(trace(new EveryOp(), normal(SHAPE)), ptqConfig()), batches(1, SHAPE)),
);

t.test('any number of rows, any batch size, either backend: the same bits', (t) => {
  for (const graph of [tiny, every]) {
    const x = normal([7, 8, 8, 2], 3).value;
    const want = [...new Session(graph, { backend: reference }).run(x).data];
    t.equal(want.length, 7 * graph.values.get(graph.outputs[0])!.shape[1]);
    for (const batch of [1, 2, 7, 16])
      for (const backend of [wasm, js])
        t.same([...new Session(graph, { batch, backend }).run(x).data], want, `batch ${batch}`);
  }
  t.end();
});

t.test('running twice gives the same, and outputs of earlier runs stay', (t) => {
  const session = new Session(every);
  const a = session.run(normal([2, 8, 8, 2], 1).value);
  const copy = [...a.data];
  session.run(normal([2, 8, 8, 2], 2).value);
  t.same([...a.data], copy);
  t.same([...session.run(normal([2, 8, 8, 2], 1).value).data], copy);
  t.end();
});

t.test('values share the arena when they are not alive together, and never overlap when they are', (t) => {
  const { memory } = new Session(every);
  t.ok(memory.arenaBytes < memory.unsharedBytes / 2, `${memory.arenaBytes} of ${memory.unsharedBytes} bytes`);
  const plan = planArena(every, 3, heap, false);
  const birth = new Map<string, number>(every.inputs.map((id) => [id, -1]));
  every.nodes.forEach((n, i) => birth.set(n.id, i));
  const death = (id: string): number =>
    every.outputs.includes(id)
      ? every.nodes.length
      : Math.max(birth.get(id)!, ...every.nodes.map((n, i) => (n.inputs.includes(id) ? i : -1)));
  const ids = [...plan.arrays.keys()];
  for (const a of ids)
    for (const b of ids) {
      if (a >= b || birth.get(a)! > death(b) || birth.get(b)! > death(a)) continue;
      const [x, y] = [plan.arrays.get(a)!, plan.arrays.get(b)!];
      const reshaped = x.byteOffset === y.byteOffset && every.nodes.some((n) => n.op === 'reshape');
      const apart =
        x.byteOffset + x.byteLength <= y.byteOffset || y.byteOffset + y.byteLength <= x.byteOffset;
      t.ok(apart || reshaped, `${a} and ${b}`);
    }
  t.end();
});

t.test('keep makes every value readable', (t) => {
  const session = new Session(tiny, { keep: true, batch: 2 });
  session.run(normal([2, 8, 8, 2]).value);
  t.same(session.tensor('conv').shape, [2, 8, 8, 4]);
  t.same(session.tensor('reshape').data, session.tensor('maxPool2d').data);
  t.throws(() => session.tensor('nothing'), { code: 'argument', message: /nothing is not a value.*conv/s });
  t.throws(() => new Session(tiny).tensor('conv'), { code: 'argument', message: /keep: true/ });
  t.equal(session.kernels[0].id, 'input/quantize');
  t.ok(session.kernels.every((k) => k.kernel.length > 0));
  t.end();
});

t.test('results go where the caller wants them', (t) => {
  const x = normal([5, 8, 8, 2], 3).value;
  const session = new Session(tiny, { batch: 2 });
  const want = session.run(x);
  const output = NDArray.full(want.shape, NaN, 'float32');
  t.equal(session.run(x, output), output);
  t.same(output.data, want.data);
  t.throws(() => session.run(x, NDArray.zeros([4, 5], 'float32')), { code: 'shape', message: /^output/ });
  t.throws(() => session.run(x, NDArray.zeros(want.shape, 'int8')), {
    code: 'dtype',
    message: /gives float32/,
  });
  t.end();
});

t.test('the profile names every layer, its kernel, and shares that add up', (t) => {
  const session = new Session(tiny, { batch: 2 });
  const x = normal([3, 8, 8, 2]).value;
  const profile = session.profile(x, 3);
  t.same(
    profile.map(({ id, kernel }) => ({ id, kernel })),
    session.kernels,
  );
  t.ok(Math.abs(profile.reduce((sum, p) => sum + p.share, 0) - 1) < 1e-9);
  for (const { id, op, ms, gops } of profile) {
    t.ok(ms >= 0, id);
    t.equal(gops === null, op !== 'conv2d' && op !== 'linear', id);
  }
  const conv = profile.find((p) => p.id === 'conv')!;
  const operations = 2 * (2 * 8 * 8 * 4) * (3 * 3 * 2);
  t.ok(Math.abs(conv.gops! * conv.ms * 1e6 - operations) < 1e-6, 'two operations for each multiply-add');
  t.same(session.run(x).data, new Session(tiny).run(x).data, 'and the session still runs');
  t.throws(() => session.profile(x, 0), { code: 'argument', message: /^rounds/ });
  t.end();
});

t.test('a session lives in the memory of its kernels and gives it back', (t) => {
  const memory = wasmMemory() as WasmMemory;
  const before = memory.usage.used;
  const x = normal([2, 8, 8, 2]).value;
  const session = new Session(every, { keep: true });
  const want = session.run(x);
  const running = memory.usage.used;
  t.ok(running - before > session.memory.arenaBytes);
  for (let i = 0; i < 10; i++) session.run(x, want);
  t.equal(memory.usage.used, running, 'a run takes nothing');
  const conv = session.tensor(session.kernels[1].id);
  t.ok(memory.owns(conv.data));
  session.dispose();
  session.dispose();
  t.ok(memory.usage.used - before < 2 ** 16, 'but for the scratch that all calls share');
  t.throws(() => session.run(x), { code: 'disposed', message: /create another/ });
  t.throws(() => conv.data, { code: 'disposed' });
  t.end();
});

t.test('what does not fit is refused', (t) => {
  const session = new Session(tiny);
  const run = (x: NDArray) => () => session.run(x);
  t.throws(run(NDArray.zeros([1, 8, 8, 3], 'float32')), { code: 'shape', message: /\[n, 8, 8, 2\]/ });
  t.throws(run(NDArray.zeros([0, 8, 8, 2], 'float32')), { code: 'shape' });
  t.throws(run(NDArray.zeros([1, 8, 8, 2], 'int8')), { code: 'dtype', message: /takes float32/ });
  t.throws(() => session.runAll(new Map()), { code: 'argument', message: /input is missing/ });
  const x = normal([1, 8, 8, 2]).value;
  for (const stray of ['nothing', 'conv'])
    t.throws(() => session.runAll(new Map([['input', x]]).set(stray, x)), {
      code: 'argument',
      message: `inputs: ${stray} is not an input of this graph; it takes input`,
    });
  t.throws(() => new Session(tiny, { batch: 0 }), { code: 'argument', message: /batch/ });
  t.throws(() => new Session(trace(new TinyCnn(), normal(SHAPE))), { code: 'graph', message: /convert\(\)/ });
  const moved: Node[] = [
    { op: 'transpose', id: 'y', inputs: ['x'], perm: [0, 2, 1, 3] },
    { op: 'resize', id: 'y', inputs: ['x'], size: [8, 8], mode: 'nearest', coordinates: 'asymmetric' },
  ];
  for (const node of moved)
    t.throws(() => new Session(graphOf({ x: [1, 4, 4, 3] }, {}, [node])), {
      code: 'graph',
      message: /x has no qparams/,
    });
  t.end();
});

t.test('NaN and infinities in the input are codes like any other', (t) => {
  const x = normal([1, 8, 8, 2]).value;
  x.data.set([NaN, Infinity, -Infinity]);
  t.ok(new Session(tiny).run(x).data.every(Number.isFinite));
  t.end();
});

t.test('input codes outside their range are refused: kernels rely on it', (t) => {
  const config = ptqConfig({ target: 'w8a7' });
  const graph = convert(calibrate(prepare(trace(new TinyCnn(), normal(SHAPE)), config), batches(1, SHAPE)));
  const [quantize, ...nodes] = graph.nodes;
  const values = new Map(graph.values);
  values.delete(graph.inputs[0]);
  const session = new Session({ ...graph, inputs: [quantize.id], nodes, values });
  const x = NDArray.full([1, 8, 8, 2], 127, 'uint8');
  session.run(x);
  x.data[5] = 128;
  t.throws(() => session.run(x), {
    code: 'argument',
    message: /holds the code 128, outside its range \[0, 127\]; clamp the codes/,
  });
  t.end();
});

t.test('weights with a zero point and biases that are no codes are refused', (t) => {
  const change = (id: string, param: Partial<Param>): Graph => ({
    ...tiny,
    params: new Map(tiny.params).set(id, { ...tiny.params.get(id)!, ...param }),
  });
  const { qparams } = tiny.params.get('fc.weight')!;
  const shifted = { ...qparams!, zeroPoint: qparams!.zeroPoint.map(() => 1) };
  t.throws(() => new Session(change('fc.weight', { qparams: shifted })), {
    code: 'graph',
    message: /fc: the zero point of fc.weight is not 0/,
  });
  const array = tiny.params.get('fc.bias')!.array.astype('float32');
  t.throws(() => new Session(change('fc.bias', { array, qparams: null })), {
    code: 'graph',
    message: /fc: its bias is not int32 codes/,
  });
  t.end();
});
