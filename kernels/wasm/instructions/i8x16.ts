/** Sixteen bytes. */
import type { Value } from '../assembler.js';
import { instruction, type Instruction, simd, vBinary } from './encode.js';

export const splat = /* @__PURE__ */ instruction('v128', simd(15)) as Instruction<['i32'], 'v128'>;
/** bytes 0 to 15 of a, 16 to 31 of b */
export const shuffle = (a: Value<'v128'>, b: Value<'v128'>, bytes: readonly number[]): Value<'v128'> => ({
  type: 'v128',
  code: [...a.code, ...b.code, ...simd(13), ...bytes],
});
export const swizzle = /* @__PURE__ */ vBinary(14);
export const narrow_i16x8_s = /* @__PURE__ */ vBinary(101);
export const narrow_i16x8_u = /* @__PURE__ */ vBinary(102);
export const min_s = /* @__PURE__ */ vBinary(118);
export const min_u = /* @__PURE__ */ vBinary(119);
export const max_s = /* @__PURE__ */ vBinary(120);
export const max_u = /* @__PURE__ */ vBinary(121);
