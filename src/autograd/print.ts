/** Prints arrays as PyTorch does: nested brackets, four decimals, long axes cut in the middle. */
import { isFloat, type NDArray } from '../core/index.js';

const EDGE = 3;
const MAX_ELEMENTS = 1000;

function formatter(a: NDArray): (v: number) => string {
  const cut = a.size > MAX_ELEMENTS;
  const sample = cut ? [...a.data.subarray(0, 200), ...a.data.subarray(-200)] : [...a.data];
  let plain: (v: number) => string = String;
  if (isFloat(a.dtype)) {
    const finite = sample.filter(Number.isFinite).map(Math.abs);
    const top = Math.max(0, ...finite);
    const low = Math.min(...finite.filter((v) => v > 0), Infinity);
    const whole = finite.every((v) => Number.isInteger(v));
    if (top >= 1e8 || low < 1e-4 || top / low > 1e5 ? !whole || top >= 1e8 : false)
      plain = (v) => (Number.isFinite(v) ? v.toExponential(4) : specials(v));
    else plain = (v) => (Number.isFinite(v) ? (whole ? `${v}.` : v.toFixed(4)) : specials(v));
  }
  const width = Math.max(1, ...sample.map((v) => plain(v).length));
  return (v) => plain(v).padStart(width);
}

function specials(v: number): string {
  return Number.isNaN(v) ? 'nan' : v > 0 ? 'inf' : '-inf';
}

/** The text of an array; `prefix` is what its lines are indented by. */
export function formatArray(a: NDArray, options: { requiresGrad?: boolean } = {}): string {
  const prefix = 'tensor(';
  const format = formatter(a);
  const summarize = a.size > MAX_ELEMENTS;
  const build = (axis: number, offset: number, stride: number): string => {
    if (axis === a.rank) return format(a.data[offset]);
    const n = a.shape[axis];
    const step = stride / Math.max(n, 1);
    const parts: string[] = [];
    for (let i = 0; i < n; i++) {
      if (summarize && n > 2 * EDGE && i === EDGE) {
        parts.push('...');
        i = n - EDGE;
      }
      parts.push(build(axis + 1, offset + i * step, step));
    }
    const last = axis === a.rank - 1;
    const separator = last ? ', ' : ',' + '\n'.repeat(a.rank - 1 - axis) + ' '.repeat(prefix.length + axis + 1);
    return `[${parts.join(separator)}]`;
  };
  const notes = [
    a.size === 0 || a.dtype !== 'float32' ? `, dtype=${a.dtype}` : '',
    options.requiresGrad ? ', requiresGrad=true' : '',
  ].join('');
  return `${prefix}${a.rank === 0 ? format(a.data[0]).trim() : build(0, 0, a.size)}${notes})`;
}
