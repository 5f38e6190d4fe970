/** How each tensor of a graph gets its quantization parameters: four kinds cover every case. */
import type { QParams, QRange } from '../core/index.js';
import type { ValueId } from '../graph/index.js';
import type { ObserverFactory } from './observers/index.js';
import type { QuantizerFactory } from './trained/index.js';

export type QSpec =
  /** an observer watches it: inputs, layer outputs, weights */
  | {
      readonly kind: 'observed';
      readonly range: QRange;
      readonly symmetric: boolean;
      readonly axis: number | null;
      readonly observer: ObserverFactory;
      /** Null: fake quantization with what the observer proposes. */
      readonly quantizer: QuantizerFactory | null;
      readonly role: 'weight' | 'activation';
      /** Values of one group have the qparams of the union of their ranges: what a concatenation joins, where it must. */
      readonly group?: ValueId;
    }
  /** known beforehand: softmax, sigmoid and tanh outputs */
  | { readonly kind: 'fixed'; readonly qparams: QParams }
  /** codes that only move: max pool, average pool, reshape, pad, resize */
  | { readonly kind: 'shared'; readonly with: ValueId }
  /** follows from others: a bias has scale = input scale * weight scale, zero point 0, 32 bits */
  | { readonly kind: 'derived'; readonly from: readonly string[] };
