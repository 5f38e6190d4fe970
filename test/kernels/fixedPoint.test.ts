/** Fixed-point arithmetic against the same definitions over exact integers (BigInt) and decimals (mathjs). */
import { bignumber } from 'mathjs';
import t from 'tap';
import {
  addMultipliers,
  frexp,
  multiplyByQuantizedMultiplier,
  quantizeMultiplier,
  roundHalfAway,
  roundingDivideByPot,
  saturatingRoundingDoublingHighMul,
  type FixedRounding,
} from '../../kernels/index.js';
import { Random } from '../../src/core/index.js';

const MIN = -(2 ** 31);
const MAX = 2 ** 31 - 1;
const EXTREMES = [
  MIN,
  MIN + 1,
  -(2 ** 30),
  -65537,
  -65536,
  -2,
  -1,
  0,
  1,
  2,
  65535,
  65536,
  2 ** 30,
  MAX - 1,
  MAX,
];

/** gemmlowp's definition: add a nudge by the sign of the product, divide truncating. BigInt division truncates. */
function exactHighMul(a: number, b: number): number {
  if (a === MIN && b === MIN) return MAX;
  const product = BigInt(a) * BigInt(b);
  return Number((product + (product >= 0n ? 2n ** 30n : 1n - 2n ** 30n)) / 2n ** 31n);
}

const exactSingle = (x: number, multiplier: number, shift: number) =>
  Number((BigInt(x) * BigInt(multiplier) + (1n << BigInt(30 - shift))) >> BigInt(31 - shift));

const int32s = (count: number, seed: number) => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.int(2 ** 32) + MIN);
};

t.test('frexp takes a number apart and back', (t) => {
  for (const x of [1, 0.5, 0.1, 3, -7.25, 2 ** -1022, 5e-324, Number.MAX_VALUE, 2 ** -1060 * 3]) {
    const { fraction, exponent } = frexp(x);
    t.ok(Math.abs(fraction) >= 0.5 && Math.abs(fraction) < 1, `fraction of ${x}`);
    t.equal(fraction * 2 ** Math.ceil(exponent / 2) * 2 ** Math.floor(exponent / 2), x);
  }
  t.end();
});

t.test('quantizeMultiplier', (t) => {
  t.strictSame(quantizeMultiplier(1), { multiplier: 2 ** 30, shift: 1 });
  t.strictSame(quantizeMultiplier(0.75), { multiplier: 3 * 2 ** 29, shift: 0 });
  t.strictSame(quantizeMultiplier(0), { multiplier: 0, shift: 0 });
  t.strictSame(quantizeMultiplier(1 - 2 ** -33), { multiplier: 2 ** 30, shift: 1 }, 'carries into the shift');
  t.strictSame(quantizeMultiplier(2 ** -32), { multiplier: 2 ** 30, shift: -31 });
  t.strictSame(quantizeMultiplier(2 ** -33), { multiplier: 0, shift: 0 }, 'underflows');
  const random = new Random(1);
  for (let i = 0; i < 200; i++) {
    const real = 2 ** (40 * random.next() - 30);
    const { multiplier, shift } = quantizeMultiplier(real);
    t.ok(multiplier >= 2 ** 30 && multiplier < 2 ** 31);
    const error = bignumber(multiplier)
      .mul(bignumber(2).pow(shift - 31))
      .div(real)
      .minus(1)
      .abs();
    t.ok(error.lte(2 ** -31), `relative error at ${real}`);
  }
  t.end();
});

t.test('saturatingRoundingDoublingHighMul needs all 62 bits', (t) => {
  for (const a of EXTREMES)
    t.strictSame(
      EXTREMES.map((b) => saturatingRoundingDoublingHighMul(a, b)),
      EXTREMES.map((b) => exactHighMul(a, b)),
      `${a}`,
    );
  const b = int32s(2000, 3);
  const wrong = int32s(2000, 2).filter(
    (a, i) => saturatingRoundingDoublingHighMul(a, b[i]) !== exactHighMul(a, b[i]),
  );
  t.strictSame(wrong, []);
  t.end();
});

t.test('roundingDivideByPot rounds half away from zero', (t) => {
  t.strictSame(
    [-6, -5, -3, -2, -1, 1, 2, 3, 5, 6].map((x) => roundingDivideByPot(x, 2)),
    [-2, -1, -1, -1, 0, 0, 1, 1, 1, 2],
  );
  for (const x of EXTREMES) {
    for (const exponent of [0, 1, 5, 30, 31]) {
      const want = bignumber(x).div(bignumber(2).pow(exponent)).toDecimalPlaces(0, 4).toNumber();
      t.equal(roundingDivideByPot(x, exponent), want + 0, `${x} / 2^${exponent}`);
    }
  }
  t.end();
});

/** 'double' by its definition: saturating left shift, high multiply, rounding divide. */
function exactDouble(x: number, multiplier: number, shift: number): number {
  const high = exactHighMul(Math.max(MIN, Math.min(MAX, x * 2 ** Math.max(shift, 0))), multiplier);
  return roundHalfAway(high / 2 ** Math.max(-shift, 0)) + 0;
}

t.test('multiplyByQuantizedMultiplier', (t) => {
  for (const shift of [-31, -20, -8, -1, 0, 1, 5]) {
    for (const multiplier of [2 ** 30, 2 ** 30 + 1, 1518500250, MAX]) {
      const xs = [...EXTREMES, ...int32s(100, shift + 50)];
      const got = (rounding: FixedRounding) =>
        xs.map((x) => multiplyByQuantizedMultiplier(x, multiplier, shift, rounding));
      t.strictSame(
        got('single'),
        xs.map((x) => exactSingle(x, multiplier, shift)),
        `single, ${multiplier}, ${shift}`,
      );
      t.strictSame(
        got('double'),
        xs.map((x) => exactDouble(x, multiplier, shift)),
        `double, ${multiplier}, ${shift}`,
      );
    }
  }
  t.end();
});

t.test('double rounding carries where single rounding does not', (t) => {
  const quarter = quantizeMultiplier(0.25);
  const results = (rounding: 'double' | 'single') =>
    [-6, -2, 2, 6].map((x) => multiplyByQuantizedMultiplier(x, quarter.multiplier, quarter.shift, rounding));
  t.strictSame(results('double'), [-2, -1, 1, 2], 'ties away from zero');
  t.strictSame(results('single'), [-1, 0, 1, 2], 'ties upwards');
  t.end();
});

t.test('addMultipliers rescale to twice the larger scale', (t) => {
  const { a, b, output } = addMultipliers(0.5, 0.25, 1);
  t.strictSame(a, quantizeMultiplier(0.5));
  t.strictSame(b, quantizeMultiplier(0.25));
  t.strictSame(output, quantizeMultiplier(2 ** -20));
  t.end();
});
