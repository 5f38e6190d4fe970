/** Blocks of pixels that become channels or images of their own, and back. */
import { sizeOf } from '../../../../core/index.js';
import type { Call, Operand } from '../call.js';
import type { Network } from '../network.js';
import type { Importer } from './types.js';

export const spaceToDepth: Importer = (call, net) => {
  const { blockSize: b } = call.options('SPACE_TO_DEPTH');
  const x = net.moved(call.operand(0));
  const [n, h, w, c] = imageShape(call, net, x);
  if (!(b >= 1)) call.invalid(`has blocks of ${b}`);
  const apart = net.reshape(x, [n, h / b, b, w / b, b, c], 'apart');
  return [net.reshape(net.transpose(apart, [0, 1, 3, 2, 4, 5], 'turned'), [n, h / b, w / b, b * b * c])];
};

export const depthToSpace: Importer = (call, net) => {
  const { blockSize: b } = call.options('DEPTH_TO_SPACE');
  const x = net.moved(call.operand(0));
  const [n, h, w, c] = imageShape(call, net, x);
  if (!(b >= 1)) call.invalid(`has blocks of ${b}`);
  const apart = net.reshape(x, [n, h, w, b, b, c / (b * b)], 'apart');
  return [net.reshape(net.transpose(apart, [0, 1, 3, 2, 4, 5], 'turned'), [n, h * b, w * b, c / (b * b)])];
};

export function imageShape(call: Call, net: Network, x: Operand): readonly number[] {
  const shape = net.shape(x);
  if (shape.length !== 4)
    call.refuse(`works on a value of rank ${shape.length}; images [n, h, w, c] are supported`);
  return shape;
}

function blocks(call: Call, net: Network, x: Operand): { sizes: number[]; edges: number[][] } {
  const sizes = call.list(1, 'blocks');
  const list = call.list(2, 'edges');
  if (net.rank(x) < 1 + sizes.length || list.length !== 2 * sizes.length || sizes.some((b) => !(b >= 1)))
    call.invalid('its blocks do not fit');
  return { sizes, edges: sizes.map((_, i) => [list[2 * i], list[2 * i + 1]]) };
}

export const spaceToBatch: Importer = (call, net) => {
  const given = net.moved(call.operand(0));
  const { sizes, edges } = blocks(call, net, given);
  const rest = net.shape(given).slice(1 + sizes.length);
  const none = [0, 0] as const;
  const x = net.pad(
    given,
    [none, ...edges.map(([a, b]) => [a, b] as const), ...rest.map(() => none)],
    0,
    'padded',
  );
  const [n, ...shape] = net.shape(x);
  const spatial = sizes.map((b, i) => shape[i] / b);
  const apart = net.reshape(x, [n, ...sizes.flatMap((b, i) => [spatial[i], b]), ...rest], 'apart');
  const last = rest.map((_, i) => 1 + 2 * sizes.length + i);
  const perm = [...sizes.map((_, i) => 2 + 2 * i), 0, ...sizes.map((_, i) => 1 + 2 * i), ...last];
  return [net.reshape(net.transpose(apart, perm, 'turned'), [n * sizeOf(sizes), ...spatial, ...rest])];
};

export const batchToSpace: Importer = (call, net) => {
  const x = net.moved(call.operand(0));
  const { sizes, edges } = blocks(call, net, x);
  const [n, ...shape] = net.shape(x);
  const rest = shape.slice(sizes.length);
  const count = n / sizeOf(sizes);
  const apart = net.reshape(x, [...sizes, count, ...shape], 'apart');
  const m = sizes.length;
  const perm = [m, ...sizes.flatMap((_, i) => [m + 1 + i, i]), ...rest.map((_, i) => 2 * m + 1 + i)];
  const whole = net.reshape(
    net.transpose(apart, perm, 'turned'),
    [count, ...sizes.map((b, i) => b * shape[i]), ...rest],
    'whole',
  );
  const none = [0, 0] as const;
  const cut = edges.map(([a, b]) => [-a, -b] as const);
  return [net.pad(whole, [none, ...cut, ...rest.map(() => none)], 0)];
};
