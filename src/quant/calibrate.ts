/** Post-training quantization: shows a module representative data. */
import { QuantizationError } from '../core/index.js';
import { tidy } from '../ops/index.js';
import { localInputs, type GraphInputs } from './inputs.js';
import type { QuantizedModule } from './quantizedModule.js';

/**
 * Runs the float network over `batches`, lets the observers watch, and leaves the module in eval mode with phase
 * 'frozen': ready to evaluate and convert, or to train on from there (phase 'train'). What was observed before is
 * forgotten. Where it throws, the phase is 'off'.
 *
 * @throws QuantizationError for an empty set, and for NaN or Infinity, naming the tensor and the batch; ShapeError for a batch
 *   of another shape
 */
export function calibrate(module: QuantizedModule, batches: Iterable<GraphInputs>): QuantizedModule {
  module.eval();
  module.resetObservers();
  module.phase = 'calibrate';
  let count = 0;
  try {
    for (const x of Symbol.iterator in Object(batches) ? batches : []) {
      tidy(() => void module.runAll(localInputs(module.graph, x, `batches[${count}]`)));
      count++;
    }
    if (count === 0)
      throw new QuantizationError(
        'batches: the calibration set is empty, or no list; give an array of typical inputs',
      );
    module.phase = 'frozen';
  } finally {
    if (module.phase === 'calibrate') module.phase = 'off';
  }
  return module;
}
