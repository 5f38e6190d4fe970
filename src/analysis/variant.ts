/** Networks of any kind (float, fake-quantized, integer) as one: a list of values, and a way to compute them on a batch. */
import { noGrad, Tensor } from '../autograd/index.js';
import type { OpenedModel } from '../contract/index.js';
import { ArgumentError, type NDArray, type QParams, type Shape } from '../core/index.js';
import { fuseLayers, isInteger, isLayer, type Graph, type Node, type ValueId } from '../graph/index.js';
import { dequantizeArray, quantizeArray } from '../ops/index.js';
import { QuantizedModule, type GraphInputs } from '../quant/index.js';
import { namedInputs } from '../quant/inputs.js';
import { foldedWeights } from '../quant/layer.js';
import { Session } from '../runtime/index.js';
import { GraphModule } from '../trace/index.js';

/**
 * A float network, a module with fake quantization (calibrated; it runs in eval mode with phase 'frozen'), an integer graph, or
 * what `openModel` read.
 */
export type Variant = Graph | GraphModule | Pick<OpenedModel, 'graph' | 'kind'>;

/** Numbers of a network with the codes that stand for them; of float ones there are none. */
export interface Coded {
  readonly real: NDArray;
  readonly codes: NDArray | null;
}

export interface VariantValue {
  readonly id: ValueId;
  readonly op: Node['op'] | 'input';
  /** With a batch of 1. */
  readonly shape: Shape;
  /** The values that it is made from, by the names of this list. */
  readonly inputs: readonly ValueId[];
  readonly qparams: QParams | null;
  readonly weight: (Coded & { readonly id: string; readonly qparams: QParams | null }) | null;
}

/** A variant that runs. */
export interface Network {
  readonly graph: Graph;
  /** Inputs, then nodes in their order, without constants; quantize and dequantize nodes are no values of their own. */
  readonly values: readonly VariantValue[];
  /** Computes all values of a batch; what it gives is valid until the next call. Call it within `tidy`. */
  run(inputs: ReadonlyMap<ValueId, NDArray>): (id: ValueId) => Coded;
  /** Frees what the runtime holds. */
  dispose(): void;
}

/** Throws QuantizationError for a module that was not calibrated. */
export function openVariant(variant: Variant): Network {
  if (variant instanceof QuantizedModule) return ofModule(variant);
  if (variant instanceof GraphModule) return ofFloat(variant.graph);
  const { graph, kind } =
    'graph' in variant
      ? variant
      : ({ graph: variant, kind: isInteger(variant) ? 'integer' : 'float' } as const);
  if (kind === 'float') return ofFloat(graph);
  return ofGraph(graph, kind === 'fake-quantized' ? throughOps(graph) : throughSession(graph));
}

/** The network that a module quantizes. */
export function floatOf(module: QuantizedModule): Network {
  return inFloat(module);
}

/** Batches for a network, by its own names: those of another one count by their order. */
export function inputsFor({ graph }: Network, other: Graph, batch: GraphInputs): Map<ValueId, NDArray> {
  const given = namedInputs(other, batch);
  const names = graph.inputs.every((id) => given.has(id)) ? graph.inputs : other.inputs;
  return new Map(
    graph.inputs.map((id, i) => {
      const x = given.get(names[i]);
      if (x === undefined)
        throw new ArgumentError(
          `batches: nothing is given for input ${id}; the networks take ${graph.inputs.join(', ')} and ${other.inputs.join(', ')}`,
        );
      return [id, x.value];
    }),
  );
}

/** Of arrays by name. */
export function toTensors(inputs: ReadonlyMap<ValueId, NDArray>): Map<ValueId, Tensor> {
  return new Map(Array.from(inputs, ([id, array]) => [id, new Tensor(array)]));
}

/** Fused, so that its values are those of the network quantized. */
function ofFloat(graph: Graph): Network {
  return inFloat(new GraphModule(fuseLayers(graph)));
}

function inFloat(module: GraphModule): Network {
  const { graph } = module;
  const weightOf = (node: Node): VariantValue['weight'] =>
    isLayer(node)
      ? { id: node.weight, real: foldedWeights(node, module).weight.value, codes: null, qparams: null }
      : null;
  return {
    graph,
    values: noGrad(() => listValues(graph, () => null, weightOf)),
    run(inputs) {
      const values = inPhase(module, 'off', () => module.runAll(toTensors(inputs)));
      return (id) => ({ real: values.get(id)!.value, codes: null });
    },
    dispose: () => undefined,
  };
}

function ofModule(module: QuantizedModule): Network {
  module.requireCalibrated();
  const { graph } = module;
  const qparamsOf = (id: ValueId): QParams | null => module.valueQParams(id);
  const weightOf = (node: Node): VariantValue['weight'] => {
    if (!isLayer(node)) return null;
    const { weight, weightQParams: qparams } = module.resolveLayer(node);
    const codes = quantizeArray(weight.value, qparams);
    return { id: node.weight, real: dequantizeArray(codes, qparams), codes, qparams };
  };
  return {
    graph,
    values: inPhase(module, 'frozen', () => listValues(graph, qparamsOf, weightOf)),
    run(inputs) {
      const values = inPhase(module, 'frozen', () => module.runAll(toTensors(inputs)));
      return (id) => {
        const real = values.get(id)!.value;
        const qparams = qparamsOf(id);
        return { real, codes: qparams && quantizeArray(real, qparams) };
      };
    },
    dispose: () => undefined,
  };
}

/** Runs `f` without gradients, in eval mode, and puts the module back. */
function inPhase<T>(module: GraphModule, phase: 'off' | 'frozen', f: () => T): T {
  const { training } = module;
  const before = module instanceof QuantizedModule ? module.phase : null;
  try {
    module.eval();
    if (module instanceof QuantizedModule) module.phase = phase;
    return noGrad(f);
  } finally {
    module.train(training);
    if (before !== null) (module as QuantizedModule).phase = before;
  }
}

interface Runner {
  run(inputs: ReadonlyMap<ValueId, NDArray>): (id: ValueId) => NDArray;
  dispose(): void;
}

function throughOps(graph: Graph): Runner {
  const module = new GraphModule(graph).eval();
  return {
    run(inputs) {
      const values = noGrad(() => module.runAll(toTensors(inputs)));
      return (id) => values.get(id)!.value;
    },
    dispose: () => undefined,
  };
}

function throughSession(graph: Graph): Runner {
  let session: Session | null = null;
  return {
    run(inputs) {
      const batch = graph.batch === 'fixed' ? 1 : ([...inputs.values()][0]?.shape[0] ?? 1);
      if (session?.batch !== batch) {
        session?.dispose();
        session = new Session(graph, { batch, keep: true });
      }
      const current = session;
      const coded = Array.from(inputs, ([id, x]): [ValueId, NDArray] => {
        const { qparams } = graph.values.get(id)!;
        return [id, qparams === null ? x : quantizeArray(x, qparams)];
      });
      current.runAll(new Map(coded));
      return (id) => current.tensor(id);
    },
    dispose: () => session?.dispose(),
  };
}

/** A graph with codes; a float value that is quantized stands for its codes. */
function ofGraph(graph: Graph, runner: Runner): Network {
  const coded = new Map<ValueId, ValueId>();
  const source = new Map<ValueId, ValueId>();
  for (const { op, id, inputs } of graph.nodes) {
    if (op !== 'quantize' && op !== 'dequantize') continue;
    source.set(id, source.get(inputs[0]) ?? inputs[0]);
    const isFloat = graph.values.get(inputs[0])!.qparams === null;
    if (op === 'quantize' && isFloat && !coded.has(inputs[0])) coded.set(inputs[0], id);
  }
  const qparamsOf = (id: ValueId): QParams | null => graph.values.get(coded.get(id) ?? id)!.qparams;
  const weightOf = (node: Node): VariantValue['weight'] => {
    if (!isLayer(node)) return null;
    const { id, array, qparams } = graph.params.get(node.weight)!;
    return qparams === null
      ? { id, real: array, codes: null, qparams }
      : { id, real: dequantizeArray(array, qparams), codes: array, qparams };
  };
  return {
    graph,
    values: listValues(graph, qparamsOf, weightOf, source),
    run(inputs) {
      const value = runner.run(inputs);
      return (id) => {
        const array = value(coded.get(id) ?? id);
        const qparams = qparamsOf(id);
        if (qparams === null) return { real: array, codes: null };
        return array.dtype === 'float32'
          ? { real: array, codes: quantizeArray(array, qparams) }
          : { real: dequantizeArray(array, qparams), codes: array };
      };
    },
    dispose: () => runner.dispose(),
  };
}

function listValues(
  graph: Graph,
  qparamsOf: (id: ValueId) => QParams | null,
  weightOf: (node: Node) => VariantValue['weight'],
  source: ReadonlyMap<ValueId, ValueId> = new Map(),
): VariantValue[] {
  const value = (
    id: ValueId,
    op: VariantValue['op'],
    inputs: readonly ValueId[],
    weight: VariantValue['weight'],
  ): VariantValue => ({
    id,
    op,
    shape: graph.values.get(id)!.shape,
    inputs,
    qparams: qparamsOf(id),
    weight,
  });
  const constants = new Set(graph.nodes.filter(({ op }) => op === 'constant').map(({ id }) => id));
  const hidden = (node: Node): boolean => constants.has(node.id) || source.has(node.id);
  return [
    ...graph.inputs.map((id) => value(id, 'input', [], null)),
    ...graph.nodes
      .filter((node) => !hidden(node))
      .map((node) => {
        const reads = node.inputs.filter((id) => !constants.has(id)).map((id) => source.get(id) ?? id);
        return value(node.id, node.op, reads, weightOf(node));
      }),
  ];
}
