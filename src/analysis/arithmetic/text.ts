/** An explanation as text. */
import { columns } from '../../core/text.js';
import type { Explanation, Grid } from './explanation.js';
import { digits, signed } from './steps.js';

export interface TextOptions {
  /** Terms that are shown; the others are counted. Default 64. */
  readonly terms?: number;
}

const rounded = (value: number): string => String(Number(value.toPrecision(6)));

function grid({ scale, zeroPoint, min, max }: Grid): string {
  const code = `clamp(rne(real / ${digits(scale)})${signed(zeroPoint)}, ${min}, ${max})`;
  return `code = ${code}, real = (code${signed(-zeroPoint)}) * ${digits(scale)}`;
}

function termLines({ terms, reads }: Omit<Explanation, 'toString'>, shown: number): string[] {
  if (terms.length === 0) return [];
  const weighted = terms[0].weight !== null;
  const one = Object.keys(reads).length === 1;
  const number = (v: number | null): string => (v === null ? '' : rounded(v));
  const head = ['at', 'float', 'code', 'code - z', ...(weighted ? ['weight', 'weight code', 'product'] : [])];
  const rows = terms.map(({ value, at, float, code, offset, weight }) => [
    `${one ? '' : value}[${at.join(', ')}]`,
    number(float),
    String(code),
    String(offset),
    ...(weight === null ? [] : [number(weight.float), String(weight.code), String(weight.product)]),
  ]);
  // without a float network, its columns are empty
  const used = head.map((_, c) => rows.some((row) => row[c] !== ''));
  const table = [head, ...rows.slice(0, shown)].map((row) => row.filter((_, c) => used[c]));
  const left = terms.slice(shown);
  const sum = left.reduce((s, { weight, offset }) => s + (weight?.product ?? offset), 0);
  const rest = left.length === 0 ? [] : [`  and ${left.length} more, which sum to ${sum}`];
  const right = table[0].map((_, c) => c).slice(1);
  return ['', ...columns(table, right).map((line) => `  ${line}`), ...rest];
}

/** For people: what is read, the terms, every step with its numbers, and the float network beside it. */
export function explanationText(
  explanation: Omit<Explanation, 'toString'>,
  { terms: shown = 64 }: TextOptions = {},
): string {
  const { layer, op, activation, channel, position, numerics, reads, weightScale, steps, rule } = explanation;
  const { output, real, float, floatHere, error } = explanation;
  const place = position.length === 0 ? '' : ` at [${position.join(', ')}]`;
  const how =
    numerics.numerics === 'float' ? 'float numerics' : `fixed-point numerics, ${numerics.rounding} rounding`;
  const clamp = activation === 'none' || op === 'activation' ? '' : ` + ${activation}`;
  const width = Math.max(...steps.map(({ name }) => name.length));
  const against =
    error === null
      ? []
      : [
          '',
          `float network          ${digits(float!)}`,
          `float layer on these   ${digits(floatHere!)}   error of the layers before: ${rounded(error.before)}`,
          `integer network        ${digits(real)}   error of this layer: ${rounded(error.here)}, of all: ${rounded(error.total)}`,
        ];
  return [
    `${layer}, channel ${channel}${place}: ${op}${clamp} (${how})`,
    ...Object.entries(reads).map(([id, g]) => `reads ${id}: ${grid(g)}`),
    ...(weightScale === null
      ? []
      : [`weights: code = rne(real / ${digits(weightScale)}), real = code * ${digits(weightScale)}`]),
    ...(output === null
      ? []
      : [
          `gives codes ${output.min} to ${output.max}, real = (code${signed(-output.zeroPoint)}) * ${digits(output.scale)}`,
        ]),
    ...termLines(explanation, shown),
    '',
    ...(rule === null ? [] : [`rule: ${rule}`]),
    ...steps.map(({ name, formula, value }) => `${name.padEnd(width)} = ${formula} = ${digits(value)}`),
    ...against,
  ].join('\n');
}
