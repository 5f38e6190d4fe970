/**
 * Requantization inside WebAssembly kernels: the constants that a kernel packs, and the code that turns int32 sums into
 * codes. Both arithmetics follow `kernels/requantize.ts` bit for bit.
 */
import type { CodeArray, FixedRounding, Requantization } from '../../types.js';
import type { Func, Int, Local, Value } from '../assembler.js';
import type { Binding } from '../binding.js';
import * as f32 from '../instructions/f32.js';
import * as f32x4 from '../instructions/f32x4.js';
import * as i16x8 from '../instructions/i16x8.js';
import * as i32 from '../instructions/i32.js';
import * as i32x4 from '../instructions/i32x4.js';
import * as i64 from '../instructions/i64.js';
import * as i8x16 from '../instructions/i8x16.js';
import * as v128 from '../instructions/v128.js';

/** How sums leave a kernel. 'int32' are the sums themselves. */
export type OutputKind = 'int32' | `${'float' | FixedRounding}-${'int8' | 'uint8'}`;

export function outputKind(requant: Requantization | null, y: CodeArray | Int32Array): OutputKind {
  if (requant === null) return 'int32';
  const type = y instanceof Uint8Array ? 'uint8' : 'int8';
  return `${requant.numerics === 'float' ? 'float' : requant.rounding}-${type}`;
}

export const bytesOf = (kind: OutputKind): number => (kind === 'int32' ? 4 : 1);

/** 1.5 * 2^23: added to a float32 below 2^22 it rounds to whole numbers, half to even, in the low bits of the result. */
const MAGIC = 12582912;
const MAGIC_BITS = 0x4b400000;

/** Places of the words below. */
export const [ZERO_POINT, MIN, MAX, LOW, HIGH, OFFSET] = [0, 4, 8, 12, 16, 20];
export const [MULTIPLIER, SHIFT, REQUANT_BYTES] = [24, 28, 32];

/** The bits of a float32 as an int32. */
export const bits = (x: number): number => new Int32Array(Float32Array.of(x).buffer)[0];

/** The constants of a requantization: zero point and clamp, the clamp in float, the multiplier and shift of channel 0. */
export function requantWords(r: Requantization): number[] {
  const { zeroPoint, min, max } = r;
  const first = r.numerics === 'float' ? [bits(r.multiplier[0]), 0] : [r.multiplier[0], r.shift[0]];
  return [
    zeroPoint,
    min,
    max,
    bits(min - zeroPoint),
    bits(max - zeroPoint),
    MAGIC_BITS - zeroPoint,
    ...first,
  ];
}

/** Addresses of what requantization reads. */
export interface RequantAddresses {
  readonly constants: number;
  /** float32 multipliers, or int32 ones, per channel; `channels` of them, rounded up to whole panels */
  readonly multiplier: number;
  /** int32 shifts per channel, for the fixed-point arithmetic */
  readonly shift: number;
}
export const REQUANT_FIELDS = ['constants', 'multiplier', 'shift'] as const;

/** @param place channel of each of the packed columns, -1 for a column that is padding */
export function packRequantization(
  r: Requantization | null,
  place: readonly number[],
  binding: Binding,
): RequantAddresses {
  if (r === null) return { constants: 0, multiplier: 0, shift: 0 };
  const perColumn = (values: ArrayLike<number>): number[] =>
    place.map((c) => (c < 0 ? 0 : values[values.length === 1 ? 0 : c]));
  const fixed = r.numerics === 'fixed';
  return {
    constants: binding.constant('int32', requantWords(r)),
    multiplier: binding.constant(fixed ? 'int32' : 'float32', perColumn(r.multiplier)),
    shift: fixed ? binding.constant('int32', perColumn(r.shift)) : 0,
  };
}

/** Float requantization of vectors of sums; loads its constants into locals once. */
export class FloatRequantizer {
  readonly #low: Local<'v128'>;
  readonly #high: Local<'v128'>;
  readonly #offset: Local<'v128'>;
  readonly #magic: Local<'v128'>;

  /** @param constants their address */
  constructor(f: Func, constants: Value<'i32'>) {
    this.#low = f.local('v128', v128.load32_splat(constants, LOW));
    this.#high = f.local('v128', v128.load32_splat(constants, HIGH));
    this.#offset = f.local('v128', v128.load32_splat(constants, OFFSET));
    this.#magic = f.local('v128', f32x4.splat(f32.const(MAGIC)));
  }

  /** Four int32 codes of four sums. */
  codes(sums: Value<'v128'>, multiplier: Value<'v128'>): Value<'v128'> {
    return this.round(f32x4.mul(f32x4.convert_i32x4_s(sums), multiplier));
  }

  /** Four int32 codes of four scaled sums: the clamp is done in float, where it also keeps the rounding exact. */
  round(scaled: Value<'v128'>): Value<'v128'> {
    const clamped = f32x4.pmin(f32x4.pmax(scaled, this.#low), this.#high);
    return i32x4.sub(f32x4.add(clamped, this.#magic), this.#offset);
  }

  /** Eight codes in the low half, of two vectors of sums. */
  bytes(type: 'int8' | 'uint8', a: Value<'v128'>, b: Value<'v128'>): Value<'v128'> {
    const words = i16x8.narrow_i32x4_s(a, b);
    return type === 'int8' ? i8x16.narrow_i16x8_s(words, words) : i8x16.narrow_i16x8_u(words, words);
  }
}

/** Fixed-point requantization of one sum at a time: SIMD has no 64-bit product with a shift per lane. */
export class FixedRequantizer {
  readonly #wide: Local<'i64'>;
  readonly #exponent: Local<'i64'>;

  constructor(
    private readonly f: Func,
    private readonly rounding: FixedRounding,
    private readonly constants: Value<'i32'>,
  ) {
    this.#wide = f.local('i64');
    this.#exponent = f.local('i64');
  }

  /** Emits the arithmetic; the result is the code. */
  code(sum: Value<'i32'>, multiplier: Value<'i32'>, shift: Local<'i32'>): Value<'i32'> {
    const { f } = this;
    const wide = this.#wide;
    const exponent = this.#exponent;
    const long = i64.extend_i32;
    // Without branches: 2.6 to 3.1 ns a sum whatever the data. With branches 1.9 to 2.5 where nothing is clamped, but 9 to
    // 10 where most sums are, at random.
    const clampWide = (low: Int, high: Int): void => {
      f.set(wide, i64.select(long(low), wide, i64.lt(wide, long(low))));
      f.set(wide, i64.select(long(high), wide, i64.gt(wide, long(high))));
    };
    f.set(wide, long(sum));
    if (this.rounding === 'double') {
      f.if(i32.gt(shift, 0), () => {
        f.set(wide, i64.shl(wide, long(shift)));
        clampWide(-(2 ** 31), 2 ** 31 - 1);
      });
      f.set(wide, i64.shr(i64.add(i64.mul(wide, long(multiplier)), long(2 ** 30)), long(31)));
      // one bit more, and one less for negative numbers: rounding up then takes ties away from zero
      f.set(wide, i64.add(i64.shl(wide, long(1)), i64.shr(wide, long(63))));
      f.set(exponent, long(i32.max(i32.sub(1, shift), 1)));
    } else {
      f.set(wide, i64.mul(wide, long(multiplier)));
      f.set(exponent, long(i32.sub(31, shift)));
    }
    const half = i64.shl(long(1), i64.sub(exponent, long(1)));
    f.set(wide, i64.shr(i64.add(wide, half), exponent));
    f.set(wide, i64.add(wide, long(i32.load(this.constants, ZERO_POINT))));
    clampWide(i32.load(this.constants, MIN), i32.load(this.constants, MAX));
    return i32.wrap_i64(wide);
  }
}
