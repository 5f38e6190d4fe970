/** Four float32. */
import { extractLane, instruction, type Instruction, simd, vBinary, vTernary, vUnary } from './encode.js';

export const splat = instruction('v128', simd(19)) as Instruction<['f32'], 'v128'>;
export const extract_lane = extractLane('f32', 31);
export const eq = vBinary(65);
export const lt = vBinary(67);
export const gt = vBinary(68);
export const le = vBinary(69);
export const ge = vBinary(70);
export const trunc = vUnary(105);
export const nearest = vUnary(106);
export const abs = vUnary(224);
export const neg = vUnary(225);
export const sqrt = vUnary(227);
export const add = vBinary(228);
export const sub = vBinary(229);
export const mul = vBinary(230);
export const div = vBinary(231);
export const min = vBinary(232);
export const max = vBinary(233);
/** b < a ? b : a */
export const pmin = vBinary(234);
/** a < b ? b : a */
export const pmax = vBinary(235);
export const convert_i32x4_s = vUnary(250);
/** a * b + c, fused or not as the hardware likes; relaxed SIMD */
export const relaxed_madd = vTernary(0x105);
