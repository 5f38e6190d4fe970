/** Weights and biases of convolutions and linear layers. */
import { bitsOf, type QParams } from '../../core/index.js';
import { isLayer, type LayerNode, type Param } from '../../graph/index.js';
import type { Violation } from '../types.js';
import { listed, plural, takes, type LintContext } from './context.js';

interface QuantizedParam extends Param {
  readonly qparams: QParams;
}

function* layersOf(context: LintContext): Iterable<readonly [LayerNode, QuantizedParam]> {
  for (const node of context.graph.nodes) {
    if (!isLayer(node)) continue;
    const weight = context.graph.params.get(node.weight)!;
    if (weight.qparams !== null) yield [node, weight as QuantizedParam];
  }
}

export function* weights(context: LintContext): Iterable<Violation> {
  const { target } = context;
  const { weightBits, granularity, linearGranularity } = target.quantization;
  const again = `quantize the float model with target ${target.name}`;
  for (const [node, { id, array, qparams }] of layersOf(context)) {
    const rule = node.op === 'linear' ? linearGranularity : granularity;
    const has = qparams.scale.length > 1 ? 'per-channel' : 'per-tensor';
    if (!takes(rule, has))
      yield {
        rule: 'weight-granularity',
        severity: 'error',
        node: node.id,
        value: id,
        message: `its weights have ${plural(qparams.scale.length, 'scale')}; for ${node.op} ${target.title} takes ${listed(rule.takes)}`,
        fix: again,
        source: rule.source,
      };
    if (qparams.zeroPoint.some((z) => z !== 0))
      yield {
        rule: 'weight-zero-point',
        severity: 'error',
        node: node.id,
        value: id,
        message: `its weights have zero point ${qparams.zeroPoint.find((z) => z !== 0)}, not 0`,
        fix: again,
        source: target.narrowWeights,
      };
    const bits = bitsOf(qparams);
    if (!takes(weightBits, bits))
      yield {
        rule: 'weight-bits',
        severity: 'warning',
        node: node.id,
        value: id,
        message: `its weights have ${bits} bits; ${target.title} stores ${listed(weightBits.takes)}, so they take up the next width`,
        fix: `use ${listed(weightBits.takes)} bits`,
        source: weightBits.source,
      };
    const lowest = -(2 ** (bits - 1));
    const outside = Array.from(array.data).filter((code) => code === lowest).length;
    if (target.narrowWeights !== null && outside > 0)
      yield {
        rule: 'weight-range',
        severity: 'error',
        node: node.id,
        value: id,
        message: `${plural(outside, 'code')} of its weights are ${lowest}, outside ${lowest + 1} to ${-lowest - 1}`,
        fix: again,
        source: target.narrowWeights,
      };
  }
}

/** Of the codes of one filter. */
function magnitudes({ array }: Param, filter: number): number[] {
  const size = array.size / array.shape[0];
  return Array.from(array.data.subarray(filter * size, (filter + 1) * size), Math.abs);
}

/** The first few names of a list. */
function some(names: Iterable<string | number>): string {
  const list = [...names];
  return list.slice(0, 4).join(', ') + (list.length > 4 ? ', ...' : '');
}

const INT32_MAX = 2 ** 31 - 1;

/** The part of the room for a bias above which it must have been what decided the scale of the weights. */
const NEARLY_FULL = 0.9;

export function* biases(context: LintContext): Iterable<Violation> {
  const { graph, target } = context;
  for (const [node, weight] of layersOf(context)) {
    const input = graph.values.get(node.inputs[0])!.qparams;
    if (node.bias === null || input === null) continue;
    const bias = graph.params.get(node.bias)!;
    const at = { node: node.id, value: bias.id };
    if (bias.qparams === null) {
      yield {
        rule: 'bias',
        severity: 'error',
        ...at,
        message: 'its bias is float between codes',
        fix: 'quantize it with the scale of the input times that of the weights, 32 bits',
        source: target.quantization.bias.source,
      };
      continue;
    }
    const channel = mismatched(bias.qparams, input.scale[0], weight.qparams.scale);
    if (channel !== null)
      yield {
        rule: 'bias-scale',
        severity: 'error',
        ...at,
        message: `scale or zero point of its bias, channel ${channel}, is not that of input times weights, and 0`,
        fix: 'quantize the bias again after a change of scales; no runtime notices',
        source: target.quantization.bias.source,
      };
    yield* accumulators(context, node, weight, bias as QuantizedParam, input);
  }
}

/** The first channel whose bias scale is not the product of the others, as float32. */
function mismatched(bias: QParams, input: number, weight: Float32Array): number | null {
  if (bias.zeroPoint.some((z) => z !== 0)) return bias.zeroPoint.findIndex((z) => z !== 0);
  const wrong = weight.findIndex((s, c) => {
    const product = Math.fround(input * s);
    return Math.abs(bias.scale[bias.scale.length === 1 ? 0 : c] - product) > product * 1e-5;
  });
  return wrong < 0 ? null : wrong;
}

function* accumulators(
  { target }: LintContext,
  node: LayerNode,
  weight: QuantizedParam,
  bias: QuantizedParam,
  input: QParams,
): Iterable<Violation> {
  const [filters] = weight.array.shape;
  const reach = Math.max(input.quantMax - input.zeroPoint[0], input.zeroPoint[0] - input.quantMin);
  const most = Math.max(-weight.qparams.quantMin, weight.qparams.quantMax);
  const room = INT32_MAX - (weight.array.size / filters) * reach * most;
  /** Channels whose bias left no room, and the largest code of a weight of theirs. */
  const limited = new Map<number, number>();
  for (let c = 0; c < filters; c++) {
    const codes = magnitudes(weight, c);
    const total = Math.abs(bias.array.data[c]) + codes.reduce((sum, code) => sum + code, 0) * reach;
    if (total > INT32_MAX)
      yield {
        rule: 'bias-overflow',
        severity: 'error',
        node: node.id,
        value: bias.id,
        message: `the accumulator of channel ${c} can reach ${total}, beyond 32 bits: its bias has the code ${bias.array.data[c]}`,
        fix: 'raise the scale of the weights of this channel until the bias fits, as convert does',
        source: target.quantization.bias.source,
      };
    else if (Math.abs(bias.array.data[c]) > NEARLY_FULL * room)
      limited.set(
        c,
        codes.reduce((a, b) => Math.max(a, b), 0),
      );
  }
  if (limited.size === 0) return;
  const left = Math.log2(2 * Math.min(...limited.values()) + 1);
  yield {
    rule: 'bias-limited',
    severity: 'warning',
    node: node.id,
    value: weight.id,
    message: `the bias of ${plural(limited.size, 'channel')} (${some(limited.keys())}) is so large beside the weights that it set their scale, which leaves ${left.toFixed(1)} of ${bitsOf(weight.qparams)} bits`,
    fix: 'train with weight decay on batch norm, or drop channels whose weights are nearly 0',
    source: target.quantization.bias.source,
  };
}

/** Pairs of products of 8-bit codes are added in 16 bits where a processor has no instruction for more. */
export function* saturation(context: LintContext): Iterable<Violation> {
  const { saturation: source } = context.target;
  if (source === null) return;
  const layers = Array.from(layersOf(context)).filter(([, weight]) => {
    const filters = Array.from({ length: weight.array.shape[0] }, (_, c) => magnitudes(weight, c));
    return filters.some((codes) => {
      const [first, second = 0] = codes.sort((a, b) => b - a);
      return (first + second) * 255 > 32767;
    });
  });
  if (layers.length === 0) return;
  yield {
    rule: 'saturation',
    severity: 'note',
    message: `on x86-64 processors without VNNI, sums of two products can saturate in ${plural(layers.length, 'layer')} (${some(layers.map(([node]) => node.id))})`,
    fix: 'use weights of 7 bits if such processors matter',
    source,
  };
}
