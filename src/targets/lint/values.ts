/** Codes of values: width, sign, zero point, fixed scales; what is left in float; the arithmetic. */
import { bitsOf, sameQParams, type QParams } from '../../core/index.js';
import type { Node, Numerics } from '../../graph/index.js';
import type { Violation } from '../types.js';
import { describe, isSigned, listed, takes, type LintContext } from './context.js';

/** Whether its input has the same qparams, so that what is wrong with them has been said. */
function isRepeated({ graph, producer }: LintContext, id: string, qparams: QParams): boolean {
  const [input] = producer(id)?.inputs ?? [];
  const before = input === undefined ? null : graph.values.get(input)!.qparams;
  return before !== null && sameQParams(before, qparams);
}

export function* activations(context: LintContext): Iterable<Violation> {
  const { graph, target } = context;
  const { activationBits, signed, symmetricActivations } = target.quantization;
  for (const { id, qparams } of graph.values.values()) {
    if (qparams === null || isRepeated(context, id, qparams)) continue;
    const bits = bitsOf(qparams);
    if (!takes(activationBits, bits))
      yield {
        rule: 'activation-bits',
        severity: 'error',
        value: id,
        message: `its codes have ${bits} bits, from ${qparams.quantMin} to ${qparams.quantMax}; ${target.title} takes ${listed(activationBits.takes)}`,
        fix: `quantize the float model with target ${target.name}`,
        source: activationBits.source,
      };
    if (!takes(signed, isSigned(qparams)))
      yield {
        rule: 'signedness',
        severity: 'error',
        value: id,
        message: `its codes are ${isSigned(qparams) ? 'signed' : 'unsigned'}; ${target.title} takes ${signed.takes[0] ? 'signed' : 'unsigned'} ones`,
        fix: `quantize the float model with target ${target.name}`,
        source: signed.source,
      };
    const middle = Math.ceil((qparams.quantMin + qparams.quantMax) / 2);
    if (!takes(symmetricActivations, false) && qparams.zeroPoint[0] !== middle)
      yield {
        rule: 'zero-point',
        severity: 'error',
        value: id,
        message: `its zero point is ${qparams.zeroPoint[0]}; ${target.title} takes ${middle + 0} only`,
        fix: `quantize the float model with target ${target.name}: its activations are symmetric`,
        source: symmetricActivations.source,
      };
  }
}

function fixedName(node: Node): 'softmax' | 'sigmoid' | 'tanh' | null {
  if (node.op === 'softmax') return 'softmax';
  return node.op === 'unary' && (node.fn === 'sigmoid' || node.fn === 'tanh') ? node.fn : null;
}

export function* fixedOutputs({ graph, target }: LintContext): Iterable<Violation> {
  if (target.fixedOutputs === null) return;
  for (const node of graph.nodes) {
    const name = fixedName(node);
    const qparams = graph.values.get(node.id)!.qparams;
    if (name === null || qparams === null) continue;
    const { scale, zeroPoint } = target.fixedOutputs.values[name];
    if (qparams.scale[0] !== scale || qparams.zeroPoint[0] !== zeroPoint)
      yield {
        rule: 'fixed-output',
        severity: 'error',
        node: node.id,
        message: `${name} has ${describe(qparams)}; the kernels write scale 1/${1 / scale}, zero point ${zeroPoint}, whatever the file says`,
        fix: `quantize the float model with target ${target.name}, and rescale after ${name} where another scale is needed`,
        source: target.fixedOutputs.source,
      };
  }
}

export function* floatIslands({ graph, target, integer }: LintContext): Iterable<Violation> {
  if (!integer) return;
  for (const node of graph.nodes) {
    const result = graph.values.get(node.id)!.qparams;
    const atTheEnd = node.op === 'dequantize' && graph.outputs.includes(node.id);
    if (result !== null || atTheEnd) continue;
    yield {
      rule: 'float-island',
      severity: target.integersOnly === null ? 'warning' : 'error',
      node: node.id,
      message: `${node.op} is computed in float inside an integer network`,
      fix: 'quantize what it makes, or end the network before it',
      source: target.integersOnly,
    };
  }
}

const nameOf = (n: Numerics): string => (n.numerics === 'float' ? 'float' : `fixed, ${n.rounding} rounding`);

export function* arithmetic({ graph, target, integer }: LintContext): Iterable<Violation> {
  const { numerics } = target.quantization;
  if (!integer || numerics.takes.some((taken) => nameOf(taken) === nameOf(graph.numerics))) return;
  yield {
    rule: 'numerics',
    severity: 'warning',
    message: `accumulators become codes in ${nameOf(graph.numerics)}; ${target.title} computes in ${listed(numerics.takes, nameOf)}, and its codes can differ by one`,
    fix: `quantize the float model with target ${target.name}, so that training sees its arithmetic`,
    source: numerics.source,
  };
}

export function* floatModel({ target, integer }: LintContext): Iterable<Violation> {
  if (integer || target.integersOnly === null) return;
  yield {
    rule: 'float-model',
    severity: 'note',
    message: `the model is float; ${target.title} takes quantized models only`,
    fix: `quantize it with target ${target.name}`,
    source: target.integersOnly,
  };
}
