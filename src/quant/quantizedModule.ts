/**
 * A graph with fake quantization: trains like a model, and in eval mode (or with batch norm and observers frozen) gives at
 * every value exactly the codes of the integer runtime.
 */
import type { Tensor } from '../autograd/index.js';
import { isGradEnabled, noGrad } from '../autograd/index.js';
import { FormatError, NDArray, QuantizationError, type QParams } from '../core/index.js';
import { isLayer, storageOf, type Graph, type LayerNode, type Node, type ValueId } from '../graph/index.js';
import {
  add,
  dequantizeArray,
  div,
  insideRange,
  quantizeArray,
  quantizedLayer,
  straightThrough,
} from '../ops/index.js';
import { compute } from '../ops/backend.js';
import { layerRequantization, lower, type Bindings } from '../runtime/index.js';
import { activate, executeBatchNorm, executeLayer, executeNode, GraphModule } from '../trace/index.js';
import { annotate, groupsOf, quantizerOf } from './annotate.js';
import { foldedWeights, leaveRoomForBias, perFilter, scaledWeights, type LayerWeights } from './layer.js';
import type { QConfig } from './qconfig.js';
import type { QSpec } from './qspec.js';
import { Quantizer } from './quantizer.js';

/**
 * One switch, so that no combination is meaningless (observers that run while fake quantization is off, say):
 * - `off`: the float network, nothing observed
 * - `calibrate`: the float network in eval mode without gradients, observers watch: post-training quantization
 * - `train`: fake quantization; observers watch while the module is in training mode
 * - `frozen`: fake quantization with the parameters as they are
 */
export type Phase = 'off' | 'calibrate' | 'train' | 'frozen';

const PHASES: readonly Phase[] = ['off', 'calibrate', 'train', 'frozen'];

/**
 * Ops that only move codes, so that the float op on grid values is exact. Resizing moves too, but kernels find the source
 * pixel with a float32 ratio (TFLite's rule) where the float op uses exact integers: it runs on the kernel.
 */
const MOVES = new Set<Node['op']>(['maxPool2d', 'reshape', 'transpose', 'slice', 'gather']);

export interface QuantizationState {
  readonly phase: Phase;
  readonly batchNorm: 'live' | 'frozen';
  /** Quantizers with the state of their observers, null where parameters are fixed. */
  readonly quantizers: readonly (readonly [id: string, state: object | null])[];
}

/** What a layer's integers are made from. */
export interface ResolvedLayer extends LayerWeights {
  readonly weightQParams: QParams;
}

/** The value computed elsewhere, with the whole gradient of a simulation that differs by rounding only. */
function replaced(simulated: Tensor, value: NDArray): Tensor {
  return straightThrough(simulated, value, null);
}

export class QuantizedModule extends GraphModule {
  readonly config: QConfig;
  /** The spec of every value and parameter that is quantized. */
  readonly specs: ReadonlyMap<string, QSpec>;
  /**
   * 'live': batch norm trains on the statistics of each batch; 'frozen': its running statistics are folded into the
   * weights, also in training mode. Eval mode always folds.
   */
  batchNorm: 'live' | 'frozen' = 'live';
  readonly #quantizers: ReadonlyMap<string, Quantizer>;
  #phase: Phase = 'off';

  /** @param graph fused (see `fuseLayers`), float; its parameters are trained in place */
  constructor(graph: Graph, config: QConfig) {
    super(graph);
    this.config = config;
    this.specs = annotate(graph, config);
    const quantizers = new Map<string, Quantizer>();
    for (const [id, spec] of this.specs)
      if (spec.kind === 'observed') {
        const channels = spec.axis === null ? 1 : graph.params.get(id)!.array.shape[spec.axis];
        quantizers.set(id, new Quantizer(id, spec, channels));
      } else if (spec.kind === 'fixed') quantizers.set(id, new Quantizer(id, spec));
    for (const ids of groupsOf(this.specs).values()) {
      const [first, ...others] = ids.map((id) => quantizers.get(id)!);
      // what is trained is one for all
      if (first.trained) for (const { id } of others) quantizers.set(id, first);
      else Quantizer.join([first, ...others]);
    }
    this.#quantizers = quantizers;
    for (const { id, tensors } of new Set(quantizers.values()))
      for (const [name, tensor] of Object.entries(tensors)) this.adopt(`${id}/${name}`, tensor);
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** Throws QuantizationError when 'frozen' is set before everything was observed. */
  set phase(phase: Phase) {
    if (!PHASES.includes(phase))
      throw new QuantizationError(`phase: ${String(phase)} is unknown; use one of ${PHASES.join(', ')}`);
    if (phase === 'frozen') {
      this.requireCalibrated();
      // what is trained gets its initial values
      for (const quantizer of this.#quantizers.values()) quantizer.qparams();
    }
    this.#phase = phase;
  }

  /** Throws QuantizationError naming what was never observed. */
  requireCalibrated(): void {
    const missing = [...this.#quantizers.values()].filter((q) => !q.calibrated).map((q) => q.id);
    if (missing.length > 0)
      throw new QuantizationError(
        `${missing.join(', ')}: nothing was observed yet; calibrate() on representative data, or train, before this`,
      );
  }

  /** Forgets everything observed, as before the first calibration. */
  resetObservers(): void {
    for (const quantizer of this.#quantizers.values()) quantizer.reset();
  }

  /** Phase, batch norm mode and every observer: what a checkpoint needs beside the state dict. Plain JSON. */
  extraState(): QuantizationState {
    const quantizers = Array.from(this.#quantizers, ([id, q]) => [id, q.state()] as const);
    return { phase: this.#phase, batchNorm: this.batchNorm, quantizers };
  }

  /**
   * Throws FormatError for what no `extraState()` gave, QuantizationError when the state is of another network, and then has
   * changed nothing; FormatError when an observer's is broken.
   */
  loadExtraState(state: QuantizationState): void {
    const { phase, batchNorm, quantizers } = Object(state) as QuantizationState;
    if (
      !Array.isArray(quantizers) ||
      !quantizers.every((pair): boolean => Array.isArray(pair)) ||
      !PHASES.includes(phase) ||
      !['live', 'frozen'].includes(batchNorm)
    )
      throw new FormatError(`state: phase ${phase}, batchNorm ${batchNorm}; load what extraState() gave`);
    const states = new Map<string, object | null>(quantizers);
    for (const id of [...states.keys(), ...this.#quantizers.keys()])
      if (!states.has(id) || !this.#quantizers.has(id))
        throw new QuantizationError(
          `state: only one of both has a quantizer of ${id}; prepare the network that was saved`,
        );
    for (const [id, saved] of states) this.#quantizers.get(id)!.load(saved);
    this.phase = phase;
    this.batchNorm = batchNorm;
  }

  /** What quantizers train: scales, zero points, bounds. They want a learning rate of their own and no weight decay. */
  quantizerParameters(): Tensor[] {
    return this.quantizerGroups(1).flatMap(({ params }) => params);
  }

  /**
   * The same as groups of an optimizer of Adam's kind, beside one of the weights, without weight decay: scales with a tenth of the
   * rate of the weights, bounds with three times that rate.
   *
   * @param lr learning rate of the weights
   */
  quantizerGroups(lr: number): { params: Tensor[]; lr: number; weightDecay: number }[] {
    const groups = new Map<number, Tensor[]>();
    for (const { rate, tensors } of new Set(this.#quantizers.values())) {
      const trained = Object.values(tensors).filter((tensor) => tensor.requiresGrad);
      if (trained.length > 0) groups.set(rate, [...(groups.get(rate) ?? []), ...trained]);
    }
    return Array.from(groups, ([rate, params]) => ({ params, lr: rate * lr, weightDecay: 0 }));
  }

  /** The quantizer of a value or weight; null where it stays in float. Shared values share one. */
  quantizer(id: string): Quantizer | null {
    const root = quantizerOf(this.specs, id);
    return root === null ? null : (this.#quantizers.get(root) ?? null);
  }

  /** The current qparams of a value; null where it stays in float. */
  valueQParams(id: ValueId): QParams | null {
    return this.quantizer(id)?.qparams() ?? null;
  }

  /** Throws QuantizationError where the phase is 'calibrate' and gradients are wanted. */
  override enter(id: ValueId, x: Tensor): Tensor {
    switch (this.#phase) {
      case 'off':
        return x;
      case 'calibrate':
        this.#requireNoTraining();
        this.#observed(id)?.observe(x.value);
        return x;
      default:
        return this.#fakeQuantize(id, x);
    }
  }

  /** Throws QuantizationError where the phase is 'calibrate' and gradients are wanted. */
  override runNode(node: Node, xs: readonly Tensor[]): Tensor {
    switch (this.#phase) {
      case 'off':
        return super.runNode(node, xs);
      case 'calibrate':
        this.#requireNoTraining();
        return noGrad(() => this.#observeFloat(node, xs));
      default:
        return isLayer(node) ? this.#layer(node, xs[0]) : this.#integerOp(node, xs);
    }
  }

  #requireNoTraining(): void {
    if (this.training && isGradEnabled())
      throw new QuantizationError(
        "phase: 'calibrate' observes and does not train; call eval(), or set the phase to 'train'",
      );
  }

  #observeFloat(node: Node, xs: readonly Tensor[]): Tensor {
    if (isLayer(node)) this.quantizer(node.weight)!.observe(foldedWeights(node, this).weight.value);
    const y = executeNode(node, xs, this, false);
    this.#observed(node.id)?.observe(y.value);
    return y;
  }

  /** The quantizer that this very value feeds; null for shared and float values. */
  #observed(id: string): Quantizer | null {
    return this.#quantizers.get(id) ?? null;
  }

  get #observing(): boolean {
    return this.#phase === 'train' && this.training;
  }

  #fakeQuantize(id: ValueId, x: Tensor): Tensor {
    const quantizer = this.quantizer(id);
    if (quantizer === null) return x;
    if (this.#observing) this.#observed(id)?.observe(x.value);
    return quantizer.fakeQuantize(x);
  }

  #layer(node: LayerNode, x: Tensor): Tensor {
    const input = this.valueQParams(node.inputs[0]);
    const output = this.quantizer(node.id);
    const live = node.batchNorm !== null && this.training && this.batchNorm === 'live';
    if (live) return this.#layerWithLiveBatchNorm(node, x);
    if (input === null || output === null || this.config.bias === 'float')
      return this.#simulatedLayer(node, x);
    const folded = foldedWeights(node, this);
    this.#observeWeight(node, folded.weight);
    const { weight, bias, weightQParams } = this.#withScales(node, folded);
    let exact: NDArray | null = null;
    const y = quantizedLayer(x, weight, bias, {
      conv: node.op === 'conv2d' ? node : null,
      input,
      weight: weightQParams,
      activation: node.activation,
      output: (real) => {
        if (this.#observing) output.observe(real());
        const qparams = output.qparams();
        return {
          qparams,
          requantization: layerRequantization(
            this.config.numerics,
            input.scale[0],
            weightQParams.scale,
            qparams,
            node.activation,
          ),
        };
      },
      ...(output.trained && isGradEnabled() ? { exact: (values: NDArray) => void (exact = values) } : {}),
    });
    return exact === null ? y : replaced(output.fakeQuantize(y), exact);
  }

  /** Folded weights with the scales that the integers will have. Nothing is observed. */
  resolveLayer(node: LayerNode): ResolvedLayer {
    return this.#withScales(node, foldedWeights(node, this));
  }

  #withScales(node: LayerNode, { weight: folded, bias }: LayerWeights): ResolvedLayer {
    const quantizer = this.quantizer(node.weight)!;
    const weight = quantizer.trained ? quantizer.fakeQuantize(folded) : folded;
    const observed = quantizer.qparams();
    const input = this.valueQParams(node.inputs[0]);
    const weightQParams =
      input === null
        ? observed
        : leaveRoomForBias(node.id, weight.value, bias?.value ?? null, observed, input);
    return { weight, bias, weightQParams };
  }

  #observeWeight(node: LayerNode, weight: Tensor): Quantizer {
    const quantizer = this.quantizer(node.weight)!;
    if (this.#observing) quantizer.observe(weight.value);
    return quantizer;
  }

  /** Float arithmetic on fake-quantized values: for inputs left in float, and for float biases. */
  #simulatedLayer(node: LayerNode, x: Tensor): Tensor {
    const { weight, bias } = foldedWeights(node, this);
    const w = this.#observeWeight(node, weight).fakeQuantize(weight);
    return this.#fakeQuantize(node.id, activate(executeLayer(node, x, w, bias), node.activation));
  }

  #layerWithLiveBatchNorm(node: LayerNode, x: Tensor): Tensor {
    const { weight, factor } = scaledWeights(node, this);
    const w = this.#observeWeight(node, weight).fakeQuantize(weight);
    // The layer is linear: dividing its weights is dividing its result, which is larger.
    let y = executeLayer(node, x, div(w, perFilter(factor, w.rank)), null);
    if (node.bias !== null) y = add(y, this.tensor(node.bias));
    y = executeBatchNorm(node.batchNorm!, y, this, true);
    return this.#fakeQuantize(node.id, activate(y, node.activation));
  }

  /** The float op on the tape, with the result of the runtime's integer kernel in its place. */
  #integerOp(node: Node, xs: readonly Tensor[]): Tensor {
    const y = executeNode(node, xs, this, false);
    if (node.op === 'constant') return this.#fakeQuantize(node.id, y);
    const inputs = node.inputs.map((id) => this.valueQParams(id));
    const moves = MOVES.has(node.op) || (node.op === 'pad' && node.value === 0);
    if (moves && inputs[0] !== null) return y;
    const quantizer = this.quantizer(node.id);
    if (quantizer === null || inputs.includes(null)) return this.#fakeQuantize(node.id, y);
    if (this.#observing) this.#observed(node.id)?.observe(y.value);
    const qparams = quantizer.qparams();
    const codes = this.#kernelCodes(node, xs, y.value, qparams);
    if (quantizer.trained && isGradEnabled())
      return replaced(quantizer.fakeQuantize(y), dequantizeArray(codes, qparams));
    return straightThrough(y, dequantizeArray(codes, qparams), insideRange(y.value, qparams));
  }

  #kernelCodes(node: Node, xs: readonly Tensor[], y: NDArray, qparams: QParams): NDArray {
    const output = NDArray.zeros(y.shape, storageOf({ id: node.id, shape: y.shape, qparams }));
    const bound = new Map([[node.id, { shape: y.shape, data: output.data, qparams }]]);
    node.inputs.forEach((id, i) => {
      const qp = this.valueQParams(id)!;
      bound.set(id, { shape: xs[i].shape, data: quantizeArray(xs[i].value, qp).data, qparams: qp });
    });
    const bindings: Bindings = {
      numerics: this.config.numerics,
      value: (id) => bound.get(id)!,
      param: (id) => this.graph.params.get(id)!,
    };
    const call = lower(node, bindings)!;
    compute(call.op, call.params as never);
    return output;
  }
}
