/** Windows of convolutions and pools: kernel, stride, dilation and padding of one or two axes, as height and width. */
import type { Padding, Pair } from '../../../graph/index.js';
import type { Call } from './call.js';

export interface Window {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
  /** As the file gives it; null where `auto_pad` asks for the same size. */
  readonly padding: Padding | null;
  readonly same: 'upper' | 'lower';
}

/** A list for the spatial axes; sequences have one, which is the width. */
export function pair(call: Call, name: string, list: readonly number[], rank: number, least: number): Pair {
  if (list.length !== rank - 2) call.invalid(`${name} has ${list.length} numbers for ${rank - 2} axes`);
  if (list.some((v) => !Number.isSafeInteger(v) || v < least || v > 2 ** 24))
    call.invalid(`${name} is [${list.join(', ')}]`);
  return list.length === 1 ? [1, list[0]] : [list[0], list[1]];
}

/** @param kernel of the weights, where there are any */
export function readWindow(call: Call, rank: number, kernel: readonly number[] | null): Window {
  const ones = new Array<number>(rank - 2).fill(1);
  const given = call.ints('kernel_shape') ?? kernel ?? call.invalid('has no kernel_shape');
  if (kernel !== null && given.some((k, i) => k !== kernel[i]))
    call.invalid(`kernel_shape is [${given.join(', ')}], the weights have [${kernel.join(', ')}]`);
  const auto = call.string('auto_pad', 'NOTSET');
  const pads = call.ints('pads') ?? new Array<number>(2 * (rank - 2)).fill(0);
  if (pads.length !== 2 * (rank - 2)) call.invalid(`pads has ${pads.length} numbers for ${rank - 2} axes`);
  if (!['NOTSET', '', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(auto))
    call.refuse(`auto_pad ${auto} is not known`);
  const none = auto === 'VALID';
  const [top, left] = fill(call, none ? ones.map(() => 0) : pads.slice(0, rank - 2), rank);
  const [bottom, right] = fill(call, none ? ones.map(() => 0) : pads.slice(rank - 2), rank);
  return {
    kernel: pair(call, 'kernel_shape', given, rank, 1),
    stride: pair(call, 'strides', call.ints('strides') ?? ones, rank, 1),
    dilation: pair(call, 'dilations', call.ints('dilations') ?? ones, rank, 1),
    padding: auto.startsWith('SAME') ? null : [top, bottom, left, right],
    same: auto === 'SAME_LOWER' ? 'lower' : 'upper',
  };
}

/** Pads of sequences: none above and below. */
function fill(call: Call, pads: readonly number[], rank: number): Pair {
  const [first, last] = pair(call, 'pads', pads, rank, 0);
  return rank === 3 ? [0, last] : [first, last];
}

/** What a window covers, dilation included. */
export const extent = (kernel: number, dilation: number): number => dilation * (kernel - 1) + 1;

/** The padding for an image of `size`. */
export function paddingFor({ kernel, stride, dilation, padding, same }: Window, size: Pair): Padding {
  if (padding !== null) return padding;
  const [rows, columns] = [0, 1].map((i): Pair => {
    const out = Math.ceil(size[i] / stride[i]);
    const total = Math.max((out - 1) * stride[i] + extent(kernel[i], dilation[i]) - size[i], 0);
    const half = Math.floor(total / 2);
    return same === 'upper' ? [half, total - half] : [total - half, half];
  });
  return [rows[0], rows[1], columns[0], columns[1]];
}

/**
 * What ceil mode adds to the end of the padding: the last window may reach over the edge, but must begin before it, as in
 * PyTorch and ONNX Runtime.
 */
export function ceilPadding({ kernel, stride, dilation }: Window, size: Pair, padding: Padding): Pair {
  const [rows, columns] = [0, 1].map((i) => {
    const [before, after] = [padding[2 * i], padding[2 * i + 1]];
    const covered = extent(kernel[i], dilation[i]);
    let count = Math.ceil((size[i] + before + after - covered) / stride[i]) + 1;
    if ((count - 1) * stride[i] >= size[i] + before) count--;
    return Math.max((count - 1) * stride[i] + covered - (size[i] + before + after), 0);
  });
  return [rows, columns];
}
