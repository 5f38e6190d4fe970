/** Bulk operations on the linear memory. */
import { bulk } from './encode.js';

/** fill(address, value, length) */
export const fill = /* @__PURE__ */ bulk([0xfc, 11, 0]);
/** copy(to, from, length); the ranges may overlap */
export const copy = /* @__PURE__ */ bulk([0xfc, 10, 0, 0]);
