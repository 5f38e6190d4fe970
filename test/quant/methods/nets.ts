/** Networks and measures that the tests of the methods share. */
import { sqnr } from '../../../src/analysis/noise.js';
import type { Tensor } from '../../../src/autograd/index.js';
import { NDArray, Random } from '../../../src/core/index.js';
import type { Graph } from '../../../src/graph/index.js';
import { BatchNorm, Conv2d, DepthwiseConv2d, Linear, Module } from '../../../src/nn/index.js';
import { flatten, leakyRelu, maxPool2d, relu, relu6 } from '../../../src/ops/index.js';
import { compareCodes, convert, type QuantizedModule } from '../../../src/quant/index.js';
import { GraphModule, trace } from '../../../src/trace/index.js';
import { normal, roughen } from '../../support/models.js';

export const SHAPE = [8, 8, 8, 2];

/** conv-bn-relu, depthwise-bn-relu, pointwise-leaky, max pool, flatten, linear: [n, 8, 8, 2] -> [n, 5] */
export class Mobile extends Module {
  readonly stem: Conv2d;
  readonly bn1 = new BatchNorm(8);
  readonly depthwise: DepthwiseConv2d;
  readonly bn2 = new BatchNorm(8);
  readonly pointwise: Conv2d;
  readonly fc: Linear;

  constructor(
    seed = 1,
    private readonly clamp: (x: Tensor) => Tensor = relu,
  ) {
    super();
    const random = new Random(seed);
    this.stem = new Conv2d(2, 8, 3, { padding: 1, bias: false, random });
    this.depthwise = new DepthwiseConv2d(8, 3, { padding: 1, bias: false, random });
    this.pointwise = new Conv2d(8, 8, 1, { random });
    this.fc = new Linear(128, 5, { random });
    roughen(this, seed);
  }

  override forward(x: Tensor): Tensor {
    const a = this.clamp(this.bn1.forward(this.stem.forward(x)));
    const b = this.clamp(this.bn2.forward(this.depthwise.forward(a)));
    const c = leakyRelu(this.pointwise.forward(b), { negativeSlope: 0.1 });
    return this.fc.forward(flatten(maxPool2d(c, { kernel: 2 })));
  }
}

export const mobile = (seed = 1): Graph => trace(new Mobile(seed), normal(SHAPE));
export const mobile6 = (): Graph => trace(new Mobile(1, relu6), normal(SHAPE));

export function outputs(graph: Graph, x: Tensor): Tensor {
  return new GraphModule(graph).eval().forward(x);
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((worst, v, i) => Math.max(worst, Math.abs(v - b[i])), 0);
}

/** dB of the output of a calibrated module against its float network on new data. */
export function quality(module: QuantizedModule, graph: Graph, seed = 900): number {
  const x = normal([32, ...SHAPE.slice(1)], seed);
  return sqnr(outputs(graph, x).data, module.forward(x).data);
}

/** Codes that differ between the module and the integer runtime. */
export function differences(module: QuantizedModule): number {
  return compareCodes(module, convert(module), [normal(SHAPE, 901)]).codesDifferent;
}

/**
 * The same function with every channel of a layer multiplied by a factor from 1 / spread to spread, and the weights that read
 * it divided by it.
 */
export function rescaled(graph: Graph, layers: readonly [string, string][], spread: number): Graph {
  const params = new Map(graph.params);
  const random = new Random('spread');
  const change = (id: string, f: (w: number, i: number) => number): void => {
    const { array } = params.get(id)!;
    params.set(id, {
      id,
      array: new NDArray(Float32Array.from(array.data, f), array.shape),
      qparams: null,
    });
  };
  for (const [first, second] of layers) {
    const { shape, size } = graph.params.get(`${first}.weight`)!.array;
    const factors = Float64Array.from({ length: shape[0] }, () => spread ** random.uniform(-1, 1));
    const channels = shape[0];
    change(`${first}.weight`, (w, i) => w * factors[Math.floor(i / (size / channels))]);
    change(`${first}.bias`, (w, i) => w * factors[i]);
    const read = graph.params.get(`${second}.weight`)!.array.shape;
    const depthwise = read[read.length - 1] === 1;
    const taps = depthwise ? read[1] * read[2] : 1;
    change(`${second}.weight`, (w, i) => w / factors[Math.floor(i / taps) % channels]);
  }
  return { ...graph, params };
}
