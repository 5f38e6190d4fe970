/** What imports an operator. */
import type { Call, Operand } from '../call.js';
import type { Network } from '../network.js';

/** The results of a node, in the order of its outputs; null where one is not made. */
export type Importer = (call: Call, net: Network) => readonly (Operand | null)[];
export type Importers = Readonly<Record<string, Importer>>;
