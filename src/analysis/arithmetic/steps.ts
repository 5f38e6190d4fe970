/** Integer arithmetic written down: every function does one rule of docs/quantization.md, in steps a reader can redo. */
import {
  ADD_LEFT_SHIFT,
  quantizeMultiplier,
  roundHalfAway,
  roundHalfEven,
  type TieRounding,
} from '../../../kernels/index.js';
import type { Numerics } from '../../graph/index.js';

/** One line of the arithmetic: `name = formula = value`. */
export interface Step {
  readonly name: string;
  /** With the numbers filled in; it may name earlier steps. `f32` rounds to float32, `rne` to the nearest even integer. */
  readonly formula: string;
  readonly value: number;
}

/** The codes that an output may have, and where its zero is. */
export interface OutputCodes {
  readonly zeroPoint: number;
  readonly min: number;
  readonly max: number;
}

type FixedNumerics = Extract<Numerics, { numerics: 'fixed' }>;

const f32 = Math.fround;

/** As many as tell a number from its neighbours: nine of a float32, up to 17 of a double. */
export function digits(value: number): string {
  return String(Number.isInteger(value) || f32(value) !== value ? value : Number(value.toPrecision(9)));
}

/** ` + 3`, ` - 3` */
export function signed(value: number): string {
  return value < 0 ? ` - ${digits(-value)}` : ` + ${digits(value)}`;
}

export class Steps {
  readonly list: Step[] = [];

  /** Notes a step and gives its value. */
  add(name: string, formula: string, value: number): number {
    this.list.push({ name, formula, value: value + 0 });
    return value;
  }

  /** `clamp(rounded + zeroPoint)` */
  code(rounded: number, { zeroPoint, min, max }: OutputCodes): number {
    const code = Math.min(Math.max(rounded + zeroPoint, min), max);
    return this.add('code', `clamp(${rounded}${signed(zeroPoint)}, ${min}, ${max})`, code);
  }

  /** The code of a real number: `clamp(round(f32(x / s)) + z)`; of NaN, z. */
  quantize(x: number, scale: number, output: OutputCodes, ties: TieRounding = 'even'): number {
    const quotient = this.add('quotient', `f32(${digits(x)} / ${digits(scale)})`, f32(x / scale));
    const round = ties === 'even' ? roundHalfEven : roundHalfAway;
    const word = ties === 'even' ? 'rne' : 'round half away';
    const whole = Number.isNaN(quotient) ? 0 : round(quotient);
    return this.code(this.add('rounded', `${word}(${digits(quotient)})`, whole), output);
  }

  /** The real number of a code. */
  real(code: number, scale: number, zeroPoint: number): number {
    const value = f32((code - zeroPoint) * scale);
    return this.add('real', `f32((${code}${signed(-zeroPoint)}) * ${digits(scale)})`, value);
  }

  /** From an accumulator of scale sx * sw to a code of scale sy. */
  requantize(
    acc: number,
    { sx, sw, sy }: { readonly sx: number; readonly sw: number; readonly sy: number },
    numerics: Numerics,
    output: OutputCodes,
  ): number {
    const product = sw === 1 ? digits(sx) : `${digits(sx)} * ${digits(sw)}`;
    if (numerics.numerics === 'float') {
      const inner = sw === 1 ? digits(sx) : `f32(${product})`;
      const m = this.add('multiplier', `f32(${inner} / ${digits(sy)})`, f32(f32(sx * sw) / sy));
      return this.scaled(acc, m, output);
    }
    const real = this.add('multiplier', `${product} / ${digits(sy)}`, (sx * sw) / sy);
    return this.code(this.fixed(acc, real, numerics), output);
  }

  /** `clamp(rne(f32(f32(acc) * m)) + z)` */
  scaled(acc: number, m: number, output: OutputCodes): number {
    const scaled = this.add('scaled', `f32(${digits(acc)} * ${digits(m)})`, f32(f32(acc) * m));
    return this.code(this.add('rounded', `rne(${digits(scaled)})`, roundHalfEven(scaled)), output);
  }

  /** `acc * real` with a 31-bit mantissa and a shift. */
  fixed(acc: number, real: number, { rounding }: FixedNumerics, prefix = ''): number {
    const { multiplier, shift } = quantizeMultiplier(real);
    // in full even where it is a float32: a mantissa has 31 bits
    this.add(`${prefix}mantissa`, `round(${real} * 2^${31 - shift})`, multiplier);
    this.add(`${prefix}shift`, `exponent of the multiplier`, shift);
    const name = `${prefix}rounded`;
    if (rounding === 'single') {
      const sum = BigInt(acc) * BigInt(multiplier) + (1n << BigInt(30 - shift));
      const formula = `floor((${acc} * ${multiplier} + 2^${30 - shift}) / 2^${31 - shift})`;
      return this.add(name, formula, Number(sum >> BigInt(31 - shift)));
    }
    const left = Math.max(shift, 0);
    let x = acc;
    if (left > 0) {
      const saturated = Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, acc * 2 ** left));
      x = this.add(`${prefix}shifted left`, `saturate(${acc} * 2^${left})`, saturated);
    }
    // BigInt shifts round down, so ties go upwards
    const high = Number((BigInt(x) * BigInt(multiplier) + (1n << 30n)) >> 31n);
    const formula = `floor((${x} * ${multiplier} + 2^30) / 2^31)`;
    if (shift >= 0) return this.add(name, formula, high);
    this.add(`${prefix}high half`, formula, high);
    return this.add(name, `round half away(${high} / 2^${-shift})`, roundHalfAway(high / 2 ** -shift));
  }

  /** The code of `a ± b`, both as codes minus their zero points. */
  sum(
    [a, b]: readonly [number, number],
    [sa, sb, sy]: readonly [number, number, number],
    subtract: boolean,
    numerics: Numerics,
    output: OutputCodes,
  ): number {
    const sign = subtract ? '-' : '+';
    const combine = (x: number, y: number): number => (subtract ? x - y : x + y);
    if (numerics.numerics === 'float') {
      const part = (name: string, offset: number, s: number): number => {
        const m = this.add(`${name} multiplier`, `f32(${digits(s)} / ${digits(sy)})`, f32(s / sy));
        return this.add(`${name} scaled`, `f32(${offset} * ${digits(m)})`, f32(offset * m));
      };
      const [x, y] = [part('a', a, sa), part('b', b, sb)];
      const sum = this.add('sum', `f32(${digits(x)} ${sign} ${digits(y)})`, f32(combine(x, y)));
      return this.code(this.add('rounded', `rne(${digits(sum)})`, roundHalfEven(sum)), output);
    }
    const twice = this.add('t', `2 * max(${digits(sa)}, ${digits(sb)})`, 2 * Math.max(sa, sb));
    const part = (name: string, offset: number, s: number): number => {
      const shifted = this.add(
        `${name} shifted`,
        `${offset} * 2^${ADD_LEFT_SHIFT}`,
        offset * 2 ** ADD_LEFT_SHIFT,
      );
      const real = this.add(`${name} multiplier`, `${digits(s)} / t`, s / twice);
      return this.fixed(shifted, real, numerics, `${name} `);
    };
    const [x, y] = [part('a', a, sa), part('b', b, sb)];
    const sum = this.add('sum', `${x} ${sign} ${y}`, combine(x, y));
    const real = twice / (2 ** ADD_LEFT_SHIFT * sy);
    this.add('multiplier', `t / (2^${ADD_LEFT_SHIFT} * ${digits(sy)})`, real);
    return this.code(this.fixed(sum, real, numerics), output);
  }

  /** The code of the mean of `count` codes of which `sum` is the sum. */
  average(
    { sum, count }: { readonly sum: number; readonly count: number },
    x: { readonly scale: number; readonly zeroPoint: number },
    sy: number,
    numerics: Numerics,
    output: OutputCodes,
  ): number {
    if (numerics.numerics === 'fixed' && x.scale === sy && x.zeroPoint === output.zeroPoint) {
      const quotient = this.add('rounded', `round half away(${sum} / ${count})`, roundHalfAway(sum / count));
      return this.code(quotient, { ...output, zeroPoint: 0 });
    }
    const acc = this.add('accumulator', `${sum} - ${count} * ${x.zeroPoint}`, sum - count * x.zeroPoint);
    if (numerics.numerics === 'float') {
      const formula = `f32(f32(${digits(x.scale)} / ${digits(sy)}) / ${count})`;
      return this.scaled(acc, this.add('multiplier', formula, f32(f32(x.scale / sy) / count)), output);
    }
    const formula = `${digits(x.scale)} / (${digits(sy)} * ${count})`;
    const real = this.add('multiplier', formula, x.scale / (sy * count));
    return this.code(this.fixed(acc, real, numerics), output);
  }
}
