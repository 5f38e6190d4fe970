/** Two float64. */
import { vBinary, vUnary } from './encode.js';

/** of the first two float32 */
export const promote_low_f32x4 = /* @__PURE__ */ vUnary(95);
export const add = /* @__PURE__ */ vBinary(240);
export const sub = /* @__PURE__ */ vBinary(241);
export const mul = /* @__PURE__ */ vBinary(242);
export const min = /* @__PURE__ */ vBinary(244);
export const max = /* @__PURE__ */ vBinary(245);
