/** What imports an operator. */
import type { Call, Operand } from '../call.js';
import type { Network } from '../network.js';

/** The results of an operator, in the order of its outputs. */
export type Importer = (call: Call, net: Network) => readonly Operand[];
