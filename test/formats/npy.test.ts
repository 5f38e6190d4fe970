import t from 'tap';
import { FormatError } from '../../src/core/errors.js';
import { NDArray } from '../../src/core/ndarray.js';
import { decodeNpy, encodeNpy } from '../../src/formats/npy.js';
import { fromBase64, latin1 } from './common.js';

/** A version 1.0 file from its header text, without the help of the encoder. */
function file(header: string, data: Uint8Array = new Uint8Array(0), version = 1): Uint8Array {
  const n = header.length;
  const length = version === 1 ? [n & 255, n >> 8] : [n & 255, (n >> 8) & 255, (n >> 16) & 255, n >> 24];
  return Uint8Array.from([...latin1('\x93NUMPY'), version, 0, ...length, ...latin1(header), ...data]);
}
const plain = (descr: string, shape: string, order = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`.padEnd(117) + '\n';

const arrays = [
  new NDArray(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]),
  new NDArray(Float64Array.of(0.1), []),
  new NDArray(Int8Array.of(-128, 127), [2]),
  new NDArray(Uint8Array.of(255), [1, 1, 1]),
  new NDArray(Int32Array.of(-(2 ** 31), 2 ** 31 - 1), [1, 2]),
  new NDArray(new Float32Array(0), [3, 0]),
];

t.test('round trip', (t) => {
  for (const a of arrays) {
    const bytes = encodeNpy(a);
    const b = decodeNpy(bytes);
    t.same(
      [b.dtype, b.shape, [...b.data]],
      [a.dtype, a.shape, [...a.data]],
      `${a.dtype} [${a.shape.join()}]`,
    );
    t.equal((bytes.length - a.data.byteLength) % 64, 0, 'data is aligned');
  }
  t.end();
});

t.test('the same bytes as numpy.save', (t) => {
  const numpy = file(plain('<f4', '(2, 3)'), fromBase64('AACAPwAAAEAAAEBAAACAQAAAoEAAAMBA'));
  t.same(encodeNpy(arrays[0]), numpy);
  const view = new NDArray(new Float32Array(Float32Array.of(9, 1, 2, 3, 4, 5, 6).buffer, 4), [2, 3]);
  t.same(encodeNpy(view), numpy, 'a view of a larger buffer');
  t.end();
});

t.test('files written by numpy 2.4', (t) => {
  const read = (header: string, data: string, options = {}) =>
    decodeNpy(file(header, fromBase64(data)), options);
  const int64 = plain('<i8', '(3,)');
  t.same([...read(int64.replace('3', '2'), 'AQAAAAAAAAD+/////////w==', { dtype: 'int32' }).data], [1, -2]);
  t.same([...read(int64, 'AQAAAAAAAAD+/////////wAAAAAAAQAA', { dtype: 'float64' }).data], [1, -2, 2 ** 40]);
  t.same([...read(plain('<i2', '(2,)'), 'BwAsAQ==', { dtype: 'float32' }).data], [7, 300]);
  const bool = read(plain('|b1', '()'), 'AQ==');
  t.same([bool.dtype, bool.shape, [...bool.data]], ['uint8', [], [1]]);
  const two = `{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }`.padEnd(115) + '\n';
  for (const version of [2, 3]) {
    const a = decodeNpy(file(two, fromBase64('AAAAAAAA4D8AAAAAAADQPw=='), version));
    t.same([a.dtype, [...a.data]], ['float64', [0.5, 0.25]], `version ${version}`);
  }
  const half = read(plain('<f2', '(2,)'), 'ADj/ew==');
  t.same([half.dtype, [...half.data]], ['float32', [0.5, 65504]]);
  t.end();
});

t.test('conversion keeps to what the type can hold', (t) => {
  const refused = (a: NDArray, dtype: 'int8' | 'uint8' | 'int32', message: RegExp) =>
    t.throws(() => decodeNpy(encodeNpy(a), { dtype }), { constructor: FormatError, message });
  refused(arrays[4], 'int8', /-2147483648 at index 0 does not fit dtype int8/);
  refused(arrays[2], 'uint8', /-128 at index 0/);
  refused(arrays[1], 'int32', /0.1 at index 0/);
  refused(new NDArray(Float32Array.of(NaN), [1]), 'int32', /NaN/);
  t.same([...decodeNpy(encodeNpy(arrays[1]), { dtype: 'float32' }).data], [Math.fround(0.1)]);
  t.same([...decodeNpy(encodeNpy(arrays[0]), { dtype: 'uint8' }).data], [1, 2, 3, 4, 5, 6]);
  t.end();
});

t.test('Fortran order is refused unless it says the same', (t) => {
  const data = new Uint8Array(24);
  t.throws(() => decodeNpy(file(plain('<f4', '(2, 3)', 'True'), data)), {
    constructor: FormatError,
    message: /Fortran order.*ascontiguousarray/,
  });
  t.same(decodeNpy(file(plain('<f4', '(1, 6)', 'True'), data)).shape, [1, 6]);
  t.end();
});

t.test('a header in another style of the same literal', (t) => {
  const header = `{"shape":(2 ,) , 'descr':"|u1","fortran_order" : False}`;
  t.same([...decodeNpy(file(header, Uint8Array.of(3, 4))).data], [3, 4]);
  t.end();
});

t.test('everything else is a FormatError that says what is wrong', (t) => {
  const four = new Uint8Array(4);
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /not an .npy file/],
    ['a zip', latin1('PK\x03\x04 and more bytes'), /not an .npy file/],
    ['version 9', file(plain('<f4', '()'), four, 9), /version 9/],
    ['cut in the length', file('', four, 2).subarray(0, 11), /cut off/],
    ['header past the end', file(plain('<f4', '()')).subarray(0, 60), /does not fit a file of 60/],
    [
      'header of 4 GB',
      Uint8Array.from([...file('', four, 2).subarray(0, 8), 255, 255, 255, 255, 0, 0]),
      /limit 65536/,
    ],
    ['big endian', file(plain('>f4', '()'), four), /">f4" is not supported/],
    ['objects', file(plain('|O', '()'), four), /"\|O" is not supported/],
    ['text', file(plain('<U1', '()'), four), /not supported/],
    ['complex', file(plain('<c8', '()'), new Uint8Array(8)), /not supported/],
    ['a record', file(`{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}`, four), /plain array/],
    ['a call', file(`{'descr': exit(), 'fortran_order': False, 'shape': ()}`, four), /plain array/],
    [
      'a key twice',
      file(`{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': ()}`, four),
      /descr twice/,
    ],
    ['a key missing', file(`{'descr': '<f4', 'shape': ()}`, four), /plain array/],
    [
      'an unknown key',
      file(`{'descr': '<f4', 'fortran_order': False, 'shape': (), 'x': 'y'}`, four),
      /plain array/,
    ],
    ['no brace', file(`'descr': '<f4', 'fortran_order': False, 'shape': ()`, four), /plain array/],
    ['text after it', file(`{'descr': '<f4', 'fortran_order': False, 'shape': ()} x`, four), /plain array/],
    ['no separator', file(plain('<f4', '(2 3)'), four), /not a tuple/],
    ['a lone comma', file(plain('<f4', '(,)'), four), /not a tuple/],
    ['a huge size', file(plain('<f4', '(99999999999999999999,)'), four), /not a tuple/],
    ['too many elements', file(plain('<f4', '(9007199254740991,)'), four), /the file holds 4/],
    [
      'product overflows',
      file(plain('|u1', `(${'9007199254740991, '.repeat(40)})`), four),
      /the file holds 4/,
    ],
    ['too few bytes', file(plain('<f4', '(2,)'), four), /takes 8 bytes, the file holds 4; it is truncated/],
    ['too many bytes', file(plain('|u1', '(2,)'), four), /takes 2 bytes, the file holds 4/],
    ['int64 unasked', file(plain('<i8', '(1,)'), new Uint8Array(8)), /give a dtype to convert to/],
  ];
  for (const [name, bytes, message] of cases)
    t.throws(() => decodeNpy(bytes), { constructor: FormatError, message }, name);
  t.end();
});
