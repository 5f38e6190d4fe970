/** 16-bit floats: every one of them there and back, and rounding on the way down. */
import t from 'tap';
import { narrowBfloat16, narrowFloat16, widenBfloat16, widenFloat16 } from '../../src/formats/half.js';

const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
const isNaN16 = (bits: number, infinity: number): boolean => (bits & 0x7fff) > infinity;

t.test('all 65536 of each kind come back, NaN as a NaN', (t) => {
  for (const [widen, narrow, infinity] of [
    [widenFloat16, narrowFloat16, 0x7c00],
    [widenBfloat16, narrowBfloat16, 0x7f80],
  ] as const) {
    const back = narrow(widen(all));
    const wrong = all.filter((bits, i) =>
      isNaN16(bits, infinity) ? !isNaN16(back[i], infinity) : back[i] !== bits,
    );
    t.same([...wrong], []);
  }
  t.end();
});

t.test('what lies between two goes to the nearer one, at the middle to the even one', (t) => {
  for (const [widen, narrow, infinity] of [
    [widenFloat16, narrowFloat16, 0x7c00],
    [widenBfloat16, narrowBfloat16, 0x7f80],
  ] as const) {
    const wrong: number[] = [];
    const values = widen(all);
    for (let bits = 0; bits + 1 < infinity; bits++) {
      const [low, high] = [values[bits], values[bits + 1]];
      const middle = Math.fround((low + high) / 2);
      const below = Math.fround(low + (high - low) * 0.49);
      const above = Math.fround(low + (high - low) * 0.51);
      const even = bits % 2 === 0 ? bits : bits + 1;
      const got = narrow(Float32Array.of(below, middle, above, -middle));
      // The smallest bfloat16 are float32's own smallest steps, where nothing lies between some of them.
      const exact = middle > low && middle < high && below < middle && above > middle;
      if (exact && (got[0] !== bits || got[1] !== even || got[2] !== bits + 1 || got[3] !== (even | 0x8000)))
        wrong.push(bits);
    }
    t.same(wrong, []);
  }
  t.same(
    [...narrowFloat16(Float32Array.of(65519, 65520, 1e30, -Infinity))],
    [0x7bff, 0x7c00, 0x7c00, 0xfc00],
  );
  t.same([...narrowFloat16(Float32Array.of(2 ** -25, 2 ** -25 * 1.0001, 1e-30, -0))], [0, 1, 0, 0x8000]);
  t.same([...narrowBfloat16(Float32Array.of(3.4e38, NaN))], [0x7f80, 0x7fc0]);
  t.end();
});
