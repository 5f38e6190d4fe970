/**
 * Where the elements of arrays live, and how long. Outside of any scope they live on the JavaScript heap; the level above
 * opens scopes whose arrays come from a memory of its own and end with the scope. There is one open scope at a time, and
 * this file owns it.
 */
import { allocate, type ArrayOf, type DType, type TypedArray } from './dtype.js';
import { DisposedError } from './errors.js';

export interface Allocator {
  /** Zeros where `clear`, else any content; null when there is no room: then the JavaScript heap serves. */
  allocate<D extends DType>(dtype: D, length: number, clear: boolean): ArrayOf[D] | null;
  free(data: TypedArray): void;
}

interface Scope {
  /** null: the JavaScript heap */
  readonly allocator: Allocator | null;
  /** What ends with the scope; null where nothing does. */
  readonly members: Storage[] | null;
}

const OUTSIDE: Scope = { allocator: null, members: null };
let current = OUTSIDE;

/** The elements of one array, or of several that share them. */
export class Storage<D extends DType = DType> {
  #data: ArrayOf[D] | null;
  /** Who frees the elements; null on the JavaScript heap. */
  #allocator: Allocator | null = null;
  /** The scope at whose end they are freed. */
  #scope: Scope | null = null;

  constructor(data: ArrayOf[D]) {
    this.#data = data;
  }

  /** In the open scope: zeros, or any content. */
  static allocate<D extends DType>(dtype: D, length: number, clear: boolean): Storage<D> {
    const { allocator, members } = current;
    const data = allocator?.allocate(dtype, length, clear) ?? null;
    const storage = new Storage<D>(data ?? allocate(dtype, length));
    if (data !== null) storage.#allocator = allocator;
    if (members !== null) {
      storage.#scope = current;
      members.push(storage as unknown as Storage);
    }
    return storage;
  }

  /** Throws DisposedError when they are freed. */
  get data(): ArrayOf[D] {
    if (this.#data === null)
      throw new DisposedError(
        'data: this array was freed, at the end of the tidy() that made it or by dispose(); return from tidy() what is needed after it, or clone() it',
      );
    return this.#data;
  }

  /** The allocator of elements that no scope ends. */
  get home(): Allocator | null {
    return this.#scope === null ? this.#allocator : null;
  }

  free(): void {
    if (this.#data !== null) this.#allocator?.free(this.#data);
    this.#data = null;
  }

  /** Takes the elements out of all scopes. */
  keep(): void {
    if (this.#scope !== null) this.moveOut(this.#scope, OUTSIDE);
  }

  /** @internal ends with `scope`, unless it was moved out */
  endWith(scope: Scope): void {
    if (this.#scope === scope) this.free();
  }

  /** @internal moves elements of `inner` to the scope around it, or to the JavaScript heap where there is none */
  moveOut(inner: Scope, outer: Scope): void {
    if (this.#scope !== inner || this.#data === null) return;
    if (outer.members !== null) {
      this.#scope = outer;
      outer.members.push(this as unknown as Storage);
      return;
    }
    this.#scope = null;
    if (this.#allocator === null) return;
    const copy = this.#data.slice() as ArrayOf[D];
    this.#allocator.free(this.#data);
    this.#allocator = null;
    this.#data = copy;
  }
}

function within<T>(scope: Scope, f: () => T): T {
  const outer = current;
  current = scope;
  try {
    return f();
  } finally {
    current = outer;
  }
}

/**
 * Runs `f`. Arrays made meanwhile come from `allocator` and are freed at the end, except those that `results` finds in
 * what `f` returns: they move to the scope around this one. Nests.
 */
export function scoped<T>(
  allocator: Allocator | null,
  f: () => T,
  results: (result: T) => Iterable<Storage>,
): T {
  const scope: Scope = { allocator, members: [] };
  try {
    const result = within(scope, f);
    for (const storage of results(result)) storage.moveOut(scope, current);
    return result;
  } finally {
    for (const storage of scope.members!) storage.endWith(scope);
  }
}

/**
 * Runs `f` within the open scope: what it makes is freed at once, except what `results` finds, which is returned beside the
 * result. Outside of any scope it only runs `f`.
 */
export function nested<T>(
  f: () => T,
  results: (result: T) => Iterable<Storage>,
): { readonly result: T; readonly made: ReadonlySet<Storage> } {
  if (current.members === null) return { result: f(), made: new Set() };
  const before = current.members.length;
  const result = scoped(current.allocator, f, results);
  return { result, made: new Set(current.members.slice(before)) };
}

/** Runs `f`. Arrays made meanwhile come from `allocator`, whatever scope is open, and no scope frees them. */
export function unscoped<T>(allocator: Allocator | null, f: () => T): T {
  return within({ allocator, members: null }, f);
}
