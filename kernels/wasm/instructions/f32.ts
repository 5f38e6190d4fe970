/** Scalar float32. */
import type { Value } from '../assembler.js';
import { binary, instruction, type Instruction, load as loadAs, store as storeAs } from './encode.js';

const constant = (x: number): Value<'f32'> => ({
  type: 'f32',
  code: [0x43, ...new Uint8Array(Float32Array.of(x).buffer)],
});
export { constant as const };
export const load = /* @__PURE__ */ loadAs('f32', [0x2a]);
export const store = /* @__PURE__ */ storeAs<'f32'>([0x38]);
export const sqrt = /* @__PURE__ */ instruction('f32', [0x91]) as Instruction<['f32'], 'f32'>;
export const add = /* @__PURE__ */ binary('f32', 0x92);
export const sub = /* @__PURE__ */ binary('f32', 0x93);
export const mul = /* @__PURE__ */ binary('f32', 0x94);
export const div = /* @__PURE__ */ binary('f32', 0x95);
export const min = /* @__PURE__ */ binary('f32', 0x96);
export const max = /* @__PURE__ */ binary('f32', 0x97);
export const convert_i32 = /* @__PURE__ */ instruction('f32', [0xb2]) as Instruction<['i32'], 'f32'>;
