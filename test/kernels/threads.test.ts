/** Kernels on several threads: the same bits, a clean end, and errors that say what to do. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { memoryOf, resolve, wasm, wasmEngine } from '../../kernels/index.js';
import { startThreads as startOn } from '../../kernels/threads/index.js';
import { Random } from '../../src/core/index.js';
import { startThreads } from '../../src/node/index.js';
import { codes, requantization } from './js/samples.js';

/** A product that is large enough to be split. */
function product(r: Random) {
  const [m, n, k] = [200 + r.int(100), 60 + r.int(40), 90 + r.int(60)];
  return {
    m,
    n,
    k,
    x: codes(r, m * k, true),
    xZeroPoint: 3,
    w: codes(r, n * k, true),
    wZeroPoint: 0,
    bias: null,
    requant: requantization(r, n, k, true),
    y: new Int8Array(m * n),
  };
}

t.test('two and three threads compute the codes of one, whenever they start', async (t) => {
  const r = new Random('threads');
  const memory = memoryOf(wasm);
  const problems = Array.from({ length: 6 }, () => product(r));
  const calls = problems.map((p) => resolve(wasm, 'qgemm', p).prepare(p, memory));
  const results = () => {
    calls.forEach((call) => call());
    return problems.map((p) => p.y.join());
  };
  const one = results();
  for (const count of [2, 3]) {
    const stop = await startThreads(count);
    let equal = 0;
    for (let round = 0; round < 20; round++) {
      problems.forEach((p) => p.y.fill(0));
      results().forEach((codes, i) => (equal += codes === one[i] ? 1 : 0));
    }
    t.equal(equal, 20 * problems.length, `${count} threads`);
    // compiled while threads run
    const late = { ...product(r), y: new Int8Array(0) };
    const p = { ...late, requant: null, y: new Int32Array(late.m * late.n) };
    const call = resolve(wasm, 'qgemm', p).prepare(p, memory);
    call();
    const many = p.y.join();
    await stop();
    await stop();
    p.y.fill(0);
    call();
    t.equal(many, p.y.join());
  }
  t.strictSame(results(), one, 'one thread again');
});

t.test('what cannot be started says why', async (t) => {
  await t.rejects(startThreads(0), /count: 0 must be a whole number >= 1/);
  await t.rejects(startThreads(1.5), /count: 1.5/);
  await t.resolves((await startThreads(1))());
  const stop = await startThreads(2);
  await t.rejects(startThreads(2), /threads run already; stop them first/);
  await stop();
  await t.rejects(
    startOn(2, () => Promise.reject(new Error('no worker here'))),
    /no worker here/,
  );
  t.equal(wasmEngine()!.pool, null);
});

t.test('threads that were never stopped do not keep a process alive', async (t) => {
  const program = fileURLToPath(new URL('fixtures/threads.ts', import.meta.url));
  // the loader of this process compiles the program too
  const argv = [...process.execArgv, program];
  const { stdout } = await promisify(execFile)(process.execPath, argv, { timeout: 30000 });
  t.equal(stdout, 'started\n');
});
