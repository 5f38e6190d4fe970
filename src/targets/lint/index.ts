/** Checks a graph, float or integer, against the documented rules of a target. */
import { fuseLayers, isInteger, type Graph, type ValueId } from '../../graph/index.js';
import { targetNamed } from '../table.js';
import type { Severity, TargetName, Violation } from '../types.js';
import { concats } from './concats.js';
import type { Check, LintContext, ValueRange } from './context.js';
import { biases, saturation, weights } from './layers.js';
import { operators, shapes } from './operators.js';
import { activations, arithmetic, fixedOutputs, floatIslands, floatModel } from './values.js';

export type { ValueRange } from './context.js';

export interface LintOptions {
  /** Ranges that were observed (`observedRanges` of a calibrated module), for what codes no longer show. */
  ranges?: ReadonlyMap<ValueId, ValueRange>;
}

const CHECKS: readonly Check[] = [
  operators,
  shapes,
  floatIslands,
  activations,
  fixedOutputs,
  concats,
  weights,
  biases,
  arithmetic,
  saturation,
  floatModel,
];

const ORDER: readonly Severity[] = ['error', 'warning', 'note'];

/**
 * Every rule of the target that the graph breaks, errors first. A float graph is looked at as quantization will see it,
 * layers fused; rules about codes need an integer graph. An empty list means that the graph conforms to the documented
 * rules, not that a device was tried.
 *
 * @throws QuantizationError for an unknown target
 */
export function lint(graph: Graph, target: TargetName, options: LintOptions = {}): Violation[] {
  const profile = targetNamed(target);
  const integer = isInteger(graph);
  const fused = integer ? graph : fuseLayers(graph);
  const producers = new Map(fused.nodes.map((node) => [node.id, node]));
  const context: LintContext = {
    graph: fused,
    target: profile,
    integer,
    ranges: options.ranges ?? new Map(),
    producer: (id) => producers.get(id),
  };
  const found = CHECKS.flatMap((check) => [...check(context)]);
  return ORDER.flatMap((severity) => found.filter((violation) => violation.severity === severity));
}
