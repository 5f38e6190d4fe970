/** Ops that a target does not have, and limits of those it has; the sizes of values. */
import { formatShape } from '../../core/index.js';
import type { Node } from '../../graph/index.js';
import type { Constraint, OpRule, Violation } from '../types.js';
import { listed, type LintContext } from './context.js';

/** What can stand for an op or function that is missing. */
const INSTEAD: Readonly<Record<string, string>> = {
  batchNorm: 'put it right after a convolution or linear layer, which takes it in',
  div: 'multiply by the reciprocal where the divisor is constant',
  matmul: 'use a linear layer where one side is constant',
  gather: 'use slices, or reorder the weights of the next layer',
  hardswish: 'use relu6, or silu',
  hardsigmoid: 'use sigmoid',
  leakyRelu: 'use relu, or prelu',
  elu: 'use relu',
  softplus: 'use relu',
  exp: 'use sigmoid, or end the network before it',
  log: 'end the network before it',
  sqrt: 'end the network before it',
  pow: 'multiply the value with itself where the exponent is 2',
  neg: 'turn the sign of the weights of the layer before it',
  clip: 'use relu6',
};

function functionOf(node: Node): string | null {
  return node.op === 'unary' || node.op === 'reduce' ? node.fn : null;
}

function missing(node: Node, context: LintContext, rule: OpRule | undefined): Violation {
  const { target } = context;
  const name = functionOf(node);
  const sources = Object.values(target.ops).map((op) => op.source);
  return {
    rule: 'op',
    severity: 'error',
    node: node.id,
    message: `${name === null ? node.op : `${node.op} ${name}`} is not among the ops that ${target.title} has for codes`,
    fix:
      INSTEAD[name ?? node.op] ??
      (rule?.functions === undefined
        ? 'end the network before it, or use other ops'
        : `use ${listed(rule.functions)}`),
    source: rule === undefined ? sources[0] : rule.source,
  };
}

export function* operators(context: LintContext): Iterable<Violation> {
  const { graph, target } = context;
  for (const node of graph.nodes) {
    const rule = target.ops[node.op] as OpRule | undefined;
    const name = functionOf(node);
    if (rule === undefined || (name !== null && rule.functions?.includes(name) === false)) {
      yield missing(node, context, rule);
      continue;
    }
    for (const constraint of rule.constraints ?? []) {
      const found = (constraint as Constraint).broken(node, graph);
      if (found === null) continue;
      const { rule: name, severity, fix, source } = constraint;
      yield { rule: name, severity, node: node.id, message: `${node.op}: ${found}`, fix, source };
    }
  }
}

export function* shapes({ graph, target }: LintContext): Iterable<Violation> {
  const constants = new Set(graph.nodes.filter(({ op }) => op === 'constant').map(({ id }) => id));
  for (const { id, shape } of graph.values.values()) {
    if (target.staticShapes !== null && !shape.every((size) => Number.isInteger(size) && size > 0))
      yield {
        rule: 'static-shape',
        severity: 'error',
        value: id,
        message: `its shape ${formatShape(shape)} is not known beforehand`,
        fix: 'fix every size before quantization',
        source: target.staticShapes,
      };
    else if (
      target.axes !== null &&
      !constants.has(id) &&
      shape.slice(0, -target.axes.most).some((size) => size !== 1)
    )
      yield {
        rule: 'axes',
        severity: 'error',
        value: id,
        message: `of its shape ${formatShape(shape)} more than the last ${target.axes.most} axes have a size above 1`,
        fix: 'use a batch of one, and reshape so that the sizes before the last axes are 1',
        source: target.axes.source,
      };
  }
}
