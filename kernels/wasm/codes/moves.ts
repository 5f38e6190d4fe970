/**
 * Ops that move codes, each through a table of 256 or as it is: any unary function of one code, concatenation, padding,
 * nearest-neighbour resize, cells in another order.
 *
 * One byte at a time: a table of 256 by `i8x16.swizzle` takes 16 swizzles for 16 codes and measures the same.
 */
import { codeMin } from '../../lut.js';
import { heap } from '../../memory.js';
import { qpad } from '../../reference/qpad.js';
import { requantizer } from '../../reference/qrequantize.js';
import { qresize } from '../../reference/qresize.js';
import type { CodeArray, Kernel, OpName, OpParams } from '../../types.js';
import type { Module } from '../assembler.js';
import type { Binding } from '../binding.js';
import { copy } from '../instructions/memory.js';
import * as i32 from '../instructions/i32.js';
import { sampleCodes } from '../selfTest.js';
import { byByte, emitRuns, runKernel, Runs, type Steps } from './runs.js';

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

/** The address of the table of `code` by the byte of x; 0 when it changes nothing. */
function tableOf(binding: Binding, x: CodeArray, code: (x: number) => number): number {
  const table = Uint8Array.from(byByte(x, code));
  return table.every((v, i) => v === i) ? 0 : binding.constant('uint8', table);
}

function addLookUp(runs: Runs, x: CodeArray, y: CodeArray, code: (x: number) => number): [] {
  const { binding } = runs;
  runs.add(STEPS, binding.read(x), tableOf(binding, x, code), binding.write(y), y.length);
  return [];
}

/** Fills y from x, as the reference does. */
type Place = (x: CodeArray, y: CodeArray) => void;

/**
 * Moves whole cells of `bytes` codes to where `place` moves their numbers.
 * @param outside what is written where `place` writes -1
 */
function addCells(runs: Runs, x: CodeArray, y: CodeArray, bytes: number, place: Place, outside = 0): void {
  const map = new Int32Array(y.length / bytes);
  const cells = new Int32Array(x.length / bytes).map((_, i) => i);
  place(cells as unknown as CodeArray, map as unknown as CodeArray);
  const [from, to] = [runs.binding.read(x), runs.binding.write(y)];
  const filler = runs.binding.constant('uint8', new Uint8Array(256).fill(outside));
  for (let i = 0, end: number; i < map.length; i = end) {
    const inside = map[i] >= 0;
    for (end = i + 1; map[end] === map[end - 1] + Number(inside);) end++;
    const at = to + i * bytes;
    runs.add(STEPS, inside ? from + map[i] * bytes : at, inside ? 0 : filler, at, (end - i) * bytes);
  }
}

const lut = runKernel({
  op: 'qlut',
  type: 'x8',
  supports: ({ channels = 1 }) => channels === 1,
  variant: () => ({}),
  emit: emitMoves,
  plan: ({ x, table, y }, runs) => addLookUp(runs, x, y, (code) => table[code - codeMin(x)]),
  sample: () => {
    const [x, table, output] = [43, 256, 43].map((length) => sampleCodes(new Uint8Array(0), length));
    return { params: { x, table, y: output }, output };
  },
});

/** Runs compiled code like that of the table lookup: trusted when that passes. */
function moving<O extends OpName>(op: O, plan: (p: OpParams[O], runs: Runs) => void): Kernel<O> {
  const none = new Int8Array(0);
  return {
    op,
    name: `x8-${op}-wasmsimd`,
    supports: () => lut.supports({ x: none, table: none, y: none }),
    prepare: (p, memory) => {
      const runs = new Runs(memory);
      plan(p, runs);
      return runs.finish('moves', emitMoves, []);
    },
  };
}

export const moveKernels = [
  lut,
  moving('qrequantize', (p, runs) => addLookUp(runs, p.x.data, p.y.data, requantizer(p, p.x, p.y))),
  moving('qconcat', ({ outer, inputs, y, ...p }, runs) => {
    const { binding } = runs;
    const total = y.data.length / outer;
    let to = binding.write(y.data);
    for (const x of inputs) {
      const table = tableOf(binding, x.data, requantizer(p, x, y));
      const from = binding.read(x.data);
      for (let o = 0; o < outer; o++) runs.add(STEPS, from + o * x.inner, table, to + o * total, x.inner);
      to += x.inner;
    }
  }),
  moving('qpad', ({ shape, pads, x, value, y }, runs) => {
    // the last axes that get no padding make a cell
    let axes = shape.length;
    let bytes = 1;
    while (axes > 0 && pads[axes - 1].every((n) => n === 0)) bytes *= shape[--axes];
    const outer = { shape: shape.slice(0, axes), pads: pads.slice(0, axes), value: -1 };
    const place: Place = (x, y) => qpad.prepare({ ...outer, x, y }, heap)();
    addCells(runs, x, y, bytes, place, value);
  }),
  moving('qgather', ({ cell, indices, x, y }, runs) =>
    addCells(runs, x, y, cell, (cells, map) => map.forEach((_, i) => (map[i] = cells[indices[i]]))),
  ),
  moving('qresize', (p, runs) =>
    addCells(runs, p.x, p.y, p.channels, (x, y) => qresize.prepare({ ...p, channels: 1, x, y }, heap)()),
  ),
];
