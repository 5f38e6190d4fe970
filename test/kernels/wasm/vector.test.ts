/** The kernels of training beyond random problems: special values, threads, and the ops that use them. */
import t from 'tap';
import {
  heap,
  js,
  resolve,
  wasm,
  wasmEngine,
  type MapFunction,
  type OpName,
} from '../../../kernels/index.js';
import { training, trainingReference } from '../../../kernels/training.js';
import { NDArray, perTensor, Random, type QParams } from '../../../src/core/index.js';
import { tensor } from '../../../src/autograd/index.js';
import { fakeQuantize, insideRange, quantizeArray, setBackend, sum } from '../../../src/ops/index.js';
import { floats, result } from '../js/samples.js';
import { functions, mapCase } from './cases/training.js';
import { compare } from './compare.js';

const SPECIAL = [0, -0, 0.5, -0.5, 1.5, 2.5, 6, 126.5, 127.5, -128.5, 1e-40, 3e38, Infinity, -Infinity, NaN];

t.test('each elementwise function equals the reference within its bound', (t) => {
  for (const fn of functions)
    for (let i = 0; i < 4; i++) {
      const { failures } = compare(mapCase(fn, new Random(`${fn} ${i}`)));
      for (const failure of failures) t.fail(failure);
    }
  t.end();
});

t.test('special values give what the reference gives, but for the sign of a rectified zero', (t) => {
  const n = 4096 + SPECIAL.length;
  const x = new Float32Array(n).map((_, i) => SPECIAL[i % SPECIAL.length]);
  const other = new Float32Array(n).map((_, i) => SPECIAL[Math.floor(i / SPECIAL.length) % SPECIAL.length]);
  const [scale, low, high] = [1, -128, 127].map((v) => Float32Array.of(v));
  const unary: MapFunction[] = ['relu', 'relu6', 'neg', 'abs', 'square'];
  const binary: MapFunction[] = ['add', 'sub', 'mul', 'div', 'maximum', 'minimum', 'reluGrad', 'relu6Grad'];
  const calls: [MapFunction, Float32Array[]][] = [
    ...unary.map((fn): [MapFunction, Float32Array[]] => [fn, [x]]),
    ...binary.map((fn): [MapFunction, Float32Array[]] => [fn, [x, other]]),
    ['fakeQuantize', [x, scale, low, high]],
    ['fakeQuantizeGrad', [other, x, scale, low, high]],
    ['inside', [x, scale, low, high]],
    ['quantize', [x, scale, low, high, Float32Array.of(0)]],
  ];
  for (const [fn, operands] of calls) {
    const y =
      fn === 'inside' ? new Uint8Array(n) : fn === 'quantize' ? new Int8Array(n) : new Float32Array(n);
    const params = { fn, inner: 1, x: operands, s: [], y: [y] };
    const [want, got] = [trainingReference, training].map((list) =>
      result(resolve<OpName>(list, 'map', params), params, y),
    );
    const signed = !fn.startsWith('relu');
    const differs = want.findIndex((v, i) => !(Object.is(v, got[i]) || (!signed && v === got[i])));
    t.equal(
      differs,
      -1,
      `${fn} of ${x[differs]} and ${other[differs]}: ${got[differs]}, not ${want[differs]}`,
    );
  }
  t.end();
});

t.test('results do not depend on how the work is split', (t) => {
  const engine = wasmEngine();
  if (engine === null) return void t.end();
  const r = new Random('split');
  const x = floats(r, 200_000);
  const half = Int32Array.from({ length: 50 }, (_, i) => 2 * i);
  const taps = { start: half, end: half.map((v) => v + 2), step: 1 };
  const windows = { batch: 4, height: 100, width: 100, channels: 5, rows: taps, columns: taps };
  const [y, sums, pooled] = [new Float32Array(x.length), new Float64Array(10), new Float32Array(50_000)];
  const problems = [
    ['map', { fn: 'add', inner: 1, x: [x, floats(r, 10)], s: [], y: [y] }, y],
    ['sums', { fn: 'sum', outer: 1, rows: 20_000, channels: 10, x: [x], p: [], y: [sums] }, sums],
    ['maxpool', { ...windows, x, y: pooled, winners: null }, pooled],
  ] as unknown as [OpName, never, Float32Array][];
  for (const [op, params, output] of problems) {
    const kernel = resolve(training, op, params);
    const run = (): number[] => {
      kernel.prepare(params, heap)();
      return Array.from(output);
    };
    const whole = run();
    const pieces: number[] = [];
    const before = engine.pool;
    engine.pool = {
      threads: 3,
      add: () => undefined,
      run(module, place, context, units, chunk, scratchBytes) {
        const f = Object.values(engine.compiled[module].exports)[place];
        for (let i = 0; i < units; i += chunk) {
          f(context, i, Math.min(i + chunk, units), engine.scratch(scratchBytes));
          pieces.push(i);
        }
      },
    };
    try {
      const split = run();
      t.equal(
        whole.findIndex((v, i) => v !== split[i]),
        -1,
        kernel.name,
      );
    } finally {
      engine.pool = before;
    }
    t.ok(pieces.length > 1, `${op} was split`);
  }
  t.end();
});

t.test('fake quantization, codes and masks are the same bits on every backend', (t) => {
  const r = new Random('codes');
  const shape = [24, 3, 7, 11];
  const x = new NDArray(
    floats(r, 24 * 3 * 7 * 11).map((v) => 3 * v),
    shape,
  );
  const range = { dtype: 'int8' as const, quantMin: -128, quantMax: 127 };
  const perAxis = (axis: number): QParams => ({
    ...range,
    axis,
    scale: new Float32Array(shape[axis]).map(() => r.uniform(0.01, 0.1)),
    zeroPoint: new Int32Array(shape[axis]).map(() => r.int(40) - 20),
  });
  for (const qparams of [perTensor(0.03, 5, range), perAxis(0), perAxis(1), perAxis(3)]) {
    const outcomes = [js, wasm].map((backend) => {
      const restore = setBackend(backend);
      try {
        const input = tensor(x, { requiresGrad: true });
        const y = fakeQuantize(input, qparams);
        sum(y).backward();
        const codes = quantizeArray(x, qparams).data;
        return [y.data, input.grad!.data, codes, insideRange(x, qparams)].map((a) => Array.from(a));
      } finally {
        restore();
      }
    });
    outcomes[0].forEach((want, k) => {
      const differs = want.findIndex((v, i) => !Object.is(v, outcomes[1][k][i]));
      t.equal(differs, -1, `result ${k}, axis ${String(qparams.axis)}`);
    });
  }
  t.end();
});
