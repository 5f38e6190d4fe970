/** 32-bit integers: addresses, counters, conditions. Numbers stand for constants. */
import { constant, type Int, type Value } from '../assembler.js';
import {
  binary,
  compare,
  instruction,
  type Instruction,
  load as loadAs,
  store as storeAs,
} from './encode.js';

export { constant as const };
export const load = /* @__PURE__ */ loadAs('i32', [0x28]);
export const load8_s = /* @__PURE__ */ loadAs('i32', [0x2c]);
export const load8_u = /* @__PURE__ */ loadAs('i32', [0x2d]);
export const load16_s = /* @__PURE__ */ loadAs('i32', [0x2e]);
export const store = /* @__PURE__ */ storeAs<'i32'>([0x36]);
export const store8 = /* @__PURE__ */ storeAs<'i32'>([0x3a]);
export const store16 = /* @__PURE__ */ storeAs<'i32'>([0x3b]);
export const eqz = /* @__PURE__ */ instruction('i32', [0x45]) as Instruction<['i32'], 'i32'>;
export const eq = /* @__PURE__ */ compare<'i32'>(0x46);
export const ne = /* @__PURE__ */ compare<'i32'>(0x47);
export const lt = /* @__PURE__ */ compare<'i32'>(0x48);
export const lt_u = /* @__PURE__ */ compare<'i32'>(0x49);
export const gt = /* @__PURE__ */ compare<'i32'>(0x4a);
export const le = /* @__PURE__ */ compare<'i32'>(0x4c);
export const ge = /* @__PURE__ */ compare<'i32'>(0x4e);
export const add = /* @__PURE__ */ binary('i32', 0x6a);
export const sub = /* @__PURE__ */ binary('i32', 0x6b);
export const mul = /* @__PURE__ */ binary('i32', 0x6c);
/** signed, truncating; traps on 0 */
export const div = /* @__PURE__ */ binary('i32', 0x6d);
export const rem = /* @__PURE__ */ binary('i32', 0x6f);
export const and = /* @__PURE__ */ binary('i32', 0x71);
export const or = /* @__PURE__ */ binary('i32', 0x72);
export const shl = /* @__PURE__ */ binary('i32', 0x74);
export const shr = /* @__PURE__ */ binary('i32', 0x75);
/** condition ? a : b; both are evaluated */
export const select = /* @__PURE__ */ instruction('i32', [0x1b]) as (
  a: Int,
  b: Int,
  condition: Int,
) => Value<'i32'>;
export const min = (a: Int, b: Int): Value<'i32'> => select(a, b, lt(a, b));
export const max = (a: Int, b: Int): Value<'i32'> => select(a, b, gt(a, b));
/** the low half of a 64-bit integer */
export const wrap_i64 = /* @__PURE__ */ instruction('i32', [0xa7]) as Instruction<['i64'], 'i32'>;
