/** Four 32-bit integers. */
import { extractLane, instruction, type Instruction, simd, vBinary, vShift, vUnary } from './encode.js';

export const splat = instruction('v128', simd(17)) as Instruction<['i32'], 'v128'>;
export const extract_lane = extractLane('i32', 27);
export const eq = vBinary(55);
export const lt_s = vBinary(57);
export const gt_s = vBinary(59);
export const extend_low_i16x8_s = vUnary(167);
export const extend_high_i16x8_s = vUnary(168);
export const shl = vShift(171);
export const shr_s = vShift(172);
export const add = vBinary(174);
export const sub = vBinary(177);
export const mul = vBinary(181);
export const min_s = vBinary(182);
export const max_s = vBinary(184);
/** a[2i] * b[2i] + a[2i + 1] * b[2i + 1] of int16 */
export const dot_i16x8_s = vBinary(186);
export const trunc_sat_f32x4_s = vUnary(248);
