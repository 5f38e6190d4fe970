/** How instructions are encoded: from an opcode to a typed function that makes an expression of expressions. */
import { constant, type Int, type Statement, toInt, type Type, unsigned, type Value } from '../assembler.js';

type Operands<A extends readonly Type[]> = { [K in keyof A]: A[K] extends 'i32' ? Int : Value<A[K]> };
export type Instruction<A extends readonly Type[], R extends Type> = (...args: Operands<A>) => Value<R>;

export const simd = (op: number): number[] => [0xfd, ...unsigned(op)];

const codeOf = (arg: Int | Value<Type>): readonly number[] =>
  (typeof arg === 'number' ? constant(arg) : arg).code;

/** An instruction that takes values off the stack and leaves one. */
export function instruction<R extends Type>(
  type: R,
  opcode: readonly number[],
): (...args: (Int | Value<Type>)[]) => Value<R> {
  return (...args) => ({ type, code: [...args.flatMap(codeOf), ...opcode] });
}
/** On two values of one type. */
export const binary = <T extends Type>(type: T, op: number): Instruction<[T, T], T> =>
  instruction(type, [op]) as Instruction<[T, T], T>;
export const compare = <T extends Type>(op: number): Instruction<[T, T], 'i32'> =>
  instruction('i32', [op]) as Instruction<[T, T], 'i32'>;
export const vUnary = (op: number): Instruction<['v128'], 'v128'> => instruction('v128', simd(op));
export const vBinary = (op: number): Instruction<['v128', 'v128'], 'v128'> => instruction('v128', simd(op));
export const vTernary = (op: number): Instruction<['v128', 'v128', 'v128'], 'v128'> =>
  instruction('v128', simd(op));
export const vShift = (op: number): Instruction<['v128', 'i32'], 'v128'> => instruction('v128', simd(op));

// The alignment is a hint and may be 0 everywhere; engines on x86 and ARM do not use it.
export const load =
  <T extends Type>(type: T, opcode: readonly number[]) =>
  (address: Int, offset = 0): Value<T> => ({
    type,
    code: [...toInt(address).code, ...opcode, 0, ...unsigned(offset)],
  });

type Storable<T extends Type> = T extends 'i32' ? Int : Value<T>;
export const store =
  <T extends Type>(opcode: readonly number[]) =>
  (address: Int, value: Storable<T>, offset = 0): Statement => ({
    code: [...toInt(address).code, ...codeOf(value), ...opcode, 0, ...unsigned(offset)],
  });

/** Opcodes on a vector and the number of a lane. */
export const extractLane =
  <T extends Type>(type: T, op: number) =>
  (v: Value<'v128'>, lane: number): Value<T> => ({ type, code: [...v.code, ...simd(op), lane] });
export const storeLane =
  (op: number) =>
  (address: Int, v: Value<'v128'>, lane: number, offset = 0): Statement => ({
    code: [...toInt(address).code, ...v.code, ...simd(op), 0, ...unsigned(offset), lane],
  });

/** `opcode` on three i32: memory.fill and memory.copy */
export const bulk =
  (opcode: readonly number[]) =>
  (...args: [Int, Int, Int]): Statement => ({ code: [...args.flatMap(codeOf), ...opcode] });
