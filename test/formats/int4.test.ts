import t from 'tap';
import { ArgumentError, FormatError } from '../../src/core/errors.js';
import { packInt4, unpackInt4 } from '../../src/formats/int4.js';

t.test('the first code is in the low half', (t) => {
  t.same([...packInt4(Int8Array.of(1, -1, 7))], [0xf1, 0x07]);
  t.same([...unpackInt4(Uint8Array.of(0xf1, 0x07), 3)], [1, -1, 7]);
  t.end();
});

t.test('all codes, even and odd counts', (t) => {
  for (let count = 0; count <= 17; count++) {
    const codes = Int8Array.from({ length: count }, (_, i) => ((i * 5) % 16) - 8);
    const packed = packInt4(codes);
    t.equal(packed.length, Math.ceil(count / 2));
    t.same(unpackInt4(packed, count), codes, `${count} codes`);
  }
  t.end();
});

t.test('what does not fit', (t) => {
  t.throws(() => packInt4(Int8Array.of(0, 8)), {
    constructor: ArgumentError,
    message: /8 at index 1 is outside/,
  });
  t.throws(() => packInt4(Int8Array.of(-9)), ArgumentError);
  t.throws(() => unpackInt4(new Uint8Array(2), 5), {
    constructor: FormatError,
    message: /2 bytes do not hold 5/,
  });
  t.throws(() => unpackInt4(new Uint8Array(2), 2), FormatError);
  t.throws(() => unpackInt4(new Uint8Array(0), -1), FormatError);
  t.throws(() => unpackInt4(Uint8Array.of(0x11), 1), { constructor: FormatError, message: /unused half/ });
  t.end();
});
