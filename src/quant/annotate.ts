/** Chooses a QSpec for every value of a graph. */
import {
  checkQParams,
  perTensor,
  qdtypeOf,
  QuantizationError,
  quantRange,
  type QParams,
  type QRange,
} from '../core/index.js';
import { shown } from '../core/text.js';
import { isLayer, type Graph, type Node, type ValueId } from '../graph/index.js';
import type { LayerBits, QConfig } from './qconfig.js';
import { symmetricZeroPoint } from './qparams.js';
import type { QSpec } from './qspec.js';

/** Outputs in [0, 1] (softmax, sigmoid): scale 1 / 2^bits, the lowest code is 0 (TFLite's rule). */
function unitInterval(range: QRange): QParams {
  return perTensor(1 / (range.quantMax - range.quantMin + 1), range.quantMin, range);
}

/** Outputs in [-1, 1] (tanh): scale 2 / 2^bits, the middle code is 0 (TFLite's rule). */
function symmetricUnit(range: QRange): QParams {
  const steps = range.quantMax - range.quantMin + 1;
  return perTensor(2 / steps, range.quantMin + steps / 2, range);
}

type Observed = Extract<QSpec, { kind: 'observed' }>;

function specOf(node: Node, observed: Observed): QSpec {
  const { range, symmetric } = observed;
  const unit = symmetric ? symmetricUnit : unitInterval;
  switch (node.op) {
    case 'maxPool2d':
    case 'avgPool2d':
    case 'reshape':
    case 'transpose':
    case 'slice':
    case 'gather':
    case 'pad':
    case 'resize':
      return { kind: 'shared', with: node.inputs[0] };
    case 'softmax':
      return { kind: 'fixed', qparams: unit(range) };
    case 'reduce':
      return node.fn === 'max' || node.fn === 'min' ? { kind: 'shared', with: node.inputs[0] } : observed;
    case 'unary':
      if (node.fn === 'sigmoid') return { kind: 'fixed', qparams: unit(range) };
      if (node.fn === 'tanh') return { kind: 'fixed', qparams: symmetricUnit(range) };
      return observed;
    case 'div':
    case 'maximum':
    case 'minimum':
    case 'matmul':
      throw new QuantizationError(
        `node ${node.id}: ${node.op} of two values has no integer kernel; end the network before it, or use other ops`,
      );
    case 'batchNorm':
      throw new QuantizationError(
        `node ${node.id}: batch norm follows no conv or linear that it could be folded into; reorder the layers`,
      );
    case 'dynamicLinear':
    case 'quantize':
    case 'dequantize':
      throw new QuantizationError(`node ${node.id}: the graph is quantized already; prepare a float graph`);
    default:
      return observed;
  }
}

/** What integer kernels take: 8-bit codes, and weights whose zero point is 0. */
function checkConfig({ weights, activations }: QConfig): void {
  for (const [name, { range }] of Object.entries({ weights, activations }))
    if (range.quantMax - range.quantMin > 255 || qdtypeOf(range) === 'int32')
      throw new QuantizationError(
        `${name}: range [${range.quantMin}, ${range.quantMax}] does not fit 8 bits; use quantRange(2) to quantRange(8)`,
      );
  if (!weights.symmetric || symmetricZeroPoint(weights.range) !== 0)
    throw new QuantizationError(
      'weights: their zero point must be 0; set symmetric: true and a signed range, as ptqConfig does',
    );
}

/** The codes that `layers` asks for; null where it leaves them to the config. */
function bitsOf(config: QConfig, id: ValueId, key: keyof LayerBits): QRange | null {
  const bits = config.layers[id]?.[key];
  if (bits === undefined) return null;
  if (key === 'weightBits') return quantRange(bits, { narrow: true });
  return quantRange(bits, { signed: config.activations.range.quantMin < 0 });
}

/** Throws QuantizationError for names and bits that would have no effect. */
function checkLayers(graph: Graph, { layers, weightOnly }: QConfig): void {
  const byId = new Map(graph.nodes.map((node) => [node.id, node]));
  for (const [id, bits] of Object.entries(layers)) {
    const node = byId.get(id);
    if (!graph.values.has(id))
      throw new QuantizationError(
        `layers: ${id} is not a value of the graph; it has ${[...graph.values.keys()].join(', ')}`,
      );
    if (
      Object(bits) !== bits ||
      !Object.keys(bits).every((key) => ['weightBits', 'activationBits'].includes(key))
    )
      throw new QuantizationError(`layers.${id}: ${shown(bits)}; give weightBits and activationBits`);
    for (const [key, value] of Object.entries(bits))
      if (value !== undefined) quantRange(value, { name: `layers.${id}.${key}` });
    if (bits.weightBits !== undefined && (node === undefined || !isLayer(node)))
      throw new QuantizationError(
        `layers.${id}: it has no weights; give weightBits to conv and linear layers`,
      );
    if (bits.activationBits !== undefined && weightOnly)
      throw new QuantizationError(
        `layers.${id}: weightOnly leaves activations in float; leave activationBits out`,
      );
  }
}

/** Specs of values and parameters. Values named in `config.float` have none. */
export function annotate(graph: Graph, config: QConfig): Map<string, QSpec> {
  checkConfig(config);
  const { range, symmetric, observer, quantizer } = config.activations;
  const activation = (id: ValueId): Observed => ({
    kind: 'observed',
    role: 'activation',
    range: bitsOf(config, id, 'activationBits') ?? range,
    symmetric,
    observer,
    quantizer,
    axis: null,
  });
  const { weights } = config;
  const weight = {
    kind: 'observed',
    role: 'weight',
    symmetric: weights.symmetric,
    observer: weights.observer,
    quantizer: weights.quantizer,
  } as const;
  const specs = new Map<string, QSpec>();
  checkLayers(graph, config);
  if (!config.weightOnly) for (const id of graph.inputs) specs.set(id, activation(id));
  for (const node of graph.nodes) {
    if (!config.weightOnly) specs.set(node.id, specOf(node, activation(node.id)));
    if (!isLayer(node)) continue;
    const granularity = node.op === 'linear' ? weights.linearGranularity : weights.granularity;
    const range = bitsOf(config, node.id, 'weightBits') ?? weights.range;
    specs.set(node.weight, { ...weight, range, axis: granularity === 'per-channel' ? 0 : null });
    if (config.bias === 'int32' && !config.weightOnly)
      specs.set(biasId(node.id, node.bias), { kind: 'derived', from: [node.inputs[0], node.weight] });
  }
  for (const [id, { activationBits }] of Object.entries(config.layers)) {
    const spec = specs.get(id);
    if (activationBits !== undefined && spec?.kind === 'shared')
      throw new QuantizationError(
        `layers.${id}: it has the codes of ${spec.with}; give activationBits to that`,
      );
  }
  for (const id of config.float) {
    if (!graph.values.has(id))
      throw new QuantizationError(
        `float: ${id} is not a value of the graph; it has ${[...graph.values.keys()].join(', ')}`,
      );
    specs.delete(id);
  }
  if (config.concat === 'equal') joinConcats(graph, specs);
  return specs;
}

/** Puts what each concatenation joins into one group; a value that is in two joins them all. */
function joinConcats(graph: Graph, specs: Map<string, QSpec>): void {
  for (const node of graph.nodes) {
    if (node.op !== 'concat') continue;
    const roots = [...new Set(node.inputs.map((id) => quantizerOf(specs, id)))];
    const observed = roots.map((id) => (id === null ? undefined : specs.get(id)));
    if (!observed.every((spec) => spec?.kind === 'observed')) continue;
    const ranges = new Set(observed.map(({ range }) => `${range.quantMin} to ${range.quantMax}`));
    if (ranges.size > 1)
      throw new QuantizationError(
        `${node.id}: it joins codes of ${[...ranges].join(' and ')}, and concat 'equal' wants one scale; give what it joins the same activationBits`,
      );
    const groups = new Set(observed.flatMap((spec, i) => [roots[i]!, spec.group ?? roots[i]!]));
    const [group] = groups;
    for (const [id, spec] of specs)
      if (spec.kind === 'observed' && groups.has(spec.group ?? id)) specs.set(id, { ...spec, group });
    specs.set(node.id, { kind: 'shared', with: node.inputs[0] });
  }
}

/** The values of each group. */
export function groupsOf(specs: ReadonlyMap<string, QSpec>): Map<ValueId, string[]> {
  const groups = new Map<ValueId, string[]>();
  for (const [id, spec] of specs)
    if (spec.kind === 'observed' && spec.group !== undefined)
      groups.set(spec.group, [...(groups.get(spec.group) ?? []), id]);
  return groups;
}

/** The name of a layer's bias, also where batch norm will give it one. */
export function biasId(layer: ValueId, bias: string | null): string {
  return bias ?? `${layer}.bias`;
}

/** The value whose quantizer serves `id`: follows 'shared' specs. Null where the value stays in float. */
export function quantizerOf(specs: ReadonlyMap<string, QSpec>, id: string): string | null {
  let current = id;
  for (let spec = specs.get(current); spec?.kind === 'shared'; spec = specs.get(current)) current = spec.with;
  return specs.has(current) ? current : null;
}

/** qparams of an int32 bias. */
export function biasQParams(scale: Float32Array): QParams {
  const range = { quantMin: -(2 ** 31), quantMax: 2 ** 31 - 1 };
  return checkQParams(
    {
      dtype: qdtypeOf(range),
      scale,
      zeroPoint: new Int32Array(scale.length),
      axis: scale.length === 1 ? null : 0,
      ...range,
    },
    'bias',
  );
}
