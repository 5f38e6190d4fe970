import t from 'tap';
import { crc32, formatCrc32 } from '../../src/formats/crc32.js';
import { latin1 } from './common.js';

t.test('published check values', (t) => {
  t.equal(crc32(latin1('123456789')), 0xcbf43926, 'the check value of the catalogue of CRC algorithms');
  t.equal(crc32(new Uint8Array(0)), 0);
  t.equal(crc32(new Uint8Array(32)), 0x190a55ad, '32 zero bytes');
  t.equal(crc32(new Uint8Array(32).fill(255)), 0xff6cab0b, '32 bytes of 255');
  t.end();
});

t.test('goes on over pieces', (t) => {
  const bytes = latin1('The quick brown fox jumps over the lazy dog');
  t.equal(crc32(bytes), 0x414fa339);
  for (const cut of [0, 1, 20, bytes.length])
    t.equal(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut))), 0x414fa339);
  t.end();
});

t.test('eight digits', (t) => {
  t.equal(formatCrc32(0xab), '000000ab');
  t.equal(formatCrc32(0xffffffff), 'ffffffff');
  t.end();
});
