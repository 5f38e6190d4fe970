/**
 * Golden topic qat: PyTorch's eager-mode QAT, step by step. Its choices (float biases, batch norm folded as in
 * nn.intrinsic.qat, the mean before the last layer left in float) are the settings of `qatConfig` below.
 */
import { noGrad, Tensor } from '../../src/autograd/index.js';
import { NDArray, perTensor, sizeOf, type QParams, type TypedArray } from '../../src/core/index.js';
import type { LayerNode } from '../../src/graph/index.js';
import { BatchNorm, Conv2d, Linear, Module } from '../../src/nn/index.js';
import { add, crossEntropy, div, fakeQuantize, mean, relu } from '../../src/ops/index.js';
import { SGD } from '../../src/optim/index.js';
import { movingAverageMinMax, prepare, qatConfig, type QuantizedModule } from '../../src/quant/index.js';
import { scaledWeights } from '../../src/quant/layer.js';
import { executeBatchNorm, executeLayer, trace } from '../../src/trace/index.js';
import {
  expectClose,
  expectEqual,
  type GoldenCase,
  type ReadTensor,
  type TensorRef,
  type Tolerance,
  type TopicRunner,
} from './common.js';
import { swapAxes } from './kernelCase.js';

interface BlockSpec {
  out: number;
  stride: number;
  groups: number;
}

class Net extends Module {
  readonly conv: Conv2d[] = [];
  readonly bn: BatchNorm[] = [];
  readonly fc: Linear | null;

  constructor(inChannels: number, blocks: BlockSpec[], options: { classes?: number; bias?: boolean }) {
    super();
    let channels = inChannels;
    for (const { out, stride, groups } of blocks) {
      this.conv.push(
        new Conv2d(channels, out, 3, { stride, padding: 1, groups, bias: options.bias ?? false }),
      );
      this.bn.push(new BatchNorm(out));
      channels = out;
    }
    this.fc = options.classes === undefined ? null : new Linear(channels, options.classes);
  }

  override forward(x: Tensor): Tensor {
    let h = x;
    this.conv.forEach((conv, i) => (h = relu(this.bn[i].forward(conv.forward(h)))));
    return this.fc === null ? h : this.fc.forward(mean(h, { axes: [1, 2] }));
  }
}

/** [..., C, H, W] -> [..., H, W, C] */
function toChannelsLast(data: TypedArray, shape: readonly number[]): NDArray<'float32'> {
  const [c, h, w] = shape.slice(-3);
  const lead = shape.slice(0, -3);
  return new NDArray(Float32Array.from(swapAxes(data, sizeOf(lead), c, h * w)), [...lead, h, w, c]);
}

/** Images and filters in our layout; everything of lower rank as it is. */
function native(read: ReadTensor, ref: TensorRef): NDArray<'float32'> {
  const data = read(ref);
  return ref.shape.length >= 4
    ? toChannelsLast(data, ref.shape)
    : new NDArray(Float32Array.from(data), ref.shape);
}

/** 'conv.0.weight' -> 'conv0.weight', 'bn.0.runningMean' -> 'bn0.running_mean' */
function goldenName(name: string): string {
  return name
    .replace(/^(conv|bn)\.(\d+)/, '$1$2')
    .replace('runningMean', 'running_mean')
    .replace('runningVar', 'running_var');
}

/** Puts golden values into the parameters and buffers of a model; `rename` turns our names into theirs. */
function fill(model: Module, c: GoldenCase, read: ReadTensor, rename: (name: string) => string): void {
  for (const [name, t] of [...model.namedParameters(), ...model.namedBuffers()])
    t.value.data.set(native(read, c.inputs![rename(name)]).data);
}

interface RunAttrs {
  in_channels: number;
  channels: BlockSpec[];
  size: [number, number];
  batch: number;
  classes: number;
  steps: number;
  lr: number;
  momentum: number;
  weight_decay: number;
  c_act: number;
  c_w: number;
  frozen?: boolean;
  unsigned?: boolean;
  observers_off_at?: number;
  freeze_bn_at?: number;
}

function torchConfig(attrs: { c_act: number; c_w: number; unsigned?: boolean }, float: string[]) {
  return qatConfig({
    signed: !(attrs.unsigned ?? false),
    bias: 'float',
    float,
    activationObserver: movingAverageMinMax({ averagingConstant: attrs.c_act }),
    weightObserver: movingAverageMinMax({ averagingConstant: attrs.c_w }),
  });
}

/** Golden names of the quantization points -> ours. */
function points(blocks: number): [string, string][] {
  const conv = Array.from({ length: blocks }, (_, i): [string, string][] => [
    [`conv${i}.weight`, `conv.${i}.weight`],
    [`act${i}`, `conv.${i}`],
  ]);
  return [['input', 'input'], ...conv.flat(), ['fc.weight', 'fc.weight'], ['fc.out', 'fc']];
}

function row(data: ArrayLike<number>, t: number, rows: number): number[] {
  const n = data.length / rows;
  return Array.from({ length: n }, (_, i) => data[t * n + i]);
}

function fixQParams(module: QuantizedModule, c: GoldenCase, read: ReadTensor, steps: number): void {
  for (const [theirs, ours] of points(module.graph.nodes.filter((n) => n.op === 'conv2d').length)) {
    const scale = Float32Array.from(row(read(c.outputs![`${theirs}.scale`]), 0, steps));
    const zeroPoint = Int32Array.from(row(read(c.outputs![`${theirs}.zero_point`]), 0, steps));
    const weights = theirs.endsWith('weight');
    const range = weights ? { quantMin: -127, quantMax: 127 } : module.config.activations.range;
    const qparams: QParams = weights
      ? { ...perTensor(1, 0, range), scale, zeroPoint, axis: 0 }
      : perTensor(scale[0], zeroPoint[0], range);
    module.quantizer(ours)!.fix(qparams);
  }
}

function qatRun(c: GoldenCase, read: ReadTensor): void {
  const attrs = c.attrs as unknown as RunAttrs;
  const tol = c.tol_f32 as unknown as Record<
    'loss' | 'state' | 'eval_logits' | 'scale_rel' | 'grads',
    number
  >;
  const close = (key: 'loss' | 'state' | 'eval_logits' | 'grads'): Tolerance => ({ abs: tol[key], rel: 0 });
  const { steps, batch } = attrs;

  const model = new Net(attrs.in_channels, attrs.channels, { classes: attrs.classes });
  fill(model, c, read, goldenName);
  const images = toChannelsLast(read(c.inputs!['x']), c.inputs!['x'].shape);
  const targets = read(c.inputs!['target']);
  const batchOf = (t: number): Tensor =>
    new Tensor(
      new NDArray(
        images.data.slice((images.size / steps) * t, (images.size / steps) * (t + 1)),
        images.shape.slice(1),
      ),
    );

  const module = prepare(trace(model, batchOf(0)), torchConfig(attrs, ['globalAvgPool']));
  module.phase = 'train';
  if (attrs.frozen) {
    fixQParams(module, c, read, steps);
    module.phase = 'frozen';
  }
  const optimizer = new SGD(module.parameters(), {
    lr: attrs.lr,
    momentum: attrs.momentum,
    weightDecay: attrs.weight_decay,
  });

  const losses = c['loss'] as number[];
  const logits = read(c.outputs!['logits']);
  for (let t = 0; t < steps; t++) {
    if (t === attrs.observers_off_at) module.phase = 'frozen';
    if (t === attrs.freeze_bn_at) module.batchNorm = 'frozen';
    const output = module.forward(batchOf(t));
    const target = new Tensor(new NDArray(Int32Array.from(row(targets, t, steps)), [batch]));
    const loss = crossEntropy(output, target);
    optimizer.zeroGrad();
    loss.backward();
    if (t === 0)
      for (const [name, p] of module.namedParameters())
        expectClose(
          `step0 ${name}`,
          p.grad!.data,
          native(read, c.grads![`step0.${goldenName(name)}`]).data,
          close('grads'),
        );
    optimizer.step();
    expectClose(`loss at step ${t}`, [loss.item()], [losses[t]], close('loss'));
    expectClose(`logits at step ${t}`, output.data, row(logits, t, steps), close('eval_logits'));
    for (const [theirs, ours] of points(attrs.channels.length)) {
      const qp = module.quantizer(ours)!.qparams();
      const scale = row(read(c.outputs![`${theirs}.scale`]), t, steps);
      expectClose(`${theirs}.scale at step ${t}`, qp.scale, scale, { abs: 0, rel: tol.scale_rel });
      expectEqual(
        `${theirs}.zero_point at step ${t}`,
        qp.zeroPoint,
        row(read(c.outputs![`${theirs}.zero_point`]), t, steps),
      );
    }
  }
  for (const [name, p] of [...module.namedParameters(), ...module.namedBuffers()])
    expectClose(
      `final ${name}`,
      p.value.data,
      native(read, c.outputs![`final.${goldenName(name)}`]).data,
      close('state'),
    );
  module.eval();
  const evalLogits = noGrad(() => module.forward(batchOf(steps - 1)));
  expectClose('eval logits', evalLogits.data, read(c.outputs!['eval_logits']), close('eval_logits'));
}

interface UnitAttrs {
  in: number[];
  out: number;
  stride: number;
  groups: number;
  bias: boolean;
  c_act: number;
  c_w: number;
}

function convBnReluUnit(c: GoldenCase, read: ReadTensor): void {
  const attrs = c.attrs as unknown as UnitAttrs;
  const model = new Net(attrs.in[1], [attrs], { bias: attrs.bias });
  const shortName = (name: string): string => goldenName(name).replace('conv0.', '').replace('bn0', 'bn');
  fill(model, c, read, shortName);
  const x = new Tensor(native(read, c.inputs!['x']), { requiresGrad: true });
  const module = prepare(trace(model, x.detach()), torchConfig(attrs, ['input']));
  module.phase = 'train';
  const expected = (name: string, got: ArrayLike<number>): void =>
    expectClose(name, got, native(read, c.outputs![name]).data, c.tol_f32!);

  const node = module.graph.nodes[0] as LayerNode;
  const before = prepare(module.graph, module.config); // copies the parameters before batch norm moves them
  noGrad(() => {
    const { weight, factor } = scaledWeights(node, before);
    expected('scale_factor', factor.data);
    expected('scaled_weight', weight.data);
    const observer = before.quantizer(node.weight)!;
    observer.observe(weight.value);
    expected('weight_scale', observer.qparams().scale);
    const w = fakeQuantize(weight, observer.qparams());
    expected('fq_weight', w.data);
    const convolved = executeLayer(node, x, w, null);
    expected('conv_of_fq_weight', convolved.data);
    const restored = div(convolved, factor);
    const biased = node.bias === null ? restored : add(restored, before.tensor(node.bias));
    expected('conv_orig', biased.data);
    const normalized = executeBatchNorm(node.batchNorm!, biased, before, true);
    expected('bn_out', normalized.data);
    expected('relu_out', relu(normalized).data);
  });

  const y = module.forward(x);
  expected('y', y.data);
  expected('act_scale', module.quantizer(node.id)!.qparams().scale);
  expectEqual(
    'act_zero_point',
    module.quantizer(node.id)!.qparams().zeroPoint,
    read(c.outputs!['act_zero_point']),
  );
  for (const [name, buffer] of module.namedBuffers())
    expected(`new_${shortName(name).replace('bn.', '')}`, buffer.value.data);
  y.backward(native(read, c.grad_outputs!['y']));
  expectClose('grad x', x.grad!.data, native(read, c.grads!['x']).data, c.tol_f32!);
  for (const [name, p] of module.namedParameters())
    expectClose(`grad ${name}`, p.grad!.data, native(read, c.grads![shortName(name)]).data, c.tol_f32!);
}

export const qat: TopicRunner = {
  qat_run: qatRun,
  qat_conv_bn_relu_unit: convBnReluUnit,
};
