/** Vectors of 128 bits whatever the lanes hold: memory and logic. */
import type { Value } from '../assembler.js';
import { load as loadAs, simd, store as storeAs, storeLane, vBinary, vTernary, vUnary } from './encode.js';

export const zero = (): Value<'v128'> => ({ type: 'v128', code: [...simd(12), ...new Uint8Array(16)] });
export const load = /* @__PURE__ */ loadAs('v128', simd(0));
export const load8x8_s = /* @__PURE__ */ loadAs('v128', simd(1));
export const load8x8_u = /* @__PURE__ */ loadAs('v128', simd(2));
export const load8_splat = /* @__PURE__ */ loadAs('v128', simd(7));
export const load16_splat = /* @__PURE__ */ loadAs('v128', simd(8));
export const load32_splat = /* @__PURE__ */ loadAs('v128', simd(9));
export const load64_splat = /* @__PURE__ */ loadAs('v128', simd(10));
export const load32_zero = /* @__PURE__ */ loadAs('v128', simd(92));
export const load64_zero = /* @__PURE__ */ loadAs('v128', simd(93));
export const store = /* @__PURE__ */ storeAs<'v128'>(simd(11));
export const store8_lane = /* @__PURE__ */ storeLane(88);
export const store16_lane = /* @__PURE__ */ storeLane(89);
export const store32_lane = /* @__PURE__ */ storeLane(90);
export const store64_lane = /* @__PURE__ */ storeLane(91);
export const not = /* @__PURE__ */ vUnary(77);
export const and = /* @__PURE__ */ vBinary(78);
/** a & ~b */
export const andnot = /* @__PURE__ */ vBinary(79);
export const or = /* @__PURE__ */ vBinary(80);
export const xor = /* @__PURE__ */ vBinary(81);
/** mask ? a : b, bit by bit */
export const bitselect = /* @__PURE__ */ vTernary(82);
