/** Prints arrays as PyTorch does: one number format for all elements, aligned columns, long axes cut in the middle. */
import { isFloat, stridesOf, type NDArray } from '../core/index.js';

/** PyTorch's defaults (torch.set_printoptions). */
const EDGE = 3;
const MAX_ELEMENTS = 1000;
const LINE = 80;

const OPEN = 'tensor(';

/** A shown position, or null for the gap. */
function shown(size: number, summarize: boolean): (number | null)[] {
  const all = Array.from({ length: size }, (_, i) => i);
  return summarize && size > 2 * EDGE ? [...all.slice(0, EDGE), null, ...all.slice(-EDGE)] : all;
}

/** 1.0000e+05: two digits of exponent, as in C. */
function scientific(v: number): string {
  return v.toExponential(4).replace(/e([+-])(\d)$/, 'e$10$2');
}

/**
 * The format that suits all `values`: whole numbers get a bare point, others four decimals, and a ratio above 1000 or
 * numbers beyond 1e8 (or, with fractions, below 1e-4) are written with exponents. 0, infinities and NaN have no say.
 */
function formatter(values: readonly number[], float: boolean): (v: number) => string {
  const speaking = float ? values.filter((v) => Number.isFinite(v) && v !== 0) : values;
  let text: (v: number) => string = String;
  if (float) {
    const sizes = speaking.map(Math.abs);
    const [top, low] = [Math.max(...sizes), Math.min(...sizes)];
    const whole = speaking.every(Number.isInteger);
    if (top / low > 1000 || top > 1e8 || (!whole && low < 1e-4)) text = scientific;
    else if (whole) text = (v) => `${v}.`;
    else text = (v) => v.toFixed(4);
  }
  const width = Math.max(1, ...speaking.map((v) => text(v).length));
  return (v) => (Number.isFinite(v) ? text(v) : special(v)).padStart(width);
}

function special(v: number): string {
  return Number.isNaN(v) ? 'nan' : v > 0 ? 'inf' : '-inf';
}

/** The text of an array. Element type and requiresGrad are told where they are not the default. */
export function formatArray(a: NDArray, options: { requiresGrad?: boolean } = {}): string {
  const summarize = a.size > MAX_ELEMENTS;
  const strides = stridesOf(a.shape);
  const positions = a.shape.map((size) => shown(size, summarize));
  const values: number[] = [];
  const collect = (axis: number, offset: number): void => {
    if (axis === a.rank) values.push(a.data[offset]);
    else for (const i of positions[axis]) if (i !== null) collect(axis + 1, offset + i * strides[axis]);
  };
  collect(0, 0);
  const format = formatter(values, isFloat(a.dtype));

  const row = (offset: number, indent: number): string => {
    const elements = positions[a.rank - 1].map((i) => (i === null ? ' ...' : format(a.data[offset + i])));
    const perLine = Math.max(1, Math.floor((LINE - indent) / (format(0).length + 2)));
    const lines: string[] = [];
    for (let i = 0; i < elements.length; i += perLine) lines.push(elements.slice(i, i + perLine).join(', '));
    return `[${lines.join(`,\n${' '.repeat(indent + 1)}`)}]`;
  };
  const block = (axis: number, offset: number): string => {
    const indent = OPEN.length + axis;
    if (axis === a.rank - 1) return row(offset, indent);
    const parts = positions[axis].map((i) =>
      i === null ? '...' : block(axis + 1, offset + i * strides[axis]),
    );
    return `[${parts.join(`,${'\n'.repeat(a.rank - 1 - axis)}${' '.repeat(indent + 1)}`)}]`;
  };

  let text = OPEN + (a.size === 0 ? '[]' : a.rank === 0 ? format(a.data[0]) : block(0, 0));
  const notes = [
    ...(a.size === 0 && a.rank !== 1 ? [`size=[${a.shape.join(', ')}]`] : []),
    ...(a.dtype === 'float32' ? [] : [`dtype=${a.dtype}`]),
    ...(options.requiresGrad ? ['requiresGrad=true'] : []),
  ];
  for (const note of notes) {
    const used = text.length - text.lastIndexOf('\n') - 1;
    text += used + note.length + 3 > LINE ? `,\n${' '.repeat(OPEN.length)}${note}` : `, ${note}`;
  }
  return `${text})`;
}
