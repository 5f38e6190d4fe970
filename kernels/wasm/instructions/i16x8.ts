/** Eight 16-bit integers. */
import { instruction, type Instruction, simd, vBinary, vShift, vUnary } from './encode.js';

export const splat = /* @__PURE__ */ instruction('v128', simd(16)) as Instruction<['i32'], 'v128'>;
export const narrow_i32x4_s = /* @__PURE__ */ vBinary(133);
export const extend_low_i8x16_s = /* @__PURE__ */ vUnary(135);
export const extend_high_i8x16_s = /* @__PURE__ */ vUnary(136);
export const extend_low_i8x16_u = /* @__PURE__ */ vUnary(137);
export const extend_high_i8x16_u = /* @__PURE__ */ vUnary(138);
export const shl = /* @__PURE__ */ vShift(139);
export const shr_s = /* @__PURE__ */ vShift(140);
export const add = /* @__PURE__ */ vBinary(142);
export const sub = /* @__PURE__ */ vBinary(145);
export const mul = /* @__PURE__ */ vBinary(149);
export const min_s = /* @__PURE__ */ vBinary(150);
export const max_s = /* @__PURE__ */ vBinary(152);
/** a[2i] * b[2i] + a[2i + 1] * b[2i + 1] of int8 a and 7-bit b; relaxed SIMD */
export const relaxed_dot_i8x16_i7x16_s = /* @__PURE__ */ vBinary(0x112);
