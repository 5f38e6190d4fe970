/** Concatenations: one scale for all, and what that costs inputs of a small range. */
import { bitsOf, sameQParams } from '../../core/index.js';
import type { ValueId } from '../../graph/index.js';
import type { Violation } from '../types.js';
import type { LintContext } from './context.js';

/** Ratio of ranges from which on a concatenation is reported: three of eight bits are lost. */
const FAR_APART = 8;

export function* concats(context: LintContext): Iterable<Violation> {
  const { graph, target } = context;
  for (const node of graph.nodes) {
    if (node.op !== 'concat') continue;
    const output = graph.values.get(node.id)!.qparams;
    const other = node.inputs.find((id) => {
      const input = graph.values.get(id)!.qparams;
      return input !== null && output !== null && !sameQParams(input, output);
    });
    if (other !== undefined && !target.quantization.concat.takes.includes('free'))
      yield {
        rule: 'concat-scales',
        severity: 'error',
        node: node.id,
        message: `scale or zero point of its input ${other} are not those of its output`,
        fix: `quantize the float model with target ${target.name}: what it joins gets one scale`,
        source: target.quantization.concat.source,
      };
    yield* ranges(context, node.id, node.inputs);
  }
}

/** Width of the range that was observed, 0 included, or that codes can have; null where neither is known. */
function widthOf({ graph, ranges, producer }: LintContext, id: ValueId): number | null {
  const observed = ranges.get(id);
  if (observed !== undefined) return Math.max(observed.max, 0) - Math.min(observed.min, 0);
  const node = producer(id);
  // a rescaling that stands here for the sake of the concatenation: what comes into it counts
  const from = node?.op === 'activation' && node.activation === 'none' ? node.inputs[0] : id;
  const { qparams } = graph.values.get(from)!;
  return qparams === null ? null : qparams.scale[0] * (qparams.quantMax - qparams.quantMin);
}

function* ranges(context: LintContext, id: ValueId, inputs: readonly ValueId[]): Iterable<Violation> {
  const known = inputs
    .map((input) => ({ input, width: widthOf(context, input) }))
    .filter((x): x is { input: ValueId; width: number } => x.width !== null && x.width > 0)
    .sort((a, b) => a.width - b.width);
  if (known.length < 2) return;
  const [small, large] = [known[0], known[known.length - 1]];
  const ratio = large.width / small.width;
  if (ratio < FAR_APART) return;
  const qparams = context.graph.values.get(id)!.qparams;
  const bits = qparams === null ? 8 : bitsOf(qparams);
  const left = Math.max(0, bits - Math.log2(ratio));
  const text = (x: number): string => String(Number(x.toPrecision(3)));
  yield {
    rule: 'concat-ranges',
    severity: 'warning',
    node: id,
    message: `the range of ${large.input} (${text(large.width)}) is ${text(ratio)} times that of ${small.input} (${text(small.width)}), of which one scale leaves ${left.toFixed(1)} of ${bits} bits`,
    fix: 'bring the ranges together before it (batch norm or a clamp on both), or train with quantization',
    source: context.target.quantization.concat.source,
  };
}
