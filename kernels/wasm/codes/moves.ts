/**
 * Ops that move codes, each through a table of 256 or as it is: any unary function of one code, concatenation, padding,
 * nearest-neighbour resize.
 *
 * One byte at a time: a table of 256 by `i8x16.swizzle` takes 16 swizzles for 16 codes and measures the same.
 */
import { codeMin } from '../../lut.js';
import { heap } from '../../memory.js';
import { qpad } from '../../reference/qpad.js';
import { requantizer } from '../../reference/qrequantize.js';
import { qresize } from '../../reference/qresize.js';
import type { AnyKernel, CodeArray, Kernel, Memory, OpName } from '../../types.js';
import type { Module } from '../assembler.js';
import type { Binding } from '../binding.js';
import { copy } from '../instructions/memory.js';
import * as i32 from '../instructions/i32.js';
import { checked, sampleCodes } from '../selfTest.js';
import { byByte, emitRuns, Runs, type Steps } from './runs.js';

const LANES = 8;
const STEPS: Steps = [1, 0, 1];

/** A run of bytes from a to y, each through the table at b; as they are where b is 0. */
function emitMoves(m: Module): void {
  emitRuns(m, LANES, STEPS, (f, { a, b, y, length }) => {
    f.if(i32.eqz(b), () => {
      f.emit(copy(y, a, length));
      f.set(length, i32.const(0));
    });
    return (to) => {
      for (let i = 0; i < LANES; i++) f.emit(i32.store8(to, i32.load8_u(i32.add(b, i32.load8_u(a, i))), i));
    };
  });
}

const finish = (runs: Runs): (() => void) => runs.finish('moves', emitMoves, [], 16);

/** The address of the table of `code` by the byte of x; 0 when it changes nothing. */
function tableOf(binding: Binding, x: CodeArray, code: (x: number) => number): number {
  const table = Uint8Array.from(byByte(x, code));
  return table.every((v, i) => v === i) ? 0 : binding.constant('uint8', table);
}

function lookUp(memory: Memory, x: CodeArray, y: CodeArray, code: (x: number) => number): () => void {
  const runs = new Runs(memory);
  const { binding } = runs;
  runs.add(STEPS, binding.read(x), tableOf(binding, x, code), binding.write(y), y.length);
  return finish(runs);
}

/**
 * Moves whole cells of `bytes` codes to where `place` moves their numbers.
 * @param outside what is written where `place` writes -1
 */
function moveCells(
  memory: Memory,
  x: CodeArray,
  y: CodeArray,
  bytes: number,
  place: (x: CodeArray, y: CodeArray) => void,
  outside = 0,
): () => void {
  const map = new Int32Array(y.length / bytes);
  const cells = new Int32Array(x.length / bytes).map((_, i) => i);
  place(cells as unknown as CodeArray, map as unknown as CodeArray);
  const runs = new Runs(memory);
  const [from, to] = [runs.binding.read(x), runs.binding.write(y)];
  const filler = runs.binding.constant('uint8', new Uint8Array(256).fill(outside));
  for (let i = 0, end: number; i < map.length; i = end) {
    const inside = map[i] >= 0;
    for (end = i + 1; map[end] === map[end - 1] + Number(inside);) end++;
    const at = to + i * bytes;
    runs.add(STEPS, inside ? from + map[i] * bytes : at, inside ? 0 : filler, at, (end - i) * bytes);
  }
  return finish(runs);
}

const lut = checked<'qlut'>({
  op: 'qlut',
  name: 'x8-qlut-wasmsimd',
  bound: 0,
  supports: () => true,
  kind: () => '',
  sample: () => {
    const [x, table, output] = [43, 256, 43].map((length) => sampleCodes(new Uint8Array(0), length));
    return { params: { x, table, y: output }, output };
  },
  prepare: ({ x, table, y }, memory) => {
    const first = codeMin(x);
    return lookUp(memory, x, y, (code) => table[code - first]);
  },
}) as unknown as Kernel<'qlut'>;

/** Runs the same compiled code as a table lookup: trusted when that passes. */
function moving<O extends OpName>(op: O, prepare: Kernel<O>['prepare']): AnyKernel {
  const none = new Int8Array(0);
  const supports = (): boolean => lut.supports({ x: none, table: none, y: none });
  const kernel: Kernel<O> = { op, name: `x8-${op}-wasmsimd`, supports, prepare };
  return kernel as unknown as AnyKernel;
}

export const moveKernels: readonly AnyKernel[] = [
  lut as unknown as AnyKernel,
  moving('qrequantize', (p, memory) => lookUp(memory, p.x.data, p.y.data, requantizer(p, p.x, p.y))),
  moving('qconcat', (p, memory) => {
    const runs = new Runs(memory);
    const { binding } = runs;
    const inputs = p.inputs.map((x) => ({
      address: binding.read(x.data),
      inner: x.inner,
      table: tableOf(binding, x.data, requantizer(p, x, p.y)),
    }));
    let to = binding.write(p.y.data);
    for (let o = 0; o < p.outer; o++)
      for (const { address, inner, table } of inputs) {
        runs.add(STEPS, address + o * inner, table, to, inner);
        to += inner;
      }
    return finish(runs);
  }),
  moving('qpad', ({ shape, pads, x, value, y }, memory) => {
    // the last axes that get no padding make a cell
    let axes = shape.length;
    let bytes = 1;
    while (axes > 0 && pads[axes - 1].every((n) => n === 0)) bytes *= shape[--axes];
    const outer = { shape: shape.slice(0, axes), pads: pads.slice(0, axes), value: -1 };
    const place = (from: CodeArray, to: CodeArray): void =>
      qpad.prepare({ ...outer, x: from, y: to }, heap)();
    return moveCells(memory, x, y, bytes, place, value);
  }),
  moving('qresize', (p, memory) =>
    moveCells(memory, p.x, p.y, p.channels, (x, y) => qresize.prepare({ ...p, channels: 1, x, y }, heap)()),
  ),
];
