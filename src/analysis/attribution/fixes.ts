/** What may help: other qparams for one value or weight, and methods that change the whole network. */
import { sameQParams, type QParams } from '../../core/index.js';
import { isLayer, type Graph, type Node, type ValueId } from '../../graph/index.js';
import {
  calibrate,
  minMax,
  mse,
  percentile,
  prepare,
  QuantizedModule,
  withBits,
  type GraphInputs,
  type QConfig,
} from '../../quant/index.js';
import {
  adaround,
  addBiases,
  correctBias,
  equalize,
  type AdaRoundOptions,
} from '../../quant/methods/index.js';
import { cloneParams } from '../../trace/index.js';

/** Other qparams for one layer. */
export interface LocalFix {
  readonly name: string;
  readonly changes: ReadonlyMap<string, QParams>;
}

const OBSERVERS = { 'min-max': minMax, percentile, 'least squared error': mse } as const;

/** What other configs would choose for each layer; the module stays as it is. */
export function localFixes(
  module: QuantizedModule,
  batches: readonly GraphInputs[],
): (id: ValueId, node: Node | null) => LocalFix[] {
  const { config, graph, specs } = module;
  const plain: QConfig = {
    ...config,
    weights: { ...config.weights, quantizer: null },
    activations: { ...config.activations, quantizer: null },
  };
  const other = (change: QConfig): QuantizedModule => calibrate(new QuantizedModule(graph, change), batches);
  const observers = Object.entries(OBSERVERS).map(([name, observer]) => {
    const activations = { ...plain.activations, observer: observer() };
    return {
      name,
      module: other({ ...plain, activations, weights: { ...plain.weights, observer: observer() } }),
    };
  });
  const perChannel = other({
    ...plain,
    weights: { ...plain.weights, granularity: 'per-channel', linearGranularity: 'per-channel' },
  });
  const eight = other(withBits(plain, { weightBits: 8, activationBits: 8 }));
  return (id, node) => {
    const fixes: LocalFix[] = [];
    const add = (name: string, key: string, qparams: QParams | null, now: QParams | null): void => {
      if (qparams !== null && now !== null && !sameQParams(qparams, now))
        fixes.push({ name, changes: new Map([[key, qparams]]) });
    };
    const spec = specs.get(id);
    // what a concatenation joins on one scale has one
    if (spec?.kind === 'observed' && spec.group === undefined) {
      const now = module.valueQParams(id);
      for (const { name, module: m } of observers) add(`range: ${name}`, id, m.valueQParams(id), now);
      add('activation of 8 bits', id, eight.valueQParams(id), now);
    }
    if (node !== null && isLayer(node)) {
      const now = module.quantizer(node.weight)!.qparams();
      const weights = (m: QuantizedModule): QParams => m.quantizer(node.weight)!.qparams();
      for (const { name, module: m } of observers) add(`weight range: ${name}`, node.weight, weights(m), now);
      add('per-channel weights', node.weight, weights(perChannel), now);
      add('weights of 8 bits', node.weight, weights(eight), now);
    }
    return fixes;
  };
}

export interface NetworkFixOptions {
  /** False leaves it out, which takes most of the time. Default: 200 iterations for each layer. */
  readonly adaround?: AdaRoundOptions | false;
}

/**
 * Methods that change the whole network. Those that keep the ranges start from the module as it is; the others are calibrated anew, and
 * stand beside a calibration without them.
 */
export function networkFixes(
  module: QuantizedModule,
  batches: readonly GraphInputs[],
  { adaround: rounding = {} }: NetworkFixOptions,
): { readonly name: string; make(): QuantizedModule }[] {
  const { config, graph } = module;
  const anew = (source: Graph, change: Partial<QConfig['weights']> = {}): QuantizedModule =>
    calibrate(prepare(source, { ...config, weights: { ...config.weights, ...change } }), batches);
  const perChannel = { granularity: 'per-channel', linearGranularity: 'per-channel' } as const;
  const { granularity, linearGranularity } = config.weights;
  const isPerChannel = granularity === 'per-channel' && linearGranularity === 'per-channel';
  const hasRelu6 = graph.nodes.some((node) => isLayer(node) && node.activation === 'relu6');
  return [
    { name: 'calibration on this data', make: () => anew(graph) },
    ...(isPerChannel ? [] : [{ name: 'per-channel weights', make: () => anew(graph, perChannel) }]),
    { name: 'equalization', make: () => anew(equalize(graph)) },
    ...(hasRelu6
      ? [{ name: 'equalization, ReLU6 as ReLU', make: () => anew(equalize(graph, { relu6: 'replace' })) }]
      : []),
    { name: 'bias correction', make: () => correctBias(copyOf(module, addBiases(graph)), batches) },
    ...(rounding === false
      ? []
      : [
          {
            name: 'AdaRound',
            make: () => adaround(copyOf(module, graph), batches, { iterations: 200, ...rounding }),
          },
        ]),
  ];
}

/** The same network with parameters of its own, at the ranges that it has. */
function copyOf(module: QuantizedModule, graph: Graph): QuantizedModule {
  const copy = new QuantizedModule(cloneParams(graph), module.config);
  copy.loadStateDict(new Map([...copy.stateDict(), ...module.stateDict()]));
  const { quantizers, batchNorm } = module.extraState();
  for (const [id] of quantizers) {
    const [to, from] = [copy, module].map((m) => m.quantizer(id)!);
    if (!from.trained) to.fix(from.qparams());
  }
  copy.loadExtraState({ phase: 'frozen', batchNorm, quantizers });
  return copy.eval();
}
