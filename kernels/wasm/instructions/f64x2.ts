/** Two float64. */
import { vBinary, vUnary } from './encode.js';

/** of the first two float32 */
export const promote_low_f32x4 = vUnary(95);
export const add = vBinary(240);
export const sub = vBinary(241);
export const mul = vBinary(242);
export const min = vBinary(244);
export const max = vBinary(245);
