/** What the models of this folder have in common. */
import type { Random } from '../core/index.js';

export interface ModelOptions {
  /** Channels of the first layer; the others are multiples of it. */
  readonly width?: number | undefined;
  /** Default 10. */
  readonly classes?: number | undefined;
  /** Initial weights; default: the default generator. */
  readonly random?: Random | undefined;
}
