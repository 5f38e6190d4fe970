/** The rules of the targets as rows of the tables in docs/targets.md. */
import type { Numerics } from '../../src/graph/index.js';
import { TARGETS, type Source, type Target } from '../../src/targets/index.js';
import { everyOp } from '../../src/targets/constraints.js';
import { RELAXED_SIMD } from '../../src/targets/sources.js';

const link = (source: Source | null): string =>
  source === null ? 'not documented' : `[${source.title}](${source.url})`;

function text(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const numerics = value as Numerics;
  return numerics.numerics === 'float' ? 'float' : `fixed-${numerics.rounding}`;
}

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** Options, then other rules, then limits of ops. */
export function rowsOf(target: Target): string[] {
  const { narrowWeights, fixedOutputs, integersOnly, staticShapes, axes, saturation, floatBiases, ops } =
    target;
  const rows = Object.entries(target.quantization).map(([name, { takes, source }]) =>
    row(`\`${name}\``, (takes as readonly unknown[]).map(text).join(', '), link(source)),
  );
  const add = (name: string, takes: string, source: Source | null): void =>
    void rows.push(row(name, takes, link(source)));
  if (narrowWeights !== null) add('weight codes', 'zero point 0, without the lowest code', narrowWeights);
  if (fixedOutputs !== null)
    add('softmax, sigmoid; tanh', 'scale 1/256, zero point -128; 1/128, 0', fixedOutputs.source);
  if (integersOnly !== null) add('float inside the network', 'none', integersOnly);
  if (staticShapes !== null) add('sizes', 'known beforehand', staticShapes);
  if (axes !== null) add('axes with a size above 1', `the last ${axes.most}`, axes.source);
  if (saturation !== null) add('weights of 8 bits', 'can saturate on x86-64 without VNNI', saturation);
  if (floatBiases !== null) add('biases in the file', 'float', floatBiases);
  for (const [op, { constraints }] of Object.entries(ops))
    for (const { rule, fix, source } of constraints ?? []) add(`${op}: \`${rule}\``, fix, source);
  return rows;
}

/** What is not among the ops of a target. */
export function missingOps(target: Target): string {
  const all = Object.keys(everyOp(RELAXED_SIMD)).filter((op) => !(op in target.ops));
  const functions = (['unary', 'reduce'] as const).flatMap((op) => {
    const has = target.ops[op]?.functions;
    return has === undefined ? [] : [`${op} other than ${has.join(', ')}`];
  });
  const missing = [...all, ...functions];
  return missing.length === 0 ? 'Ops: all.' : `Ops that it does not have: ${missing.join('; ')}.`;
}

/** One row for each target: what a config becomes. */
export function overview(): string[] {
  return Object.values(TARGETS).map(({ name, format, quantization: q }) => {
    const first = (key: keyof typeof q): string => text(q[key].takes[0]);
    const sign = q.signed.takes[0] ? 'int' : 'uint';
    const symmetric = q.symmetricActivations.takes[0] ? ', symmetric' : '';
    return row(
      `\`${name}\``,
      format ?? 'this library',
      `${q.weightBits.takes.join(', ')} bits`,
      `${sign}${first('activationBits')}${symmetric}`,
      first('granularity'),
      first('linearGranularity'),
      first('concat'),
      first('numerics'),
    );
  });
}
