/** Scalar float32. */
import type { Value } from '../assembler.js';
import { binary, instruction, type Instruction, load as loadAs, store as storeAs } from './encode.js';

const constant = (x: number): Value<'f32'> => ({
  type: 'f32',
  code: [0x43, ...new Uint8Array(Float32Array.of(x).buffer)],
});
export { constant as const };
export const load = loadAs('f32', [0x2a]);
export const store = storeAs<'f32'>([0x38]);
export const sqrt = instruction('f32', [0x91]) as Instruction<['f32'], 'f32'>;
export const add = binary('f32', 0x92);
export const sub = binary('f32', 0x93);
export const mul = binary('f32', 0x94);
export const div = binary('f32', 0x95);
export const min = binary('f32', 0x96);
export const max = binary('f32', 0x97);
export const convert_i32 = instruction('f32', [0xb2]) as Instruction<['i32'], 'f32'>;
