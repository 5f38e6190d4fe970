/** From a float graph to a module with fake quantization. */
import { fuseLayers, type Graph } from '../graph/index.js';
import { cloneParams } from '../trace/index.js';
import type { QConfig } from './qconfig.js';
import { QuantizedModule } from './quantizedModule.js';

/**
 * Fuses batch norm and clamps into the layers before them and puts quantizers on weights, activations and biases. The
 * weights are copied: the float model stays as it is.
 *
 * @throws QuantizationError for ops that have no integer form, a graph that is quantized already, or unknown names
 */
export function prepare(graph: Graph, config: QConfig): QuantizedModule {
  return new QuantizedModule(fuseLayers(cloneParams(graph)), config);
}
