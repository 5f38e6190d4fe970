/** Choosing kernels: order of a backend, refusal, and what the listed backends must hold. */
import t from 'tap';
import { heap, js, reference, resolve, run, type Backend, type Kernel } from '../../kernels/index.js';

const params = { x: Int8Array.of(1), table: new Int8Array(256), y: new Int8Array(1) };
const kernel = (name: string, supported: boolean): Kernel<'qlut'> => ({
  op: 'qlut',
  name,
  supports: () => supported,
  prepare:
    ({ y }) =>
    () => {
      y[0] = 42;
    },
});

t.test('the first kernel that supports the parameters is chosen', (t) => {
  const backend: Backend = [kernel('refuses', false), kernel('first', true), kernel('second', true)];
  t.equal(resolve(backend, 'qlut', params).name, 'first');
  run(backend, 'qlut', params);
  t.equal(params.y[0], 42);
  t.end();
});

t.test('no kernel', (t) => {
  t.throws(() => resolve([], 'qlut', params), /no kernel of this backend supports qlut/);
  t.throws(() => run([kernel('refuses', false)], 'qlut', params), /qlut/);
  t.throws(
    () =>
      resolve([kernel('other op', true)], 'qpad', {
        shape: [],
        pads: [],
        value: 0,
        x: params.x,
        y: params.y,
      }),
    /qpad/,
  );
  t.end();
});

t.test('the reference has one kernel per op, and js covers every op', (t) => {
  const ops = (backend: Backend) => [...new Set(backend.map(({ op }) => op))].sort();
  t.equal(new Set(reference.map(({ op }) => op)).size, reference.length);
  t.strictSame(ops(js), ops(reference));
  t.equal(reference.length, 19);
  t.equal(new Set(js.map(({ name }) => name)).size, js.length, 'names are unique');
  t.end();
});

t.test('heap memory is zero-filled and of the type asked for', (t) => {
  t.strictSame(heap.allocate('float32', 2), new Float32Array(2));
  t.strictSame(heap.allocate('float64', 2), new Float64Array(2));
  t.strictSame(heap.allocate('int8', 2), new Int8Array(2));
  t.strictSame(heap.allocate('int32', 2), new Int32Array(2));
  t.end();
});
