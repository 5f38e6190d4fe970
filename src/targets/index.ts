/** Targets: what runtimes and chips document about quantized models, and the check that a graph keeps to it. */
export { lint, type LintOptions, type ValueRange } from './lint/index.js';
export { targetNamed, TARGETS } from './table.js';
export type {
  Constraint,
  FixedOutputs,
  OpRule,
  OpRules,
  QuantizationRules,
  Rule,
  Severity,
  Source,
  Target,
  TargetName,
  Violation,
} from './types.js';
