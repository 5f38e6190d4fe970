/** Ranges and checks of quantization parameters. */
import t from 'tap';
import {
  checkQParams,
  MIN_NORMAL_F32,
  perTensor,
  qdtypeOf,
  QuantizationError,
  quantRange,
  sameQParams,
  type QParams,
} from '../../src/core/index.js';

const INT8 = quantRange(8);

t.test('quantRange', (t) => {
  t.same(quantRange(8), { quantMin: -128, quantMax: 127 });
  t.same(quantRange(8, { narrow: true }), { quantMin: -127, quantMax: 127 });
  t.same(quantRange(8, { signed: false }), { quantMin: 0, quantMax: 255 });
  t.same(quantRange(4), { quantMin: -8, quantMax: 7 });
  t.same(quantRange(2, { narrow: true }), { quantMin: -1, quantMax: 1 });
  for (const bits of [1, 9, 4.5, NaN])
    t.throws(() => quantRange(bits), { constructor: QuantizationError, message: /^bits: / });
  t.end();
});

t.test('qdtypeOf', (t) => {
  t.equal(qdtypeOf(quantRange(4)), 'int4');
  t.equal(qdtypeOf(quantRange(5)), 'int8');
  t.equal(qdtypeOf(quantRange(8)), 'int8');
  t.equal(qdtypeOf(quantRange(4, { signed: false })), 'uint8');
  t.equal(qdtypeOf(quantRange(8, { signed: false })), 'uint8');
  t.equal(qdtypeOf({ quantMin: -1, quantMax: 200 }), 'int32');
  t.end();
});

t.test('perTensor', (t) => {
  const qp = perTensor(0.1, -3, INT8);
  t.equal(qp.scale[0], Math.fround(0.1), 'scales are float32');
  t.same([...qp.zeroPoint], [-3]);
  t.equal(qp.axis, null);
  t.equal(qp.dtype, 'int8');
  t.end();
});

t.test('bad parameters', (t) => {
  for (const scale of [0, -1, NaN, Infinity, MIN_NORMAL_F32 / 2, 1e39])
    t.throws(() => perTensor(scale, 0, INT8), { constructor: QuantizationError, message: /scale\[0\]/ });
  t.doesNotThrow(() => perTensor(MIN_NORMAL_F32, 0, INT8));
  for (const zero of [-129, 128])
    t.throws(() => perTensor(1, zero, INT8), {
      constructor: QuantizationError,
      message: /zeroPoint\[0\] = -?\d+ .*\[-128, 127\]/,
    });
  const good: QParams = {
    ...perTensor(1, 0, INT8),
    scale: Float32Array.of(1, 2),
    zeroPoint: Int32Array.of(0, 0),
    axis: 0,
  };
  t.equal(checkQParams(good), good);
  t.throws(() => checkQParams({ ...good, axis: null }, 'w'), {
    constructor: QuantizationError,
    message: /^w: 2 scales without/,
  });
  t.throws(() => checkQParams({ ...good, zeroPoint: Int32Array.of(0) }), QuantizationError);
  t.throws(
    () => checkQParams({ ...good, scale: new Float32Array(0), zeroPoint: new Int32Array(0) }),
    QuantizationError,
  );
  t.throws(() => checkQParams({ ...good, scale: Float32Array.of(1, NaN) }), /scale\[1\] = NaN/);
  t.end();
});

t.test('sameQParams', (t) => {
  const a = perTensor(0.5, 1, INT8);
  t.ok(sameQParams(a, a));
  t.ok(sameQParams(a, perTensor(0.5, 1, INT8)));
  t.notOk(sameQParams(a, perTensor(0.25, 1, INT8)));
  t.notOk(sameQParams(a, perTensor(0.5, 2, INT8)));
  t.notOk(sameQParams(a, perTensor(0.5, 1, quantRange(8, { narrow: true }))));
  t.notOk(sameQParams(a, { ...a, axis: 0 }));
  t.end();
});
