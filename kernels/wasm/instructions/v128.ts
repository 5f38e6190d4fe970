/** Vectors of 128 bits whatever the lanes hold: memory and logic. */
import type { Value } from '../assembler.js';
import { load as loadAs, simd, store as storeAs, storeLane, vBinary, vTernary, vUnary } from './encode.js';

export const zero = (): Value<'v128'> => ({ type: 'v128', code: [...simd(12), ...new Uint8Array(16)] });
export const load = loadAs('v128', simd(0));
export const load8x8_s = loadAs('v128', simd(1));
export const load8x8_u = loadAs('v128', simd(2));
export const load8_splat = loadAs('v128', simd(7));
export const load16_splat = loadAs('v128', simd(8));
export const load32_splat = loadAs('v128', simd(9));
export const load64_splat = loadAs('v128', simd(10));
export const load32_zero = loadAs('v128', simd(92));
export const load64_zero = loadAs('v128', simd(93));
export const store = storeAs<'v128'>(simd(11));
export const store8_lane = storeLane(88);
export const store16_lane = storeLane(89);
export const store32_lane = storeLane(90);
export const store64_lane = storeLane(91);
export const not = vUnary(77);
export const and = vBinary(78);
/** a & ~b */
export const andnot = vBinary(79);
export const or = vBinary(80);
export const xor = vBinary(81);
/** mask ? a : b, bit by bit */
export const bitselect = vTernary(82);
