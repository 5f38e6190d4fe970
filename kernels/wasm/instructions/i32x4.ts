/** Four 32-bit integers. */
import { extractLane, instruction, type Instruction, simd, vBinary, vShift, vUnary } from './encode.js';

export const splat = /* @__PURE__ */ instruction('v128', simd(17)) as Instruction<['i32'], 'v128'>;
export const extract_lane = /* @__PURE__ */ extractLane('i32', 27);
export const eq = /* @__PURE__ */ vBinary(55);
export const lt_s = /* @__PURE__ */ vBinary(57);
export const gt_s = /* @__PURE__ */ vBinary(59);
export const extend_low_i16x8_s = /* @__PURE__ */ vUnary(167);
export const extend_high_i16x8_s = /* @__PURE__ */ vUnary(168);
export const shl = /* @__PURE__ */ vShift(171);
export const shr_s = /* @__PURE__ */ vShift(172);
export const add = /* @__PURE__ */ vBinary(174);
export const sub = /* @__PURE__ */ vBinary(177);
export const mul = /* @__PURE__ */ vBinary(181);
export const min_s = /* @__PURE__ */ vBinary(182);
export const max_s = /* @__PURE__ */ vBinary(184);
/** a[2i] * b[2i] + a[2i + 1] * b[2i + 1] of int16 */
export const dot_i16x8_s = /* @__PURE__ */ vBinary(186);
export const trunc_sat_f32x4_s = /* @__PURE__ */ vUnary(248);
