/** Small models and inputs that several tests quantize. */
import { Tensor } from '../../src/autograd/index.js';
import { NDArray, Random, sizeOf } from '../../src/core/index.js';
import {
  AvgPool2d,
  BatchNorm,
  Conv2d,
  DepthwiseConv2d,
  Linear,
  MaxPool2d,
  Module,
  Sequential,
  Upsample,
} from '../../src/nn/index.js';
import {
  add,
  cat,
  flatten,
  hardswish,
  leakyRelu,
  mean,
  mul,
  padConstant,
  relu,
  relu6,
  sigmoid,
  softmax,
  sub,
  tanh,
} from '../../src/ops/index.js';

/** Standard normal float32 of the given shape. */
export function normal(shape: readonly number[], seed = 0, scale = 1): Tensor {
  const random = new Random(seed);
  const data = Float32Array.from({ length: sizeOf(shape) }, () => scale * random.normal());
  return new Tensor(new NDArray(data, shape));
}

export function batches(count: number, shape: readonly number[], seed = 100): Tensor[] {
  return Array.from({ length: count }, (_, i) => normal(shape, seed + i));
}

/** Fills batch-norm statistics and affine parameters with numbers that are not 0 and 1. */
export function roughen(model: Module, seed = 7): void {
  const random = new Random(seed);
  for (const [name, b] of model.namedBuffers())
    b.value.data.forEach((_, i) => {
      b.value.data[i] = name.endsWith('Var') ? random.uniform(0.5, 1.5) : 0.3 * random.normal();
    });
  for (const m of model.namedModules())
    if (m[1] instanceof BatchNorm) {
      m[1].weight.data.forEach((_, i) =>
        (m[1] as BatchNorm).weight.data.fill(random.uniform(0.5, 1.5), i, i + 1),
      );
      m[1].bias.data.forEach((_, i) => (m[1] as BatchNorm).bias.data.fill(0.2 * random.normal(), i, i + 1));
    }
}

const conv = (i: number, o: number, seed: number, options: object = {}): Conv2d =>
  new Conv2d(i, o, 3, { padding: 1, bias: false, random: new Random(seed), ...options });

/** conv-bn-relu, max pool, flatten, linear: x [n, 8, 8, 2] -> [n, 3] */
export class TinyCnn extends Module {
  readonly conv = conv(2, 4, 1);
  readonly bn = new BatchNorm(4);
  readonly pool = new MaxPool2d(2);
  readonly fc = new Linear(64, 3, { random: new Random(2) });

  override forward(x: Tensor): Tensor {
    return this.fc.forward(flatten(this.pool.forward(relu(this.bn.forward(this.conv.forward(x))))));
  }
}

/** Every op that has an integer form, in one graph: x [n, 8, 8, 2] -> [n, 5] */
export class EveryOp extends Module {
  readonly stem = new Sequential(conv(2, 6, 1, { stride: 2 }), new BatchNorm(6));
  readonly depthwise = new DepthwiseConv2d(6, 3, { padding: 2, dilation: 2, random: new Random(2) });
  readonly grouped = conv(6, 6, 3, { groups: 2 });
  readonly up = new Upsample({ scale: 2 });
  readonly max = new MaxPool2d(2);
  readonly avg = new AvgPool2d(3, { stride: 1, padding: 1, countIncludePad: false });
  readonly fc = new Linear(18, 5, { random: new Random(4) });

  override forward(x: Tensor): Tensor {
    const a = relu6(this.stem.forward(x));
    const b = relu(add(a, this.depthwise.forward(a)));
    const c = mul(hardswish(this.grouped.forward(b)), sigmoid(a));
    const d = sub(leakyRelu(c, { negativeSlope: 0.1 }), tanh(b));
    const e = this.max.forward(this.up.forward(d));
    const f = this.avg.forward(
      padConstant(e, [
        [0, 0],
        [1, 0],
        [0, 1],
        [0, 0],
      ]),
    );
    const pooled = cat(
      [mean(f, { axes: [1, 2] }), mean(b, { axes: [1, 2] }), mean(relu(d), { axes: [1, 2] })],
      {
        axis: 1,
      },
    );
    return softmax(this.fc.forward(pooled), { axis: -1 });
  }
}
