/** Which values are images, [n, h, w, c] in the graph and [n, c, h, w] in a file. */
import type { Graph, OpName, ValueId } from '../../../graph/index.js';

/** These take and make images. */
const IMAGE_OPS: ReadonlySet<OpName> = new Set<OpName>([
  'conv2d',
  'maxPool2d',
  'avgPool2d',
  'globalAvgPool',
  'resize',
]);

/** What these take and make lies in one order of axes. */
const SAME_ORDER: ReadonlySet<OpName> = new Set<OpName>([
  'batchNorm',
  'activation',
  'unary',
  'prelu',
  'add',
  'sub',
  'mul',
  'div',
  'maximum',
  'minimum',
  'concat',
  'slice',
  'gather',
  'pad',
  'softmax',
  'quantize',
  'dequantize',
]);

/** Values of four axes that an image op takes or makes, directly or through ops that leave the axes where they are. */
export function imagesOf({ nodes, values }: Graph): ReadonlySet<ValueId> {
  const images = new Set<ValueId>();
  const neighbours = new Map<ValueId, ValueId[]>();
  const waiting: ValueId[] = [];
  for (const { op, id, inputs } of nodes) {
    const around = [...inputs, id].filter((value) => values.get(value)!.shape.length === 4);
    if (IMAGE_OPS.has(op)) waiting.push(...around);
    if (SAME_ORDER.has(op))
      for (const value of around) neighbours.set(value, [...(neighbours.get(value) ?? []), ...around]);
  }
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    if (images.has(id)) continue;
    images.add(id);
    waiting.push(...(neighbours.get(id) ?? []));
  }
  return images;
}
