/** Pools over windows and over whole images. */
import type { Padding, ValueId } from '../../../../graph/index.js';
import type { Call } from '../call.js';
import type { Network } from '../network.js';
import { ceilPadding, paddingFor, readWindow, type Window } from '../window.js';
import type { Importer, Importers } from './types.js';

interface Placed {
  readonly window: Window;
  readonly padding: Padding;
  /** With what ceil mode adds. */
  readonly reached: Padding;
}

/** `emit` on the image and its windows. */
function pooled(call: Call, net: Network, emit: (x: ValueId, placed: Placed) => ValueId) {
  const x = call.operand(0);
  const rank = net.rank(x);
  if (rank !== 3 && rank !== 4)
    call.refuse(`pools values of rank ${rank}; images [n, c, h, w] and sequences [n, c, l] are supported`);
  const window = readWindow(call, rank, null);
  const ceil = call.flag('ceil_mode');
  return [
    net.image(x, (image) => {
      const [, height, width] = net.shape(image);
      const padding = paddingFor(window, [height, width]);
      const [rows, columns] = ceil ? ceilPadding(window, [height, width], padding) : [0, 0];
      const [top, bottom, left, right] = padding;
      return emit(image, { window, padding, reached: [top, bottom + rows, left, right + columns] });
    }),
  ];
}

const maxPool: Importer = (call, net) => {
  call.ignore('storage_order');
  return pooled(call, net, (x, { window: { kernel, stride, dilation }, reached }) =>
    net.node({ op: 'maxPool2d', inputs: [x], kernel, stride, dilation, padding: reached }),
  );
};

const averagePool: Importer = (call, net) => {
  const counted = call.flag('count_include_pad');
  return pooled(call, net, (x, { window: { kernel, stride, dilation }, padding, reached }) => {
    if (dilation.some((d) => d !== 1)) call.refuse('has dilations, which average pools do not support');
    const same = reached.every((p, i) => p === padding[i]);
    // Cells that only ceil mode reaches do not count, so what counts becomes part of the image.
    if (counted && !same) {
      const [top, bottom, left, right] = padding;
      const zeros = net.pad(
        x,
        [
          [0, 0],
          [top, bottom],
          [left, right],
          [0, 0],
        ],
        0,
      ) as ValueId;
      const rest: Padding = [0, reached[1] - bottom, 0, reached[3] - right];
      return net.node({
        op: 'avgPool2d',
        inputs: [zeros],
        kernel,
        stride,
        padding: rest,
        countIncludePad: false,
      });
    }
    return net.node({
      op: 'avgPool2d',
      inputs: [x],
      kernel,
      stride,
      padding: reached,
      countIncludePad: counted,
    });
  });
};

const spatialAxes = (call: Call, net: Network): number[] => {
  const rank = net.rank(call.operand(0));
  if (rank < 3) call.invalid(`pools a value of rank ${rank}`);
  return Array.from({ length: rank - 2 }, (_, i) => i + 2);
};

const globalAveragePool: Importer = (call, net) => {
  const x = call.operand(0);
  const axes = spatialAxes(call, net);
  if (axes.length !== 2) return [net.reduce('mean', x, axes, true)];
  return [net.image(x, (image) => net.node({ op: 'globalAvgPool', inputs: [image], keepdim: true }))];
};

const globalMaxPool: Importer = (call, net) => [
  net.reduce('max', call.operand(0), spatialAxes(call, net), true),
];

export const POOLING: Importers = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
};
