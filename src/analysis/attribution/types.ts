/** What an attribution says, as plain JSON. */
import type { Node, ValueId } from '../../graph/index.js';
import type { Source } from './sources.js';

export interface Fix {
  readonly name: string;
  /** Where it was applied; null for the whole network. */
  readonly layer: ValueId | null;
  /** dB of the network's outputs with it. */
  readonly sqnr: number;
  /** dB more than without. */
  readonly gain: number;
}

export interface LayerAttribution {
  readonly id: ValueId;
  readonly op: Node['op'] | 'input';
  /** dB of its output on the float network's values: what this layer alone loses. */
  readonly sqnr: number;
  /** dB of its output in the quantized network, with all layers before it. */
  readonly networkSqnr: number;
  /** Energy of the error that belongs to `sqnr`, over that of the output; so are the sources. */
  readonly total: number;
  /** Each alone. Sources that the node has not are left out. */
  readonly sources: Readonly<Partial<Record<Source, number>>>;
  /** What `total` has more than the sources together; below 0 where they cancel each other. */
  readonly remainder: number;
  /** The largest source; null where nothing is lost. */
  readonly main: Source | null;
  /** Applied to this layer alone, best first. */
  readonly fixes: readonly Fix[];
  /** The first of them; null where none gains more than 0.1 dB. */
  readonly best: Fix | null;
}

export interface Attribution {
  /** dB of the network's outputs. */
  readonly sqnr: number;
  /** Inputs and nodes with codes of their own, in their order. */
  readonly layers: readonly LayerAttribution[];
  /** Methods that change several layers, best first. */
  readonly network: readonly Fix[];
  /** The best of all fixes; null where none gains more than 0.1 dB. */
  readonly best: Fix | null;
}
