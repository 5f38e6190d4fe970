/** Element types and their arrays. */
import t from 'tap';
import { allocate, bytesPerElement, DTypeError, dtypeOf, DTYPES, isFloat } from '../../src/core/index.js';

t.test('every type knows its array', (t) => {
  for (const dtype of DTYPES) {
    const a = allocate(dtype, 3);
    t.equal(dtypeOf(a), dtype);
    t.same([...a], [0, 0, 0]);
    t.equal(a.BYTES_PER_ELEMENT, bytesPerElement(dtype));
  }
  t.end();
});

t.test('floats', (t) => {
  t.same(DTYPES.filter(isFloat), ['float32', 'float64']);
  t.end();
});

t.test('foreign arrays are refused by name', (t) => {
  for (const a of [
    new Uint16Array(1),
    new BigInt64Array(1),
    new DataView(new ArrayBuffer(1)),
    new Uint8ClampedArray(1),
  ])
    t.throws(() => dtypeOf(a), { constructor: DTypeError, message: new RegExp(a.constructor.name) });
  t.end();
});
