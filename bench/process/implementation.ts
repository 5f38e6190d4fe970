/** What a measured process consists of. */
import type { Case, Data } from '../types.js';

/** One case, ready to run. */
export interface Loaded {
  /** Does the work once; the result need not be read. Asynchronous where the implementation is. */
  readonly run: () => unknown;
  /** The result of the latest run. */
  readonly output: () => Data | Promise<Data>;
  /** The kernel that runs, where it has a name. */
  readonly kernel?: string;
  readonly dispose?: () => void;
}

export interface Implementation {
  readonly threads: number;
  readonly version: string;
  /** Null, or a reason, when the implementation has nothing for this case. */
  load(c: Case): Promise<Loaded | string> | Loaded | string;
}
