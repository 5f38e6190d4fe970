/** Post-training quantization: shows a module representative data. */
import type { Tensor } from '../autograd/index.js';
import { QuantizationError } from '../core/index.js';
import type { QuantizedModule } from './quantizedModule.js';

/**
 * Runs the float network over `batches`, lets the observers watch, and leaves the module in eval mode with phase
 * 'frozen': ready to evaluate and convert, or to train on from there (phase 'train').
 *
 * @throws QuantizationError for an empty set, and for NaN or Infinity, naming the tensor and the batch
 */
export function calibrate(module: QuantizedModule, batches: Iterable<Tensor>): QuantizedModule {
  module.eval();
  module.phase = 'calibrate';
  let count = 0;
  for (const x of batches) {
    module.forward(x);
    count++;
  }
  if (count === 0)
    throw new QuantizationError(
      'batches: the calibration set is empty; give at least one batch of typical inputs',
    );
  module.phase = 'frozen';
  return module;
}
