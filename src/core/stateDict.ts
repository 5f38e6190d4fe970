/** Copies a saved state into a model's arrays, all or nothing, and explains what does not fit. */
import { isFloat } from './dtype.js';
import { ArgumentError, DTypeError, ShapeError } from './errors.js';
import type { NDArray } from './ndarray.js';
import { formatShape, sameShape, type Shape } from './shape.js';

/** Names and values of parameters and buffers. A Map: any string, '__proto__' too, is just a name. */
export type StateDict = ReadonlyMap<string, NDArray>;

export interface LoadReport {
  /** Names of the model that the state does not have. */
  readonly missing: readonly string[];
  /** Names of the state that the model does not have. */
  readonly unexpected: readonly string[];
}

const SHOWN = 8;

function list(names: readonly string[]): string {
  const more = names.length - SHOWN;
  return names.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** 'module.fc.running_mean' and 'fc.runningMean' are the same name up to spelling and a prefix. */
function spelling(name: string): string {
  return name.replaceAll('_', '').toLowerCase();
}

function nameHint(missing: readonly string[], unexpected: readonly string[]): string {
  for (const have of unexpected)
    for (const want of missing) {
      if (spelling(have) === spelling(want)) return `; rename ${have} to ${want}, and others like it`;
      if (have.endsWith(`.${want}`))
        return `; strip '${have.slice(0, -want.length)}' from the names of the state`;
      if (want.endsWith(`.${have}`))
        return `; put '${want.slice(0, -have.length)}' before the names of the state`;
    }
  return missing.length > 0 || unexpected.length > 0
    ? '; pass strict: false to load what fits, or build the model that was saved'
    : '';
}

function shapeHint(have: Shape, want: Shape): string {
  return have.length === 4 && sameShape([have[0], have[2], have[3], have[1]], want)
    ? '; it looks like [O, I, kh, kw]: permute it to [O, kh, kw, I]'
    : '; build the model with the sizes that were saved';
}

export function loadStateInto(target: StateDict, state: StateDict, strict: boolean): LoadReport {
  const missing = [...target.keys()].filter((name) => !state.has(name));
  const unexpected = [...state.keys()].filter((name) => !target.has(name));
  if (strict && missing.length + unexpected.length > 0) {
    const parts = [
      missing.length > 0 ? `missing ${list(missing)}` : '',
      unexpected.length > 0 ? `unexpected ${list(unexpected)}` : '',
    ].filter((part) => part !== '');
    throw new ArgumentError(`state: ${parts.join('; ')}${nameHint(missing, unexpected)}`);
  }
  const pairs = [...target].flatMap(([name, to]) => {
    const from = state.get(name);
    return from === undefined ? [] : [{ name, to, from }];
  });
  for (const { name, to, from } of pairs) {
    if (!sameShape(from.shape, to.shape))
      throw new ShapeError(
        `state: ${name} has shape ${formatShape(from.shape)}, the model's has ${formatShape(to.shape)}${shapeHint(from.shape, to.shape)}`,
      );
    if (from.dtype !== to.dtype && !(isFloat(from.dtype) && isFloat(to.dtype)))
      throw new DTypeError(
        `state: ${name} is ${from.dtype}, the model's is ${to.dtype}; convert it with astype()`,
      );
  }
  for (const { to, from } of pairs) to.data.set(from.data);
  return { missing, unexpected };
}
