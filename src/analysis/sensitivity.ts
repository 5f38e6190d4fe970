/** How much each layer minds few bits: one tensor at a time is quantized, or one alone is left in float. */
import { noGrad, type Tensor } from '../autograd/index.js';
import { ArgumentError, quantRange } from '../core/index.js';
import { isLayer, type LayerNode, type Node, type ValueId } from '../graph/index.js';
import type { Graph } from '../graph/index.js';
import { fakeQuantize, tidy } from '../ops/index.js';
import type { QuantizedModule } from '../quant/index.js';
import { calibrate, prepare, ptqConfig, withBits, type QConfig } from '../quant/index.js';
import { localInputs } from '../quant/inputs.js';
import { foldedWeights } from '../quant/layer.js';
import { activate, executeLayer, GraphModule } from '../trace/index.js';
import { partsOf, QualityMeter, type LabelledInputs, type Quality } from './quality.js';
import { dependents, rerun } from './rerun.js';
import { VariedModule } from './varied.js';

export interface SensitivityOptions {
  /** Observers, granularity and numerics; its bits are replaced. Default: `ptqConfig()`. */
  readonly config?: QConfig;
  /** Default 2 to 8. */
  readonly widths?: readonly number[];
  readonly kinds?: readonly Sensitivity['kind'][];
  /** 'only' (default): the tensor is quantized, the rest is float. 'except': it is float, the rest has the width. */
  readonly mode?: 'only' | 'except';
}

export interface Sensitivity extends Quality {
  /** A layer for its weights; a layer, an input or another node for what it gives. */
  readonly id: ValueId;
  readonly kind: 'weights' | 'activations';
  readonly bits: number;
  /** Numbers of the tensor: weights, or values of one image. */
  readonly elements: number;
  /** Energy of the error at the outputs over that of the outputs: 10^(-SQNR / 10). */
  readonly loss: number;
}

/** One tensor, and the network that is run where it is changed. */
interface Candidate {
  readonly id: ValueId;
  readonly kind: Sensitivity['kind'];
  readonly bits: number;
  readonly elements: number;
  readonly network: GraphModule;
  readonly after: readonly Node[];
  /** The value `id` with the tensor changed, from a run of the base. */
  change(values: ReadonlyMap<ValueId, Tensor>, inputs: ReadonlyMap<ValueId, Tensor>): Tensor;
  readonly meter: QualityMeter;
}

/** A network that runs in full on each batch, and the candidates that start from its values. */
interface Base {
  readonly network: GraphModule;
  readonly candidates: readonly Candidate[];
}

/**
 * Quantizes the weights of each layer, and each activation, at each width, the others in float; or with mode 'except' leaves each in
 * float and quantizes the others. The network runs in full once for each batch (once for each width with 'except'), and for
 * each tensor only what depends on it.
 *
 * @param graph float
 * @param data typical inputs, which also set the ranges; with labels the accuracy is measured
 * @throws ArgumentError for no batch and unknown options; what `prepare` and `calibrate` throw
 */
export function sensitivity(
  graph: Graph,
  data: Iterable<LabelledInputs>,
  options: SensitivityOptions = {},
): Sensitivity[] {
  const { config = ptqConfig(), widths = [2, 3, 4, 5, 6, 7, 8], mode = 'only' } = options;
  const { kinds = ['weights', 'activations'] } = options;
  if (mode !== 'only' && mode !== 'except')
    throw new ArgumentError(`mode: ${String(mode)} is unknown; use 'only' or 'except'`);
  for (const bits of widths) quantRange(bits, { name: 'widths' });
  for (const kind of kinds)
    if (kind !== 'weights' && kind !== 'activations')
      throw new ArgumentError(`kinds: ${String(kind)} is unknown; use 'weights' and 'activations'`);
  const batches = Array.from(data, partsOf);
  if (batches.length === 0) throw new ArgumentError('data: there is no batch; give at least one');
  const modules = widths.map((bits) => {
    const at = withBits(config, { weightBits: bits, activationBits: bits });
    return {
      bits,
      module: calibrate(
        prepare(graph, at),
        batches.map(({ inputs }) => inputs),
      ),
    };
  });
  if (modules.length === 0) throw new ArgumentError('widths: there is none; give some of 2 to 8');
  const float = new GraphModule(modules[0].module.graph).eval();
  return noGrad(() => {
    const bases: Base[] =
      mode === 'only'
        ? [{ network: float, candidates: modules.flatMap((m) => candidates(m, float, kinds, only)) }]
        : modules.map((m) => ({ network: m.module, candidates: candidates(m, float, kinds, except) }));
    for (const { inputs, targets } of batches)
      tidy(() => {
        const named = localInputs(float.graph, inputs);
        const values = float.runAll(named);
        const reference = float.graph.outputs.map((id) => values.get(id)!);
        for (const { network, candidates } of bases) {
          const base = network === float ? values : network.runAll(named);
          for (const { id, network: runs, after, change, meter } of candidates)
            tidy(() => void meter.add(reference, rerun(runs, base, id, change(base, named), after), targets));
        }
      });
    return bases.flatMap(({ candidates }) => candidates.map(resultOf));
  });
}

function resultOf({ id, kind, bits, elements, meter }: Candidate): Sensitivity {
  const { quality } = meter;
  return { id, kind, bits, elements, loss: 10 ** (-quality.sqnr / 10), ...quality };
}

type Changes = Pick<Candidate, 'network' | 'change'>;

/** What is run with one tensor changed. */
interface Mode {
  weights(module: QuantizedModule, float: GraphModule, node: LayerNode): Changes;
  activation(module: QuantizedModule, float: GraphModule, id: ValueId, node: Node | null): Changes;
}

function candidates(
  { bits, module }: { readonly bits: number; readonly module: QuantizedModule },
  float: GraphModule,
  kinds: readonly Sensitivity['kind'][],
  mode: Mode,
): Candidate[] {
  const { graph, specs } = module;
  const sizeOf = (id: ValueId): number => graph.values.get(id)!.shape.reduce((a, b) => a * b, 1);
  const common = (id: ValueId) => ({
    id,
    bits,
    after: dependents(graph, id),
    meter: new QualityMeter(graph),
  });
  const quantized = (id: ValueId): boolean => ['observed', 'fixed'].includes(specs.get(id)?.kind ?? '');
  const of: { [K in Sensitivity['kind']]: () => Candidate[] } = {
    weights: () =>
      graph.nodes.filter(isLayer).map((node) => ({
        ...common(node.id),
        kind: 'weights',
        elements: graph.params.get(node.weight)!.array.size,
        ...mode.weights(module, float, node),
      })),
    activations: () =>
      [
        ...graph.inputs.map((id) => ({ id, node: null })),
        ...graph.nodes.map((node) => ({ id: node.id, node })),
      ]
        .filter(({ id }) => quantized(id))
        .map(({ id, node }) => ({
          ...common(id),
          kind: 'activations',
          elements: sizeOf(id),
          ...mode.activation(module, float, id, node),
        })),
  };
  return kinds.flatMap((kind) => of[kind]());
}

const only: Mode = {
  weights(module, network, node) {
    const { weight, bias, weightQParams } = module.resolveLayer(node);
    const rounded = fakeQuantize(weight, weightQParams);
    return {
      network,
      change: (values) =>
        activate(executeLayer(node, values.get(node.inputs[0])!, rounded, bias), node.activation),
    };
  },
  activation(module, network, id) {
    const qparams = module.valueQParams(id)!;
    return { network, change: (values) => fakeQuantize(values.get(id)!, qparams) };
  },
};

const except: Mode = {
  weights(module, float, node) {
    const { weight, bias } = foldedWeights(node, float);
    const output = module.valueQParams(node.id)!;
    return {
      network: module,
      change(values) {
        const y = activate(executeLayer(node, values.get(node.inputs[0])!, weight, bias), node.activation);
        return fakeQuantize(y, output);
      },
    };
  },
  activation(module, _, id, node) {
    const loose = new VariedModule(module, new Map([[id, null]]));
    return {
      network: loose,
      change: (values, inputs) =>
        node === null
          ? inputs.get(id)!
          : loose.runNode(
              node,
              node.inputs.map((input) => values.get(input)!),
            ),
    };
  },
};
