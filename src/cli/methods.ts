/** The options that choose methods of the laboratory. */
import { sensitivity } from '../analysis/index.js';
import { QuantizationError } from '../core/index.js';
import { fuseLayers, isLayer, type Graph } from '../graph/index.js';
import {
  dorefa,
  lsq,
  lsqPlus,
  pact,
  type GraphInputs,
  type LayerBits,
  type QConfig,
  type QuantizedModule,
} from '../quant/index.js';
import {
  adaround,
  addBiases,
  correctBias,
  equalize,
  mixedPrecision,
  reestimateBatchNorm,
} from '../quant/methods/index.js';
import { UsageError, type Io, type OptionTable, type OptionValues } from './command.js';
import { didYouMean } from './suggest.js';
import { counted } from './text.js';

const WEIGHT_QUANTIZERS = { lsq, dorefa } as const;
const ACTIVATION_QUANTIZERS = { lsq, 'lsq+': lsqPlus, pact } as const;

const namesOf = <T extends object>(table: T): (keyof T)[] => Object.keys(table) as (keyof T)[];

/** What qat trains beside the weights. */
export const quantizerOptions = {
  weightQuantizer: {
    kind: 'choice',
    choices: namesOf(WEIGHT_QUANTIZERS),
    help: 'what qat trains beside the weights (default: nothing, their range is the scale)',
  },
  activationQuantizer: {
    kind: 'choice',
    choices: namesOf(ACTIVATION_QUANTIZERS),
    help: 'what qat trains between layers (default: nothing, ranges are observed)',
  },
} as const satisfies OptionTable;

export type Quantizers = OptionValues<typeof quantizerOptions>;

export const methodOptions = {
  layerBits: {
    kind: 'text',
    placeholder: 'LIST',
    help: 'bits of single layers: input=8,classifier.1=8, or w4a8: weights, output',
  },
  weightBudget: {
    kind: 'integer',
    min: 1,
    placeholder: 'BYTES',
    help: 'of the weights in the file: 8 bits where they matter most, 4 elsewhere',
  },
  equalize: { kind: 'flag', help: 'first, equal ranges for the channels between layers' },
  adaround: { kind: 'flag', help: 'learn which way each weight is rounded, in ptq' },
  reestimateBatchNorm: {
    kind: 'flag',
    help: 'at the end, the statistics that the quantized layers have, in ptq',
  },
  correctBias: { kind: 'flag', help: 'at the end, take mean errors out of the biases, in ptq' },
} as const satisfies OptionTable;

export type Methods = OptionValues<typeof methodOptions> & Partial<Quantizers>;

/** Throws UsageError for methods that do not go together. */
export function checkMethods(methods: Methods, method: 'ptq' | 'qat'): void {
  const only = (wanted: 'ptq' | 'qat', word: string, given: unknown): void => {
    if (given !== undefined && given !== false && method !== wanted)
      throw new UsageError(`--${word} is for --method ${wanted}`);
  };
  only('qat', 'weight-quantizer', methods.weightQuantizer);
  only('qat', 'activation-quantizer', methods.activationQuantizer);
  only('ptq', 'adaround', methods.adaround);
  only('ptq', 'correct-bias', methods.correctBias);
  // qat ends with frozen batch norm: weights have settled on the statistics that there are
  only('ptq', 'reestimate-batch-norm', methods.reestimateBatchNorm);
  if (methods.equalize && methods.reestimateBatchNorm)
    throw new UsageError(
      '--equalize folds batch norm away, and --reestimate-batch-norm needs it; choose one',
    );
}

/** The part of a config that the options ask for. */
export function quantizerConfig({ weightQuantizer, activationQuantizer }: Partial<Quantizers>) {
  return {
    ...(weightQuantizer && { weightQuantizer: WEIGHT_QUANTIZERS[weightQuantizer]() }),
    ...(activationQuantizer && { activationQuantizer: ACTIVATION_QUANTIZERS[activationQuantizer]() }),
  };
}

/** The same with bits of single layers. */
export function methodConfig({ layerBits, ...quantizers }: Methods, graph: Graph) {
  return {
    ...quantizerConfig(quantizers),
    ...(layerBits !== undefined && { layers: parseLayerBits(layerBits, graph) }),
  };
}

const BITS = /^(?:w([2-8]))?(?:a([2-8]))?$/;

/** `NAME=8` is both where the layer has weights. */
function parseLayerBits(list: string, graph: Graph): Record<string, LayerBits> {
  const fused = fuseLayers(graph);
  const layers = new Set(fused.nodes.filter(isLayer).map(({ id }) => id));
  const entry = (part: string): [string, LayerBits] => {
    const at = part.lastIndexOf('=');
    const [name, text] = [part.slice(0, at), part.slice(at + 1)];
    const both = /^[2-8]$/.test(text) ? (layers.has(name) ? `w${text}a${text}` : `a${text}`) : text;
    const bits = BITS.exec(both);
    if (at < 1 || text === '' || bits === null)
      throw new UsageError(`--layer-bits: '${part}' must be NAME=BITS, with 2 to 8 bits, or as w4a8`);
    if (!fused.values.has(name)) {
      const names = [...fused.values.keys()];
      const hint = didYouMean(name, names) || `; there are ${names.join(', ')}`;
      throw new QuantizationError(`--layer-bits: '${name}' is not in the model${hint}`);
    }
    const [, weightBits, activationBits] = bits;
    return [
      name,
      {
        ...(weightBits && { weightBits: Number(weightBits) }),
        ...(activationBits && { activationBits: Number(activationBits) }),
      },
    ];
  };
  return Object.fromEntries(list.split(',').map((part) => entry(part.trim())));
}

/** Before the network is prepared. */
export function improveGraph(graph: Graph, { equalize: equal, correctBias: correct }: Methods): Graph {
  const source = equal ? equalize(graph) : graph;
  return correct ? addBiases(source) : source;
}

/** The config with bits of weights that keep to `--weight-budget`; bits that `--layer-bits` gives stay. */
export function withinBudget(
  graph: Graph,
  batches: readonly GraphInputs[],
  config: QConfig,
  { weightBudget }: Methods,
  io: Io,
): QConfig {
  if (weightBudget === undefined) return config;
  io.stderr('measuring what each layer loses');
  const given = Object.values(config.layers).flatMap((layer) => layer.weightBits ?? []);
  // others than 4 and 8 save no byte
  const widths = [...new Set([4, 8, ...given])];
  const losses = sensitivity(graph, batches, { config, widths, kinds: ['weights'] });
  const free = losses.filter(({ id, bits }) => (config.layers[id]?.weightBits ?? bits) === bits);
  const { layers, cost } = mixedPrecision(graph, free, { budget: weightBudget });
  const bits = Object.entries(layers).map(([id, { weightBits }]) => `${id} ${weightBits}`);
  io.stderr(`bits of weights: ${bits.join(', ')}; ${counted(cost, 'byte')}`);
  const merged = Object.entries(layers).map(([id, chosen]) => [id, { ...config.layers[id], ...chosen }]);
  return { ...config, layers: { ...config.layers, ...Object.fromEntries(merged) } };
}

/** After it is calibrated, and for qat trained. `batches` are those of the calibration. */
export function improveModule(
  module: QuantizedModule,
  batches: readonly GraphInputs[],
  { seed, ...methods }: Methods & { readonly seed: number },
  io: Io,
): void {
  if (methods.adaround) {
    io.stderr('learning how to round');
    adaround(module, batches, {
      seed,
      onLayer({ id, nearest, learned }) {
        io.stderr(`  ${id}: mean squared error ${nearest.toPrecision(3)} -> ${learned.toPrecision(3)}`);
      },
    });
  }
  if (methods.reestimateBatchNorm) reestimateBatchNorm(module, batches);
  if (methods.correctBias) correctBias(module, batches);
}

/** For a program. */
export function methodsData(methods: Methods): object {
  return Object.fromEntries(
    namesOf({ ...quantizerOptions, ...methodOptions }).map((key) => [
      key.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`),
      methods[key] ?? null,
    ]),
  );
}
