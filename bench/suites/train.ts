/** Training steps: forward, backward, update, on one batch of 64. */
import type { Tensor } from '../../src/autograd/index.js';
import { Random } from '../../src/core/index.js';
import { Conv2d, Linear, Module } from '../../src/nn/index.js';
import { flatten, maxPool2d, relu } from '../../src/ops/index.js';
import type { TrainCase } from '../types.js';

const BATCH = 64;

/** LeNet-5 (LeCun et al. 1998) with ReLU and max pooling: 0.42 million multiply-adds forward per image. */
export class LeNet extends Module {
  readonly conv1: Conv2d;
  readonly conv2: Conv2d;
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly fc3: Linear;

  constructor(random: Random) {
    super();
    this.conv1 = new Conv2d(1, 6, 5, { padding: 2, random });
    this.conv2 = new Conv2d(6, 16, 5, { random });
    this.fc1 = new Linear(400, 120, { random });
    this.fc2 = new Linear(120, 84, { random });
    this.fc3 = new Linear(84, 10, { random });
  }

  override forward(x: Tensor): Tensor {
    let h = maxPool2d(relu(this.conv1.forward(x)), { kernel: 2 });
    h = maxPool2d(relu(this.conv2.forward(h)), { kernel: 2 });
    h = relu(this.fc1.forward(flatten(h)));
    return this.fc3.forward(relu(this.fc2.forward(h)));
  }
}

/** 784-256-256-10 */
export class Mlp extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly fc3: Linear;

  constructor(random: Random) {
    super();
    this.fc1 = new Linear(784, 256, { random });
    this.fc2 = new Linear(256, 256, { random });
    this.fc3 = new Linear(256, 10, { random });
  }

  override forward(x: Tensor): Tensor {
    const h = relu(this.fc1.forward(flatten(x)));
    return this.fc3.forward(relu(this.fc2.forward(h)));
  }
}

/** Multiply-adds of the forward pass of one image. */
const MACS = {
  cnn: 28 * 28 * 6 * 25 + 100 * 16 * 150 + 400 * 120 + 120 * 84 + 840,
  mlp: 784 * 256 + 65536 + 2560,
};
const NAMES = { cnn: 'train LeNet batch 64', mlp: 'train MLP 784-256-256-10 batch 64' };

export const NETWORKS = { cnn: LeNet, mlp: Mlp } as const;

function trainCase(network: TrainCase['network']): TrainCase {
  const random = new Random(`bench/train/${network}`);
  const model = new NETWORKS[network](random);
  const params = Object.fromEntries(
    Array.from(model.namedParameters(), ([name, p]) => [name, Float32Array.from(p.data)]),
  );
  const x = new Float32Array(BATCH * 784).map(() => random.uniform(0, 1));
  const targets = new Int32Array(BATCH).map(() => random.int(10));
  const weights = Object.values(params).reduce((sum, p) => sum + p.byteLength, 0);
  return {
    suite: 'train',
    shape: NAMES[network],
    dtype: 'f32',
    // The gradients of inputs and of weights cost as much as the forward pass each.
    ops: 3 * 2 * BATCH * MACS[network],
    bytes: 3 * weights + x.byteLength,
    kind: 'train',
    network,
    batch: BATCH,
    lr: 0.05,
    x,
    targets,
    params,
  };
}

export function* trainCases(wanted: (shape: string) => boolean): Generator<TrainCase> {
  for (const network of ['mlp', 'cnn'] as const) if (wanted(NAMES[network])) yield trainCase(network);
}
