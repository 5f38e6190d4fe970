/** ConvNetJS: training steps in plain JavaScript, one image at a time. */
import { CHECKED_STEPS } from '../ours/train.js';
import type { Implementation, Loaded } from '../process/implementation.js';
import type { Case, TrainCase } from '../types.js';
import { peerVersion, requirePeer } from './require.js';

/** Rows, columns, channels: [(row * size + column) * depth + channel], as here. */
interface Vol {
  w: Float64Array;
}
interface Layer {
  readonly filters?: readonly Vol[];
  readonly biases?: Vol;
}
interface Net {
  readonly layers: readonly Layer[];
  makeLayers(definitions: readonly object[]): void;
}
interface ConvNet {
  readonly Vol: new (width: number, height: number, depth: number, value: number) => Vol;
  readonly Net: new () => Net;
  readonly SGDTrainer: new (
    net: Net,
    options: object,
  ) => { train(x: Vol, label: number): { cost_loss: number } };
}

const dense = (neurons: number): object => ({ type: 'fc', num_neurons: neurons, activation: 'relu' });
const conv = (filters: number, pad: number): object => ({
  type: 'conv',
  sx: 5,
  filters,
  stride: 1,
  pad,
  activation: 'relu',
});
const POOL = { type: 'pool', sx: 2, stride: 2 };
const LAYERS = {
  cnn: [
    { type: 'input', out_sx: 28, out_sy: 28, out_depth: 1 },
    conv(6, 2),
    POOL,
    conv(16, 0),
    POOL,
    dense(120),
    dense(84),
  ],
  mlp: [{ type: 'input', out_sx: 1, out_sy: 1, out_depth: 784 }, dense(256), dense(256)],
};
const PARAMETERS = { cnn: ['conv1', 'conv2', 'fc1', 'fc2', 'fc3'], mlp: ['fc1', 'fc2', 'fc3'] };

function loadTraining({ Vol, Net, SGDTrainer }: ConvNet, c: TrainCase): Loaded {
  const net = new Net();
  net.makeLayers([...LAYERS[c.network], { type: 'softmax', num_classes: 10 }]);
  const layers = net.layers.filter((l) => l.filters !== undefined);
  layers.forEach(({ filters, biases }, i) => {
    const name = PARAMETERS[c.network][i];
    const weight = c.params[`${name}.weight`];
    const size = weight.length / filters!.length;
    filters!.forEach((f, o) => f.w.set(weight.subarray(o * size, (o + 1) * size)));
    biases!.w.set(c.params[`${name}.bias`]);
  });
  const trainer = new SGDTrainer(net, {
    learning_rate: c.lr,
    batch_size: c.batch,
    momentum: 0,
    l2_decay: 0,
    method: 'sgd',
  });
  const side = c.network === 'cnn' ? 28 : 1;
  const images = Array.from({ length: c.batch }, (_, i) => {
    const image = new Vol(side, side, 784 / (side * side), 0);
    image.w.set(c.x.subarray(784 * i, 784 * (i + 1)));
    return image;
  });
  const run = (): number =>
    images.reduce((sum, image, i) => sum + trainer.train(image, c.targets[i]).cost_loss, 0) / c.batch;
  const losses = Float32Array.from({ length: CHECKED_STEPS }, run);
  return { run, output: () => losses };
}

export function start(): Implementation {
  const library = requirePeer<ConvNet>('convnetjs');
  const load = (c: Case): Loaded | string =>
    c.kind === 'train' ? loadTraining(library, c) : 'it is measured in training';
  return { threads: 1, version: peerVersion('convnetjs'), load };
}
