/** TensorFlow.js, in WebAssembly (one thread) and in plain JavaScript. */
import { CHECKED_STEPS } from '../ours/train.js';
import { decodeModel } from '../../src/formats/index.js';
import { isLayer, type Activation, type Graph, type LayerNode, type Padding } from '../../src/graph/index.js';
import { channelsFirst } from '../onnx/layout.js';
import type { Implementation, Loaded } from '../process/implementation.js';
import type { Case, ConvCase, Data, GemmCase, ModelCase, TrainCase } from '../types.js';
import { peerVersion, requirePeer } from './require.js';

interface Tensor {
  readonly shape: readonly number[];
  data(): Promise<Data>;
  dataSync(): Data;
  dispose(): void;
}
type Pads = 'same' | 'valid' | number | readonly (readonly [number, number])[];
interface Tf {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  env(): { set(flag: string, value: unknown): void };
  tidy<T>(f: () => T): T;
  keep(t: Tensor): Tensor;
  tensor(data: Data, shape: readonly number[], dtype?: string): Tensor;
  variable(t: Tensor): Tensor;
  matMul(a: Tensor, b: Tensor, transA?: boolean, transB?: boolean): Tensor;
  conv2d(x: Tensor, w: Tensor, strides: readonly number[], pad: Pads): Tensor;
  depthwiseConv2d(x: Tensor, w: Tensor, strides: readonly number[], pad: Pads): Tensor;
  maxPool(x: Tensor, size: readonly number[], strides: readonly number[], pad: Pads): Tensor;
  avgPool(x: Tensor, size: readonly number[], strides: readonly number[], pad: Pads): Tensor;
  mean(x: Tensor, axes: readonly number[]): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  relu(x: Tensor): Tensor;
  relu6(x: Tensor): Tensor;
  reshape(x: Tensor, shape: readonly number[]): Tensor;
  oneHot(x: Tensor, depth: number): Tensor;
  losses: { softmaxCrossEntropy(labels: Tensor, logits: Tensor): Tensor };
  train: { sgd(lr: number): { minimize(f: () => Tensor, returnCost: boolean): Tensor } };
}

/** Runs and keeps the latest result; reading it back is part of no run, as for the others. */
function loaded(tf: Tf, compute: () => Tensor): Loaded {
  let y: Tensor | null = null;
  return {
    run: () => {
      y?.dispose();
      y = tf.tidy(compute);
    },
    output: () => y!.dataSync(),
    dispose: () => y?.dispose(),
  };
}

/** OHWI to HWIO: [o, hwi] transposed. */
function filters(tf: Tf, data: Data, [o, h, w, i]: readonly number[]): Tensor {
  return tf.tensor(channelsFirst(data as Float32Array, 1, o, h * w * i), [h, w, i, o]);
}

function loadGemm(tf: Tf, { m, n, k, x, w }: GemmCase): Loaded {
  const a = tf.tensor(x, [m, k]);
  const b = tf.tensor(channelsFirst(w as Float32Array, 1, n, k), [k, n]);
  return loaded(tf, () => tf.matMul(a, b));
}

function loadConv(tf: Tf, c: ConvCase): Loaded | string {
  const depthwise = c.groups === c.inChannels && c.groups > 1;
  if (c.groups > 1 && !depthwise) return 'it has no grouped convolution';
  const x = tf.tensor(c.x, [1, c.size, c.size, c.inChannels]);
  const pad = (c.kernel - 1) / 2;
  const w = filters(tf, c.w, [c.outChannels, c.kernel, c.kernel, c.inChannels / c.groups]);
  if (!depthwise) return loaded(tf, () => tf.conv2d(x, w, [c.stride, c.stride], pad));
  const perChannel = tf.reshape(w, [c.kernel, c.kernel, c.inChannels, 1]);
  return loaded(tf, () => tf.depthwiseConv2d(x, perChannel, [c.stride, c.stride], pad));
}

const padPairs = ([top, bottom, left, right]: Padding): Pads => [
  [0, 0],
  [top, bottom],
  [left, right],
  [0, 0],
];

/** Builds the function that runs a float graph. Throws an Error for ops that it does not cover. */
function compile(tf: Tf, graph: Graph): (x: Tensor) => Tensor {
  const params = new Map<string, Tensor>();
  for (const node of graph.nodes) {
    if (!isLayer(node)) continue;
    const { array } = graph.params.get(node.weight)!;
    const data = array.data as Float32Array;
    if (node.op === 'linear') {
      const [out, inner] = array.shape;
      params.set(node.weight, tf.tensor(channelsFirst(data, 1, out, inner), [inner, out]));
    } else {
      const w = filters(tf, data, array.shape);
      const [, h, wd] = array.shape;
      params.set(node.weight, node.groups === 1 ? w : tf.reshape(w, [h, wd, node.groups, 1]));
    }
    if (node.bias !== null) {
      const bias = graph.params.get(node.bias)!.array;
      params.set(node.bias, tf.tensor(bias.data as Float32Array, bias.shape));
    }
  }
  const activate = (activation: Activation, y: Tensor): Tensor =>
    activation === 'relu' ? tf.relu(y) : activation === 'relu6' ? tf.relu6(y) : y;
  const layer = (node: LayerNode, x: Tensor): Tensor => {
    const w = params.get(node.weight)!;
    const y =
      node.op === 'linear'
        ? tf.matMul(x, w)
        : (node.groups === 1 ? tf.conv2d : tf.depthwiseConv2d)(x, w, node.stride, padPairs(node.padding));
    return activate(node.activation, node.bias === null ? y : tf.add(y, params.get(node.bias)!));
  };
  return (x) => {
    const values = new Map([[graph.inputs[0], x]]);
    for (const node of graph.nodes) {
      const [a, b] = node.inputs.map((id) => values.get(id)!);
      const y = ((): Tensor => {
        switch (node.op) {
          case 'conv2d':
          case 'linear':
            return layer(node, a);
          case 'activation':
            return activate(node.activation, a);
          case 'add':
            return activate(node.activation, tf.add(a, b));
          case 'maxPool2d':
            return tf.maxPool(a, node.kernel, node.stride, padPairs(node.padding));
          case 'avgPool2d':
            return tf.avgPool(a, node.kernel, node.stride, padPairs(node.padding));
          case 'globalAvgPool':
            return tf.mean(a, [1, 2]);
          case 'reshape':
            return tf.reshape(a, node.shape);
          default:
            throw new Error(`${node.op} is not run by TensorFlow.js here`);
        }
      })();
      values.set(node.id, y);
    }
    return values.get(graph.outputs[0])!;
  };
}

function loadModel(tf: Tf, c: ModelCase): Loaded | string {
  if (c.dtype !== 'f32') return 'it has no integer kernels';
  const forward = compile(tf, decodeModel(c.file).graph);
  const x = tf.tensor(c.x, c.inputShape);
  return loaded(tf, () => forward(x));
}

function loadTraining(tf: Tf, c: TrainCase): Loaded {
  const p = (name: string): Float32Array => c.params[name];
  const variable = (data: Float32Array, shape: readonly number[]): Tensor =>
    tf.variable(tf.tensor(data, shape));
  const dense = (name: string, inner: number, out: number): ((x: Tensor) => Tensor) => {
    const w = variable(channelsFirst(p(`${name}.weight`), 1, out, inner), [inner, out]);
    const b = variable(p(`${name}.bias`), [out]);
    return (x) => tf.add(tf.matMul(x, w), b);
  };
  const conv = (name: string, shape: readonly number[], pad: number): ((x: Tensor) => Tensor) => {
    const w = tf.variable(filters(tf, p(`${name}.weight`), shape));
    const b = variable(p(`${name}.bias`), [shape[0]]);
    return (x) => tf.add(tf.conv2d(x, w, [1, 1], pad), b);
  };
  const cnn = c.network === 'cnn';
  const convs = cnn ? [conv('conv1', [6, 5, 5, 1], 2), conv('conv2', [16, 5, 5, 6], 0)] : [];
  const sizes = cnn ? [400, 120, 84, 10] : [784, 256, 256, 10];
  const layers = [1, 2, 3].map((i) => dense(`fc${i}`, sizes[i - 1], sizes[i]));
  const x = tf.tensor(c.x, cnn ? [c.batch, 28, 28, 1] : [c.batch, 784]);
  const labels = tf.oneHot(tf.tensor(c.targets, [c.batch], 'int32'), 10);
  const optimizer = tf.train.sgd(c.lr);
  const loss = (): Tensor => {
    let h = x;
    for (const layer of convs) h = tf.maxPool(tf.relu(layer(h)), [2, 2], [2, 2], 'valid');
    h = tf.reshape(h, [c.batch, sizes[0]]);
    layers.forEach((layer, i) => (h = i < 2 ? tf.relu(layer(h)) : layer(h)));
    return tf.losses.softmaxCrossEntropy(labels, h);
  };
  const run = (): number => {
    const value = optimizer.minimize(loss, true);
    const [cost] = value.dataSync();
    value.dispose();
    return cost;
  };
  const losses = Float32Array.from({ length: CHECKED_STEPS }, run);
  return { run, output: () => losses };
}

export async function start(backend = 'wasm'): Promise<Implementation> {
  const tf = requirePeer<Tf>('@tensorflow/tfjs');
  if (backend === 'wasm') {
    const wasm = requirePeer<{ setThreadsCount(n: number): void }>('@tensorflow/tfjs-backend-wasm');
    wasm.setThreadsCount(1);
  }
  await tf.setBackend(backend);
  await tf.ready();
  const load = (c: Case): Loaded | string => {
    if (c.kind === 'peak') return 'no probe';
    if (c.dtype !== 'f32') return 'it has no integer kernels';
    // Plain JavaScript at 0.3 GFLOP/s.
    if (backend === 'cpu' && c.kind !== 'train' && c.ops > 5e8) return 'it takes too long';
    if (c.kind === 'gemm') return loadGemm(tf, c);
    if (c.kind === 'conv') return loadConv(tf, c);
    if (c.kind === 'model') return loadModel(tf, c);
    if (backend === 'wasm' && c.network === 'cnn') return 'it has no gradient of convolution filters';
    return loadTraining(tf, c);
  };
  return { threads: 1, version: peerVersion('@tensorflow/tfjs'), load };
}
