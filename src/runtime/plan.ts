/**
 * The static arena: every value of a graph gets a place in one block of memory before the first run. Two values share bytes when
 * one is dead before the other is born (greedy by size, the planner that TFLite Micro uses: "greedy_memory_planner").
 */
import { bytesPerElement, sizeOf, type TypedArray } from '../core/index.js';
import type { Memory } from '../../kernels/index.js';
import { shapeAt, storageOf, type Graph, type ValueId } from '../graph/index.js';

/** Every place starts on a multiple of this, so that any typed array, and later SIMD loads, fit. */
const ALIGNMENT = 16;

export interface Plan {
  readonly arenaBytes: number;
  /** Sum of all values without sharing, for reports. */
  readonly unsharedBytes: number;
  readonly arrays: ReadonlyMap<ValueId, TypedArray>;
}

interface Block {
  readonly ids: ValueId[];
  bytes: number;
  first: number;
  last: number;
  offset: number;
}

/**
 * @param memory holds the arena
 * @param keep give every value its own place, so that all can be read after a run
 */
export function planArena(graph: Graph, batch: number, memory: Memory, keep: boolean): Plan {
  const blocks = new Map<ValueId, Block>();
  const bytesOf = (id: ValueId): number => {
    const value = graph.values.get(id)!;
    return sizeOf(shapeAt(graph, id, batch)) * bytesPerElement(storageOf(value));
  };
  const end = graph.nodes.length;
  graph.inputs.forEach((id) =>
    blocks.set(id, { ids: [id], bytes: bytesOf(id), first: -1, last: keep ? end : -1, offset: 0 }),
  );
  graph.nodes.forEach((node, step) => {
    for (const id of node.inputs) {
      const block = blocks.get(id)!;
      block.last = Math.max(block.last, step);
    }
    if (node.op === 'reshape') {
      const block = blocks.get(node.inputs[0])!;
      block.ids.push(node.id);
      blocks.set(node.id, block);
    } else {
      // what a constant holds is written once, before the first run
      const constant = node.op === 'constant';
      blocks.set(node.id, {
        ids: [node.id],
        bytes: bytesOf(node.id),
        first: constant ? -1 : step,
        last: keep || constant ? end : step,
        offset: 0,
      });
    }
  });
  for (const id of graph.outputs) blocks.get(id)!.last = end;

  const placed: Block[] = [];
  let arenaBytes = 0;
  let unsharedBytes = 0;
  for (const block of [...new Set(blocks.values())].sort((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const alive = placed.filter((o) => o.first <= block.last && block.first <= o.last);
    alive.sort((a, b) => a.offset - b.offset);
    let offset = 0;
    for (const o of alive) {
      if (offset + block.bytes <= o.offset) break;
      offset = Math.max(offset, align(o.offset + o.bytes));
    }
    block.offset = offset;
    placed.push(block);
    arenaBytes = Math.max(arenaBytes, offset + block.bytes);
    unsharedBytes += block.bytes;
  }

  const arena = memory.allocate('uint8', align(arenaBytes));
  const arrays = new Map<ValueId, TypedArray>();
  for (const [id, block] of blocks) {
    const value = graph.values.get(id)!;
    const length = sizeOf(shapeAt(graph, id, batch));
    const storage = storageOf(value);
    const View = storage === 'float32' ? Float32Array : storage === 'uint8' ? Uint8Array : Int8Array;
    arrays.set(id, new View(arena.buffer as ArrayBuffer, arena.byteOffset + block.offset, length));
  }
  return { arenaBytes, unsharedBytes, arrays };
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
