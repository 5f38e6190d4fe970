/** Four float32. */
import { extractLane, instruction, type Instruction, simd, vBinary, vTernary, vUnary } from './encode.js';

export const splat = /* @__PURE__ */ instruction('v128', simd(19)) as Instruction<['f32'], 'v128'>;
export const extract_lane = /* @__PURE__ */ extractLane('f32', 31);
export const eq = /* @__PURE__ */ vBinary(65);
export const lt = /* @__PURE__ */ vBinary(67);
export const gt = /* @__PURE__ */ vBinary(68);
export const le = /* @__PURE__ */ vBinary(69);
export const ge = /* @__PURE__ */ vBinary(70);
export const trunc = /* @__PURE__ */ vUnary(105);
export const nearest = /* @__PURE__ */ vUnary(106);
export const abs = /* @__PURE__ */ vUnary(224);
export const neg = /* @__PURE__ */ vUnary(225);
export const sqrt = /* @__PURE__ */ vUnary(227);
export const add = /* @__PURE__ */ vBinary(228);
export const sub = /* @__PURE__ */ vBinary(229);
export const mul = /* @__PURE__ */ vBinary(230);
export const div = /* @__PURE__ */ vBinary(231);
export const min = /* @__PURE__ */ vBinary(232);
export const max = /* @__PURE__ */ vBinary(233);
/** b < a ? b : a */
export const pmin = /* @__PURE__ */ vBinary(234);
/** a < b ? b : a */
export const pmax = /* @__PURE__ */ vBinary(235);
export const convert_i32x4_s = /* @__PURE__ */ vUnary(250);
/** a * b + c, fused or not as the hardware likes; relaxed SIMD */
export const relaxed_madd = /* @__PURE__ */ vTernary(0x105);
