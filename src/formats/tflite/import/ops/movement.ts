/** Operators that move elements. All of them work on values, on codes and on constants. */
import { sizeOf } from '../../../../core/index.js';
import { mapConstant } from '../../../onnx/import/constants.js';
import { isKnown, type Call, type Operand } from '../call.js';
import { HIGHEST, LOWEST, type Network } from '../network.js';
import { dequantizedOf } from '../tensors.js';
import { imageShape } from './blocks.js';
import type { Importer } from './types.js';

/** A shape with at most one -1, for what is left. */
function resolved(call: Call, from: readonly number[], wanted: readonly number[]): number[] {
  const shape = [...wanted];
  const open = shape.indexOf(-1);
  if (open >= 0) {
    const rest = sizeOf(shape.filter((_, i) => i !== open));
    shape[open] = rest === 0 ? 0 : sizeOf(from) / rest;
  }
  if (shape.some((d) => !Number.isInteger(d) || d < 0))
    call.invalid(`cannot make [${wanted.join(', ')}] of [${from.join(', ')}]`);
  return shape;
}

export const reshape: Importer = (call, net) => {
  const x = net.moved(call.operand(0));
  const { newShape } = call.options('RESHAPE');
  const shape = call.given(1) ? call.list(1, 'shape') : (newShape ?? call.invalid('has no shape'));
  return [net.reshape(x, resolved(call, net.shape(x), shape))];
};

export const squeeze: Importer = (call, net) => {
  const x = net.moved(call.operand(0));
  const shape = net.shape(x);
  const { squeezeDims } = call.options('SQUEEZE');
  const axes =
    squeezeDims.length === 0
      ? shape.flatMap((d, i) => (d === 1 ? [i] : []))
      : call.axes(squeezeDims, shape.length);
  if (axes.some((axis) => shape[axis] !== 1))
    call.invalid(`removes axes [${axes.join(', ')}] of [${shape.join(', ')}]`);
  return [
    net.reshape(
      x,
      shape.filter((_, i) => !axes.includes(i)),
    ),
  ];
};

const inserted = (shape: readonly number[], axis: number): number[] => [
  ...shape.slice(0, axis),
  1,
  ...shape.slice(axis),
];

export const expandDims: Importer = (call, net) => {
  const x = net.moved(call.operand(0));
  const [axis] = call.list(1, 'axis');
  return [net.reshape(x, inserted(net.shape(x), call.axis(axis, net.rank(x) + 1)))];
};

export const transpose: Importer = (call, net) => {
  const x = net.moved(call.operand(0));
  const rank = net.rank(x);
  const perm = call.list(1, 'order').map((axis) => call.axis(axis, rank));
  if (perm.length !== rank || new Set(perm).size !== rank) call.invalid(`its order is none of ${rank} axes`);
  return [net.transpose(x, perm)];
};

export const concatenation: Importer = (call, net) => {
  const parts = call.operands();
  const { axis, activation } = call.options('CONCATENATION');
  const [qparams] = call.qparams;
  const at = call.axis(axis, net.rank(parts[0]));
  const inputs = qparams === null && !parts.every(isKnown) ? parts.map((part) => net.real(part)) : parts;
  if (activation === 'NONE') return [net.concat(inputs, at, qparams)];
  return [net.activated(activation, qparams, false, () => net.value(net.concat(inputs, at, qparams)))];
};

export const pack: Importer = (call, net) => {
  const parts = call.operands();
  const at = call.axis(call.options('PACK').axis, net.rank(parts[0]) + 1);
  const wide = parts.map((part, i) => net.reshape(part, inserted(net.shape(part), at), `part${i}`));
  return [net.concat(wide, at, call.qparams[0])];
};

/** Parts of one axis, one after the other. */
function parts(call: Call, net: Network, x: Operand, axis: number, sizes: readonly number[]): Operand[] {
  const shape = net.shape(x);
  const total = sizes.reduce((a, b) => a + b, 0);
  if (sizes.length !== call.outputs.length || sizes.some((d) => !(d >= 0)) || total !== shape[axis])
    call.invalid(`splits ${shape[axis]} into [${sizes.join(', ')}] for ${call.outputs.length} outputs`);
  let start = 0;
  return sizes.map((count, k) => {
    const from = start;
    start += count;
    return net.slice(
      net.moved(x, call.qparams[k]),
      shape.map((_, i) => (i === axis ? from : 0)),
      shape.map(() => 1),
      shape.map((d, i) => (i === axis ? count : d)),
      `part${k}`,
    );
  });
}

export const split: Importer = (call, net) => {
  const [at] = call.list(0, 'axis');
  const x = call.operand(1);
  const axis = call.axis(at, net.rank(x));
  const { numSplits } = call.options('SPLIT');
  const size = net.shape(x)[axis] / numSplits;
  if (!Number.isInteger(size) || numSplits !== call.outputs.length)
    call.invalid(`splits ${net.shape(x)[axis]} into ${numSplits} for ${call.outputs.length} outputs`);
  return parts(call, net, x, axis, new Array<number>(numSplits).fill(size));
};

export const splitV: Importer = (call, net) => {
  const x = call.operand(0);
  const [at] = call.list(2, 'axis');
  const axis = call.axis(at, net.rank(x));
  const sizes = call.list(1, 'sizes');
  const given = sizes.reduce((sum, d) => sum + Math.max(d, 0), 0);
  return parts(
    call,
    net,
    x,
    axis,
    sizes.map((d) => (d === -1 ? net.shape(x)[axis] - given : d)),
  );
};

export const unpack: Importer = (call, net) => {
  const x = call.operand(0);
  const shape = net.shape(x);
  const axis = call.axis(call.options('UNPACK').axis, shape.length);
  if (call.outputs.length !== shape[axis]) call.invalid(`unpacks ${shape[axis]} into ${call.outputs.length}`);
  const rest = shape.filter((_, i) => i !== axis);
  return parts(call, net, x, axis, new Array<number>(shape[axis]).fill(1)).map((part, k) =>
    net.reshape(part, rest, `unpacked${k}`),
  );
};

export const slice: Importer = (call, net) => {
  const x = net.moved(call.operand(0));
  const shape = net.shape(x);
  const [begin, size] = [call.list(1, 'begin'), call.list(2, 'size')];
  if (begin.length !== shape.length || size.length !== shape.length)
    call.invalid(`has ${begin.length} beginnings and ${size.length} sizes for ${shape.length} axes`);
  const count = size.map((d, i) => (d === -1 ? shape[i] - begin[i] : d));
  if (count.some((d, i) => d < 0 || begin[i] < 0 || begin[i] + d > shape[i]))
    call.invalid(`takes [${count.join(', ')}] from [${begin.join(', ')}] of [${shape.join(', ')}]`);
  return [
    net.slice(
      x,
      begin,
      shape.map(() => 1),
      count,
    ),
  ];
};

export const stridedSlice: Importer = (call, net) => {
  const x = net.moved(call.operand(0));
  const shape = net.shape(x);
  const masks = call.options('STRIDED_SLICE');
  const [begin, end, strides] = ['begin', 'end', 'strides'].map((what, i) => call.list(i + 1, what));
  if (masks.ellipsisMask !== 0 || masks.newAxisMask !== 0)
    call.refuse('an ellipsis or a new axis is not supported; write the slice out in full');
  if (begin.length !== end.length || begin.length !== strides.length || begin.length > shape.length)
    call.invalid('begin, end and strides do not fit');
  const bit = (mask: number, i: number): boolean => ((mask >> i) & 1) === 1;
  const start: number[] = [];
  const count: number[] = [];
  const step = shape.map((_, i) => strides[i] ?? 1);
  shape.forEach((size, i) => {
    const stride = step[i];
    if (stride === 0) call.invalid('has a stride of 0');
    if (i >= begin.length) {
      start.push(0);
      count.push(size);
      return;
    }
    // An index that counts from the end, brought into what a walk in this direction can begin and end at.
    const [low, high] = stride > 0 ? [0, size] : [-1, size - 1];
    const index = (v: number): number => Math.min(Math.max(v < 0 ? v + size : v, low), high);
    const from = bit(masks.beginMask, i) ? (stride > 0 ? 0 : size - 1) : index(begin[i]);
    const relative = masks.offset ? from + end[i] : end[i];
    const to = bit(masks.shrinkAxisMask, i)
      ? from + Math.sign(stride)
      : bit(masks.endMask, i)
        ? stride > 0
          ? size
          : -1
        : masks.offset
          ? Math.min(Math.max(relative, low), high)
          : index(relative);
    start.push(from);
    count.push(Math.max(Math.ceil((to - from) / stride), 0));
  });
  const kept = shape.flatMap((_, i) => (i < begin.length && bit(masks.shrinkAxisMask, i) ? [] : [count[i]]));
  return [net.reshape(net.slice(x, start, step, count, kept.length === count.length ? '' : 'whole'), kept)];
};

export const gather: Importer = (call, net) => {
  const { axis, batchDims } = call.options('GATHER');
  if (batchDims !== 0) call.refuse('batch dimensions are not supported');
  const index = net.wide(call.operand(1));
  const table = call.operand(0);
  if (index !== null && isKnown(table) && table.dims.length === 1 && call.isInteger)
    return [net.lookup(index.codes, table, index.added)];
  const x = net.moved(table);
  const shape = net.shape(x);
  const at = call.axis(axis, shape.length);
  const { data, dims } = call.required(1, 'indices');
  const picked = net.gather(x, at, Array.from(data), dims.length === 1 ? '' : 'flat');
  return [net.reshape(picked, [...shape.slice(0, at), ...dims, ...shape.slice(at + 1)])];
};

/** Pairs [before, after] for each axis. */
function padding(call: Call, net: Network): [number, number][] {
  const rank = net.rank(call.operand(0));
  const list = call.list(1, 'padding');
  if (list.length !== 2 * rank) call.invalid(`has ${list.length} paddings for ${rank} axes`);
  return Array.from({ length: rank }, (_, i) => [list[2 * i], list[2 * i + 1]]);
}

export const pad: Importer = (call, net) => {
  let value = 0;
  if (call.given(2)) {
    const known = call.required(2, 'value');
    if (known.data.length !== 1) call.invalid('its value is not one number');
    [value] = dequantizedOf(known, net.allowance).data;
  }
  const pads = padding(call, net);
  const bounded = Math.min(Math.max(value, LOWEST), HIGHEST);
  if (Number.isNaN(bounded)) call.invalid('pads with NaN');
  return [net.pad(net.moved(call.operand(0)), pads, bounded)];
};

export const mirrorPad: Importer = (call, net) => {
  const skip = call.options('MIRROR_PAD').mode === 'REFLECT' ? 1 : 0;
  return [
    padding(call, net).reduce<Operand>(
      (x, [before, after], axis) => {
        const size = net.shape(x)[axis];
        if (![before, after].every((n) => Number.isInteger(n) && n >= 0 && n <= size - skip))
          call.invalid(`mirrors [${before}, ${after}] of ${size}`);
        net.allowance.charge(8 * (before + size + after));
        const indices = Array.from({ length: before + size + after }, (_, i) => {
          const at = i - before;
          return at < 0 ? -at - 1 + skip : at < size ? at : 2 * size - 1 - at - skip;
        });
        return net.gather(x, axis, indices, `mirrored${axis}`);
      },
      net.moved(call.operand(0)),
    ),
  ];
};

/** Indices that repeat an axis; charged, for a short list may ask for long ones. */
function repeated(call: Call, net: Network, size: number, times: number): number[] {
  if (!Number.isSafeInteger(times) || times < 0) call.invalid(`repeats an axis ${times} times`);
  net.allowance.charge(8 * size * times);
  return Array.from({ length: size * times }, (_, i) => i % size);
}

export const tile: Importer = (call, net) => {
  const times = call.list(1, 'multiples');
  const x = net.moved(call.operand(0));
  if (times.length !== net.rank(x)) call.invalid(`has ${times.length} multiples for ${net.rank(x)} axes`);
  return [
    times.reduce<Operand>(
      (y, n, axis) => net.gather(y, axis, repeated(call, net, net.shape(y)[axis], n), `tiled${axis}`),
      x,
    ),
  ];
};

export const broadcastTo: Importer = (call, net) => {
  const to = call.list(1, 'shape');
  const x = net.moved(call.operand(0));
  const from = net.shape(x);
  if (from.length > to.length) call.invalid(`cannot broadcast [${from.join(', ')}] to [${to.join(', ')}]`);
  const wide = net.reshape(x, [...new Array<number>(to.length - from.length).fill(1), ...from], 'aligned');
  return [
    to.reduce<Operand>((y, size, axis) => {
      const own = net.shape(y)[axis];
      if (own === size) return y;
      if (own !== 1) call.invalid(`cannot broadcast [${from.join(', ')}] to [${to.join(', ')}]`);
      return net.gather(y, axis, repeated(call, net, 1, size), `repeated${axis}`);
    }, wide),
  ];
};

export const reverse: Importer = (call, net) => {
  const x = net.moved(call.operand(0));
  const shape = net.shape(x);
  const axes = call.axes(call.list(1, 'axes'), shape.length);
  const back = (i: number): boolean => axes.includes(i) && shape[i] > 1;
  return [
    net.slice(
      x,
      shape.map((d, i) => (back(i) ? d - 1 : 0)),
      shape.map((_, i) => (back(i) ? -1 : 1)),
      shape,
    ),
  ];
};

export const resize =
  (mode: 'nearest' | 'bilinear'): Importer =>
  (call, net) => {
    const { alignCorners, halfPixelCenters } = call.options('RESIZE_BILINEAR');
    const x = net.moved(call.operand(0));
    imageShape(call, net, x);
    const size = call.list(1, 'size');
    if (size.length !== 2 || size.some((d) => !(d >= 1)))
      call.invalid(`makes an image of [${size.join(', ')}]`);
    return [
      net.node(
        {
          op: 'resize',
          inputs: [net.value(x)],
          size: [size[0], size[1]],
          mode,
          coordinates: alignCorners ? 'alignCorners' : halfPixelCenters ? 'halfPixel' : 'asymmetric',
        },
        call.qparams[0],
      ),
    ];
  };

/** A list of one number. */
export const fill: Importer = (call, net) => {
  const dims = call.list(0, 'shape');
  const value = call.required(1, 'value');
  if (dims.some((d) => !(d >= 0)) || value.data.length !== 1) call.invalid(`fills [${dims.join(', ')}]`);
  const out = net.allowance.constant(value.dtype, dims);
  out.data.fill(value.data[0]);
  return [{ ...out, qparams: value.qparams }];
};

export const range: Importer = (call, net) => {
  const [start, limit, delta] = ['start', 'limit', 'delta'].map((what, i) => call.required(i, what));
  const count = Math.max(Math.ceil((limit.data[0] - start.data[0]) / delta.data[0]), 0);
  if (!Number.isSafeInteger(count)) call.invalid('has no end');
  const out = net.allowance.constant(start.dtype, [count]);
  out.data.forEach((_, i) => (out.data[i] = start.data[0] + i * delta.data[0]));
  return [{ ...mapConstant(net.allowance, out, (v) => v), qparams: null }];
};
