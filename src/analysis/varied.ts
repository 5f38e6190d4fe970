/** A quantized network with some of its quantizers exchanged, without another calibration. */
import type { QParams } from '../core/index.js';
import { quantizerOf } from '../quant/annotate.js';
import { QuantizedModule, Quantizer } from '../quant/index.js';

/** Runs like `base`, in eval mode, but for values and weights that have other qparams, or null to stay in float. */
export class VariedModule extends QuantizedModule {
  readonly #base: QuantizedModule;
  readonly #changed: ReadonlyMap<string, Quantizer | null>;

  /** @param base calibrated; its parameters are shared */
  constructor(base: QuantizedModule, changes: ReadonlyMap<string, QParams | null>) {
    super(base.graph, base.config);
    this.#base = base;
    this.#changed = new Map(
      Array.from(changes, ([id, qparams]) => [
        id,
        qparams === null ? null : new Quantizer(id, { kind: 'fixed', qparams }),
      ]),
    );
    this.eval();
    // as 'frozen', which asks for a calibration of its own
    this.phase = 'train';
  }

  override quantizer(id: string): Quantizer | null {
    const root = quantizerOf(this.specs, id);
    if (root === null) return null;
    const changed = this.#changed.get(root);
    return changed === undefined ? this.#base.quantizer(root) : changed;
  }
}
