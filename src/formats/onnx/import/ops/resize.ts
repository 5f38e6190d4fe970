/**
 * Resize and Upsample. Nearest neighbours are lists of indices, linear interpolation the mix of two such lists; where the graph
 * has a node for the same, that node.
 *
 * Source: the definition of Resize in ONNX's Operators.md.
 */
import type { Coordinates, Pair } from '../../../../graph/index.js';
import type { Call, Operand } from '../call.js';
import type { Network } from '../network.js';
import type { Importer, Importers } from './types.js';

/** One axis: from `size` to `out` elements, `scale` times as many. */
interface Axis {
  readonly size: number;
  readonly out: number;
  readonly scale: number;
}

type Locate = (i: number, axis: Axis) => number;
const half: Locate = (i, { scale }) => (i + 0.5) / scale - 0.5;

/** Where element i of the result lies in the input. */
const LOCATE: Readonly<Record<string, Locate>> = {
  half_pixel: half,
  half_pixel_symmetric: (i, { size, out, scale }) =>
    (size / 2) * (1 - out / (scale * size)) + (i + 0.5) / scale - 0.5,
  pytorch_half_pixel: (i, axis) => (axis.out > 1 ? half(i, axis) : 0),
  align_corners: (i, { size, out }) => (out > 1 ? (i * (size - 1)) / (out - 1) : 0),
  asymmetric: (i, { scale }) => i / scale,
  tf_half_pixel_for_nn: (i, { scale }) => (i + 0.5) / scale,
};

const ROUND: Readonly<Record<string, (v: number) => number>> = {
  round_prefer_floor: (v) => Math.ceil(v - 0.5),
  round_prefer_ceil: (v) => Math.floor(v + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

interface Plan {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  readonly axes: readonly Axis[];
}

function apply(call: Call, net: Network, x: Operand, plan: Plan): Operand {
  if (!Object.hasOwn(LOCATE, plan.coordinates))
    call.refuse(`coordinate_transformation_mode ${plan.coordinates} is not supported`);
  const work = plan.axes.reduce((n, { out }) => n + out, 0);
  if (!(work <= 2 ** 24)) call.refuse('makes a value that is too large');
  net.allowance.charge(32 * work);
  if (plan.mode === 'nearest') return nearest(call, net, x, plan);
  if (plan.mode === 'linear') return linear(net, x, plan);
  return call.refuse(`mode ${plan.mode} is not supported; use nearest or linear`);
}

function nearest(call: Call, net: Network, x: Operand, { coordinates, nearest, axes }: Plan): Operand {
  if (!Object.hasOwn(ROUND, nearest)) call.refuse(`nearest_mode ${nearest} is not known`);
  const lists = axes.map((axis) =>
    Array.from({ length: axis.out }, (_, i) =>
      Math.min(Math.max(ROUND[nearest](LOCATE[coordinates](i, axis)), 0), axis.size - 1),
    ),
  );
  const same = matching(axes, lists);
  if (same !== null) return image(net, x, axes, 'nearest', same);
  return lists.reduce<Operand>((y, list, axis) => net.gather(y, axis, list), x);
}

/** What the graph's own node takes, in exact arithmetic. */
const OWN: readonly (readonly [Coordinates, (i: number, axis: Axis) => number])[] = [
  ['asymmetric', (i, { size, out }) => Math.floor((i * size) / out)],
  ['halfPixel', (i, { size, out }) => Math.floor(((i + 0.5) * size) / out)],
];

/** How the graph's node would have to count to take the same elements of an image; null where it cannot. */
function matching(axes: readonly Axis[], lists: readonly (readonly number[])[]): Coordinates | null {
  if (!isImage(axes)) return null;
  // Kernels divide in float32; where sizes are multiples every way of dividing agrees.
  const whole = axes.every(({ size, out }) => out % size === 0 || size % out === 0);
  if (!whole) return null;
  const found = OWN.find(([, locate]) =>
    axes.every((axis, a) => lists[a].every((index, i) => index === Math.min(locate(i, axis), axis.size - 1))),
  );
  return found?.[0] ?? null;
}

const isImage = (axes: readonly Axis[]): boolean =>
  axes.length === 4 && axes.slice(0, 2).every(({ size, out }) => size === out);

function image(
  net: Network,
  x: Operand,
  axes: readonly Axis[],
  mode: 'nearest' | 'bilinear',
  coordinates: Coordinates,
): Operand {
  const size: Pair = [axes[2].out, axes[3].out];
  return net.image(x, (y) => net.node({ op: 'resize', inputs: [y], size, mode, coordinates }));
}

const BILINEAR: Readonly<Record<string, Coordinates>> = {
  half_pixel: 'halfPixel',
  half_pixel_symmetric: 'halfPixel',
  pytorch_half_pixel: 'halfPixel',
  align_corners: 'alignCorners',
  asymmetric: 'asymmetric',
};

function linear(net: Network, x: Operand, { coordinates, axes }: Plan): Operand {
  const exact = axes.every(({ size, out, scale }) => Math.abs(scale * size - out) < 1e-6 * out);
  const flat = coordinates === 'pytorch_half_pixel' && axes.some(({ size, out }) => out === 1 && size > 1);
  if (isImage(axes) && exact && !flat && Object.hasOwn(BILINEAR, coordinates))
    return image(net, x, axes, 'bilinear', BILINEAR[coordinates]);
  return axes.reduce<Operand>((y, axis, a) => {
    const at = Array.from({ length: axis.out }, (_, i) =>
      Math.min(Math.max(LOCATE[coordinates](i, axis), 0), axis.size - 1),
    );
    const first = at.map(Math.floor);
    const weight = at.map((v, i) => v - first[i]);
    const lower = net.gather(y, a, first);
    if (weight.every((v) => v === 0)) return lower;
    const upper = net.gather(
      y,
      a,
      first.map((i) => Math.min(i + 1, axis.size - 1)),
    );
    const weights = net.allowance.constant(
      'float32',
      axes.map((_, i) => (i === a ? axis.out : 1)),
    );
    weights.data.set(weight);
    const step = net.binary('Mul', net.binary('Sub', upper, lower, 'difference'), weights, 'weighted');
    return net.binary('Add', lower, step);
  }, x);
}

/** Sizes in float32, as runtimes compute them: 10 * 2.3 is 23, although the factor is stored as 2.29999995. */
function scaled(call: Call, shape: readonly number[], scales: readonly number[]): Axis[] {
  if (scales.length !== shape.length || scales.some((s) => !(s > 0)))
    call.invalid(`scales [${scales.join(', ')}] do not fit [${shape.join(', ')}]`);
  return shape.map((size, i) => ({ size, scale: scales[i], out: Math.floor(Math.fround(size * scales[i])) }));
}

const upsample: Importer = (call, net) => {
  const x = call.operand(0);
  const scales = call.opset < 9 ? call.floats('scales') : call.list(1, 'scales');
  const axes = scaled(call, net.shape(x), scales ?? call.invalid('has no scales'));
  const mode = call.string('mode', 'nearest');
  return [apply(call, net, x, { mode, coordinates: 'asymmetric', nearest: 'floor', axes })];
};

/** Sizes for the axes named, as large as the policy lets them be. */
function sized(call: Call, shape: readonly number[], sizes: readonly number[]): Axis[] {
  const policy = call.string('keep_aspect_ratio_policy', 'stretch');
  if (sizes.length !== shape.length || sizes.some((s) => !(s > 0)))
    call.invalid(`sizes [${sizes.join(', ')}] do not fit [${shape.join(', ')}]`);
  const ratios = shape.map((size, i) => sizes[i] / size);
  if (policy === 'stretch') return shape.map((size, i) => ({ size, out: sizes[i], scale: ratios[i] }));
  return call.refuse(`keep_aspect_ratio_policy ${policy} is not supported; use stretch`);
}

const resize: Importer = (call, net) => {
  const x = call.operand(0);
  const shape = net.shape(x);
  const mode = call.string('mode', 'nearest');
  if (call.opset < 11) {
    const axes = scaled(call, shape, call.list(1, 'scales') ?? call.invalid('has no scales'));
    return [apply(call, net, x, { mode, coordinates: 'asymmetric', nearest: 'floor', axes })];
  }
  call.ignore('cubic_coeff_a', 'exclude_outside', 'extrapolation_value');
  const named = call.ints('axes')?.map((axis) => call.axis(axis, shape.length)) ?? shape.map((_, i) => i);
  const full = (list: readonly number[], rest: (i: number) => number): number[] => {
    if (list.length !== named.length) call.invalid(`gives ${list.length} numbers for ${named.length} axes`);
    return shape.map((_, i) => (named.includes(i) ? list[named.indexOf(i)] : rest(i)));
  };
  const scales = call.list(2, 'scales');
  const sizes = call.list(3, 'sizes');
  const axes =
    sizes !== null && sizes.length > 0
      ? sized(
          call,
          shape,
          full(sizes, (i) => shape[i]),
        )
      : scaled(
          call,
          shape,
          full(scales ?? call.invalid('has neither scales nor sizes'), () => 1),
        );
  call.ignore('keep_aspect_ratio_policy');
  if (call.flag('antialias') && mode !== 'nearest' && axes.some(({ scale }) => scale < 1))
    call.refuse('antialias is not supported');
  const coordinates = call.string('coordinate_transformation_mode', 'half_pixel');
  const nearest = call.string('nearest_mode', 'round_prefer_floor');
  return [apply(call, net, x, { mode, coordinates, nearest, axes })];
};

export const RESIZE: Importers = { Resize: resize, Upsample: upsample };
