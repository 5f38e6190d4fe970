/** Requantization against exact rational arithmetic (mathjs fractions), step by step as its definition rounds. */
import { fraction, type Fraction } from 'mathjs';
import t from 'tap';
import {
  activationRange,
  applyRequantization,
  buildRequantization,
  clamp,
  fixedRequantization,
  floatRequantization,
  quantizeMultiplier,
  type RequantizationScales,
} from '../../kernels/index.js';
import { Random } from '../../src/core/index.js';

const half = fraction(1, 2);

function exactRoundHalfEven(x: Fraction): Fraction {
  const down = x.floor();
  const rest = x.sub(down);
  const up = rest.compare(half) > 0 || (rest.equals(half) && !down.mod(2).equals(0));
  return up ? down.add(1) : down;
}

/** The float32 nearest to x, by scaling x so that its 24 significant bits are an integer. */
function exactF32(x: Fraction): Fraction {
  if (x.equals(0)) return x;
  let unit = fraction(1);
  while (
    x
      .abs()
      .div(unit)
      .compare(2 ** 24) >= 0
  )
    unit = unit.mul(2);
  while (
    x
      .abs()
      .div(unit)
      .compare(2 ** 23) < 0
  )
    unit = unit.div(2);
  return exactRoundHalfEven(x.div(unit)).mul(unit);
}

/** A double as a fraction: exact, where `fraction(number)` would look for a short one. */
const exact = (x: number): Fraction => {
  let denominator = 1;
  while (!Number.isInteger(x * denominator)) denominator *= 2;
  return fraction(BigInt(x * denominator), BigInt(denominator));
};

const random = new Random(7);
const between = (low: number, high: number) => Math.fround(low * (high / low) ** random.next());

t.test('float requantization equals its definition in exact arithmetic', (t) => {
  for (let i = 0; i < 300; i++) {
    const [sx, sw, sy] = [between(1e-3, 1), between(1e-4, 1), between(1e-3, 10)];
    const scales: RequantizationScales = {
      ...{ inputScale: sx, weightScale: Float32Array.of(sw), outputScale: sy },
      ...{ zeroPoint: -3, min: -(2 ** 40), max: 2 ** 40 },
    };
    const m = exactF32(exactF32(exact(sx).mul(exact(sw))).div(exact(sy)));
    const requant = floatRequantization(scales);
    t.ok(exact(requant.multiplier[0]).equals(m), `multiplier of ${sx}, ${sw}, ${sy}`);
    const acc = random.int(2 ** (4 + (i % 28))) - 2 ** (3 + (i % 28));
    const want = exactRoundHalfEven(exactF32(exactF32(fraction(acc)).mul(m))).valueOf() - 3;
    t.equal(applyRequantization(acc, 0, requant), want, `acc ${acc}`);
  }
  t.end();
});

const unit = (multiplier: number, rounding?: 'double' | 'single') =>
  buildRequantization(rounding ? { numerics: 'fixed', rounding } : { numerics: 'float' }, {
    inputScale: multiplier,
    weightScale: Float32Array.of(1),
    outputScale: 1,
    ...{ zeroPoint: 10, min: -128, max: 127 },
  });
const codes = (accs: number[], multiplier: number, rounding?: 'double' | 'single') =>
  accs.map((acc) => applyRequantization(acc, 0, unit(multiplier, rounding)));

t.test('ties: the zero point is added after rounding', (t) => {
  t.strictSame(codes([-3, -1, 1, 3], 0.5), [8, 10, 10, 12], 'half to even');
  t.strictSame(
    codes([-3, -1, 1, 3], 0.5, 'double'),
    [9, 10, 11, 12],
    'the high multiply rounds ties upwards',
  );
  t.strictSame(codes([-6, -2, 2, 6], 0.25, 'double'), [8, 9, 11, 12], 'the shift rounds ties away from zero');
  t.strictSame(codes([-6, -2, 2, 6], 0.25, 'single'), [9, 10, 11, 12], 'ties upwards');
  t.end();
});

t.test('saturates', (t) => {
  const accs = [-(2 ** 31), -1000, 1000, 2 ** 31 - 1];
  for (const rounding of [undefined, 'double', 'single'] as const) {
    t.strictSame(codes(accs, 1, rounding), [-128, -128, 127, 127]);
    t.strictSame(codes(accs, 5, rounding), [-128, -128, 127, 127]);
  }
  t.end();
});

t.test('an accumulator beyond 2^24 is rounded to float32 first', (t) => {
  const requant = { ...unit(1), min: -(2 ** 31), max: 2 ** 31 };
  t.equal(applyRequantization(2 ** 24 + 1, 0, requant), 2 ** 24 + 10);
  t.equal(applyRequantization(2 ** 24 + 3, 0, requant), 2 ** 24 + 14);
  t.end();
});

t.test('one multiplier per channel', (t) => {
  const scales = {
    ...{ inputScale: 0.5, weightScale: Float32Array.of(1, 2, 4), outputScale: 0.25 },
    ...{ zeroPoint: 0, min: -128, max: 127 },
  };
  for (const requant of [floatRequantization(scales), fixedRequantization({ ...scales, rounding: 'single' })])
    t.strictSame(
      [0, 1, 2].map((c) => applyRequantization(3, c, requant)),
      [6, 12, 24],
    );
  t.end();
});

t.test('fixed requantization holds the multipliers of the double quotient', (t) => {
  const [sx, sw, sy] = [0.1, 0.003, 0.7].map(Math.fround);
  const requant = fixedRequantization({
    ...{ inputScale: 0.1, weightScale: Float32Array.of(0.003), outputScale: 0.7 },
    ...{ zeroPoint: 0, min: 0, max: 255, rounding: 'double' },
  });
  const { multiplier, shift } = quantizeMultiplier((sx * sw) / sy);
  t.match(requant, {
    numerics: 'fixed',
    rounding: 'double',
    multiplier: [multiplier],
    shift: [shift],
    min: 0,
    max: 255,
  });
  t.end();
});

t.test('a different-looking scale of 1 leaves codes alone', (t) => {
  const accs = Array.from({ length: 256 }, (_, i) => i - 128 - 10);
  for (const rounding of [undefined, 'double', 'single'] as const)
    t.strictSame(
      codes(accs, 1, rounding),
      accs.map((acc) => acc + 10),
    );
  t.end();
});

t.test('activationRange', (t) => {
  t.strictSame(activationRange('none', 0.1, 5, -128, 127, 'even'), { min: -128, max: 127 });
  t.strictSame(activationRange('relu', 0.1, 5, -128, 127, 'even'), { min: 5, max: 127 });
  t.strictSame(activationRange('relu6', 0.1, 5, -128, 127, 'even'), { min: 5, max: 65 });
  t.strictSame(activationRange('relu6', 0.01, -128, -128, 127, 'away'), { min: -128, max: 127 });
  t.strictSame(activationRange('relu_n1_to_1', 0.1, 200, 0, 255, 'even'), { min: 190, max: 210 });
  const scale = 2 / 3; // 1 / scale = 1.5 in float32
  t.strictSame(activationRange('relu_n1_to_1', scale, 0, -128, 127, 'even'), { min: -2, max: 2 });
  t.strictSame(activationRange('relu6', 4, 0, -128, 127, 'even'), { min: 0, max: 2 }, '1.5 to even');
  t.strictSame(activationRange('relu6', 2.4, 0, -128, 127, 'even'), { min: 0, max: 2 }, '2.5 to even');
  t.strictSame(activationRange('relu6', 2.4, 0, -128, 127, 'away'), { min: 0, max: 3 }, '2.5 away from zero');
  t.end();
});

t.test('clamp', (t) => {
  t.strictSame(
    [-5, 0, 5].map((x) => clamp(x, -1, 2)),
    [-1, 0, 2],
  );
  t.end();
});
