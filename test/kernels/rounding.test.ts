/** The two roundings: ties, signs, the largest exact doubles, and agreement with exact arithmetic. */
import { bignumber } from 'mathjs';
import t from 'tap';
import { roundHalfAway, roundHalfEven } from '../../kernels/index.js';
import { Random } from '../../src/core/index.js';

t.test('ties', (t) => {
  const ties = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 126.5, 127.5];
  t.strictSame(
    ties.map((x) => roundHalfEven(x) + 0),
    [-2, -2, 0, 0, 2, 2, 126, 128],
  );
  t.strictSame(ties.map(roundHalfAway), [-3, -2, -1, 1, 2, 3, 127, 128]);
  t.end();
});

t.test('one step to either side of a tie', (t) => {
  for (const tie of [0.5, 1.5, 100.5, -7.5]) {
    for (const round of [roundHalfEven, roundHalfAway]) {
      t.equal(round(tie * (1 + Number.EPSILON)) + 0, tie + Math.sign(tie) / 2);
      t.equal(round(tie * (1 - Number.EPSILON)) + 0, tie - Math.sign(tie) / 2);
    }
  }
  t.equal(roundHalfAway(0.49999999999999994), 0, 'floor(x + 0.5) would give 1');
  t.end();
});

t.test('large numbers, infinities and NaN pass through', (t) => {
  for (const x of [2 ** 51, 2 ** 52 + 1, -(2 ** 53), Infinity, -Infinity]) {
    t.equal(roundHalfEven(x), x);
    t.equal(roundHalfAway(x), x);
  }
  t.ok(Number.isNaN(roundHalfEven(NaN)) && Number.isNaN(roundHalfAway(NaN)));
  t.equal(roundHalfEven(2 ** 50 + 0.5), 2 ** 50);
  t.equal(roundHalfAway(2 ** 50 + 0.5), 2 ** 50 + 1);
  t.end();
});

t.test('agree with decimal arithmetic', (t) => {
  const random = new Random(1);
  const values = Array.from(
    { length: 500 },
    (_, i) => (random.int(2 ** 31) - 2 ** 30) / 2 ** (10 + (i % 16)),
  );
  const decimal = (mode: 4 | 6) => values.map((v) => bignumber(v).toDecimalPlaces(0, mode).toNumber() + 0);
  t.strictSame(
    values.map((v) => roundHalfEven(v) + 0),
    decimal(6),
  );
  t.strictSame(
    values.map((v) => roundHalfAway(v) + 0),
    decimal(4),
  );
  t.end();
});
