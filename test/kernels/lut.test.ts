/** Lookup tables: the definition for every code, both roundings, clamps, NaN, and that they are what the float op gives. */
import t from 'tap';
import {
  buildLut,
  codeMin,
  elu,
  hardsigmoid,
  hardswish,
  leakyRelu,
  reference,
  run,
  sigmoid,
  silu,
} from '../../kernels/index.js';

/** Every code, from the smallest. */
const all = (signed: boolean): Int8Array | Uint8Array => {
  const codes = Array.from({ length: 256 }, (_, i) => (signed ? i - 128 : i));
  return signed ? Int8Array.from(codes) : Uint8Array.from(codes);
};

t.test('identity', (t) => {
  for (const dtype of ['int8', 'uint8'] as const) {
    const qparams = { dtype, scale: 0.1, zeroPoint: 7 };
    t.strictSame(
      buildLut((x) => x, qparams, qparams),
      all(dtype === 'int8'),
    );
  }
  t.end();
});

t.test('int8 to uint8', (t) => {
  const table = buildLut(
    (x) => x,
    { dtype: 'int8', scale: 1, zeroPoint: 0 },
    { dtype: 'uint8', scale: 1, zeroPoint: 128 },
  );
  t.strictSame(table, all(false));
  t.end();
});

t.test('ties', (t) => {
  const input = { dtype: 'int8', scale: 0.5, zeroPoint: 0 } as const;
  const output = { dtype: 'int8', scale: 1, zeroPoint: 1 } as const;
  const near = (table: ArrayLike<number>) => [-3, -1, 1, 3].map((q) => table[q + 128]);
  t.strictSame(near(buildLut((x) => x, input, output)), [-1, 1, 1, 3]);
  t.strictSame(near(buildLut((x) => x, input, output, 'away')), [-1, 0, 2, 3]);
  t.end();
});

t.test('saturation, clamps and NaN', (t) => {
  const input = { dtype: 'int8', scale: 1, zeroPoint: 0 } as const;
  const table = buildLut(Math.log, input, { dtype: 'int8', scale: 0.01, zeroPoint: 3, min: -100, max: 100 });
  t.equal(table[0], 3, 'log(-128) is NaN: the zero point');
  t.equal(table[128], -100, 'log(0) is -Infinity');
  t.equal(table[129], 3);
  t.equal(table[255], 100);
  t.end();
});

t.test('equals dequantize, float op, quantize', (t) => {
  const ops: Record<string, (x: number) => number> = {
    ...{ sigmoid, hardsigmoid, hardswish, silu, tanh: Math.tanh },
    leakyRelu: (x) => leakyRelu(x, 0.01),
    elu: (x) => elu(x, 1),
  };
  const x = all(true) as Int8Array;
  const [sx, zx, sy, zy] = [0.0473, -11, 0.0217, -60];
  const view = { outer: 1, channels: 1, inner: 256 };
  for (const [name, fn] of Object.entries(ops)) {
    const real = new Float32Array(256);
    run(reference, 'dequantize', {
      ...view,
      x,
      scale: Float32Array.of(sx),
      zeroPoint: Int32Array.of(zx),
      y: real,
    });
    const want = new Int8Array(256);
    run(reference, 'quantize', {
      ...view,
      ...{
        x: real.map(fn),
        scale: Float32Array.of(sy),
        zeroPoint: Int32Array.of(zy),
        min: -128,
        max: 127,
        y: want,
      },
    });
    const table = buildLut(
      fn,
      { dtype: 'int8', scale: sx, zeroPoint: zx },
      { dtype: 'int8', scale: sy, zeroPoint: zy },
    );
    t.strictSame(table, want, name);
  }
  t.end();
});

t.test('codeMin', (t) => {
  t.equal(codeMin(new Int8Array(1)), -128);
  t.equal(codeMin(new Uint8Array(1)), 0);
  t.end();
});
