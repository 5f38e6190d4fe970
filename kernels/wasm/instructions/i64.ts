/** 64-bit integers: exact products of two int32. */
import type { Int, Value } from '../assembler.js';
import { binary, compare, instruction, type Instruction } from './encode.js';

export const extend_i32 = /* @__PURE__ */ instruction('i64', [0xac]) as Instruction<['i32'], 'i64'>;
export const lt = /* @__PURE__ */ compare<'i64'>(0x53);
export const gt = /* @__PURE__ */ compare<'i64'>(0x55);
export const add = /* @__PURE__ */ binary('i64', 0x7c);
export const sub = /* @__PURE__ */ binary('i64', 0x7d);
export const mul = /* @__PURE__ */ binary('i64', 0x7e);
export const shl = /* @__PURE__ */ binary('i64', 0x86);
export const shr = /* @__PURE__ */ binary('i64', 0x87);
/** condition ? a : b; both are evaluated */
export const select = /* @__PURE__ */ instruction('i64', [0x1b]) as (
  a: Value<'i64'>,
  b: Value<'i64'>,
  condition: Int,
) => Value<'i64'>;
