/** Training checkpoints: everything a run needs to go on exactly where it stopped, in one file. */
import { ArgumentError, FormatError } from '../core/errors.js';
import { decodeContainer, encodeContainer } from './container.js';
import { joinState, splitState, type LoadedState, type StateTree } from './state-tree.js';

const KIND = 'checkpoint';

/** `S` is {@link StateTree} when writing, {@link LoadedState} when read back. */
export interface Checkpoint<S = StateTree> {
  /** Completed epochs. */
  readonly epoch: number;
  /** Completed optimizer steps. */
  readonly step: number;
  /** The state dict: parameters and buffers by name. */
  readonly model: S;
  readonly optimizer: S;
  /** States of the random generators by what they are used for ({@link Random.state}). */
  readonly random: S;
  /** Anything else: schedule, history, configuration. */
  readonly extra: S;
}

export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { epoch, step, model, optimizer, random, extra } = checkpoint;
  for (const [name, count] of Object.entries({ epoch, step }))
    if (!isCount(count)) throw new ArgumentError(`${name}: ${count} must be a whole number >= 0`);
  return encodeContainer({ kind: KIND, ...splitState({ epoch, step, model, optimizer, random, extra }) });
}

/** Throws {@link FormatError} for a damaged file or one that is no checkpoint. The parts are for their owners to check. */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint<LoadedState> {
  const { document, tensors } = decodeContainer(bytes, KIND);
  const state = joinState(document, tensors);
  if (!isPlainObject(state))
    throw new FormatError('bytes: the checkpoint is not an object; the file is corrupt');
  const part = (name: string): LoadedState => {
    if (!Object.hasOwn(state, name)) throw new FormatError(`bytes: the checkpoint lacks ${name}`);
    return state[name];
  };
  const count = (name: string): number => {
    const n = part(name);
    if (!isCount(n)) throw new FormatError(`bytes: ${name} of the checkpoint is not a whole number >= 0`);
    return n;
  };
  return {
    epoch: count('epoch'),
    step: count('step'),
    model: part('model'),
    optimizer: part('optimizer'),
    random: part('random'),
    extra: part('extra'),
  };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isPlainObject(value: LoadedState): value is { [key: string]: LoadedState } {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
