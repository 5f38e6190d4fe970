import t from 'tap';
import { FormatError, UnsupportedError } from '../../src/core/index.js';
import { parseIdx } from '../../src/data/index.js';

function idx(type: number, sizes: number[], elements: number[] | Uint8Array): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * sizes.length + elements.length);
  bytes.set([0, 0, type, sizes.length]);
  const view = new DataView(bytes.buffer);
  sizes.forEach((size, i) => view.setUint32(4 + 4 * i, size));
  bytes.set(elements, 4 + 4 * sizes.length);
  return bytes;
}

t.test('bytes are read without a copy', (t) => {
  const bytes = idx(0x08, [2, 3], [1, 2, 3, 4, 5, 255]);
  const a = parseIdx(bytes);
  t.equal(a.dtype, 'uint8');
  t.same(a.shape, [2, 3]);
  t.same([...a.data], [1, 2, 3, 4, 5, 255]);
  bytes[12] = 9;
  t.equal(a.data[0], 9);
  t.end();
});

t.test('wider elements are big-endian', (t) => {
  t.same([...parseIdx(idx(0x09, [2], [255, 127])).data], [-1, 127]);
  t.same([...parseIdx(idx(0x0c, [1], [255, 255, 255, 254])).data], [-2]);
  t.same([...parseIdx(idx(0x0d, [1], [0x3f, 0xc0, 0, 0])).data], [1.5]);
  t.same([...parseIdx(idx(0x0e, [1], [0xbf, 0xf8, 0, 0, 0, 0, 0, 0])).data], [-1.5]);
  t.end();
});

t.test('a view into a larger buffer is read at its place', (t) => {
  const outer = new Uint8Array(40).fill(77);
  outer.set(idx(0x09, [2], [1, 2]), 5);
  t.same([...parseIdx(outer.subarray(5, 15)).data], [1, 2]);
  t.end();
});

t.test('an empty array is an array', (t) => {
  t.same(parseIdx(idx(0x08, [0, 28, 28], [])).shape, [0, 28, 28]);
  t.end();
});

t.test('truncated, prolonged and foreign files are named as such', (t) => {
  const bytes = idx(0x08, [2, 3], [1, 2, 3, 4, 5, 6]);
  for (let n = 0; n < bytes.length; n++)
    t.throws(() => parseIdx(bytes.subarray(0, n), 'a.idx'), { name: 'FormatError', message: /^a\.idx: / });
  t.throws(() => parseIdx(bytes.subarray(0, 10)), { message: /inside its header of 12/ });
  t.throws(() => parseIdx(bytes.subarray(0, 17)), {
    message: /18 bytes in all, the file has 17; it is truncated/,
  });
  t.throws(() => parseIdx(Uint8Array.of(...bytes, 0)), { message: /followed by other data/ });
  t.throws(() => parseIdx(Uint8Array.of(0x1f, 0x8b, 8, 0)), { message: /gzip/ });
  t.throws(() => parseIdx(new TextEncoder().encode('<html>')), { message: /not an idx file/ });
  t.throws(() => parseIdx(idx(0x07, [1], [1])), { message: /type code 0x7/ });
  t.throws(() => parseIdx(Uint8Array.of(0, 0, 8, 0)), FormatError);
  t.throws(() => parseIdx(idx(0x0b, [1], [0, 1])), UnsupportedError);
  t.end();
});

t.test('a header that promises more than memory holds is refused before anything is allocated', (t) => {
  const huge = 2 ** 32 - 1;
  for (const type of [0x08, 0x0e]) {
    t.throws(() => parseIdx(idx(type, [huge, huge, huge], [1])), {
      name: 'FormatError',
      message: /truncated/,
    });
    t.throws(() => parseIdx(idx(type, new Array<number>(8).fill(huge), [1])), FormatError);
  }
  t.throws(() => parseIdx(idx(0x08, new Array<number>(9).fill(1), [1])), { message: /9 axes/ });
  t.end();
});
