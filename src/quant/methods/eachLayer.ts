/** Goes through the layers of a calibrated module in order, with what each reads in the float and the quantized network. */
import { noGrad, type Tensor } from '../../autograd/index.js';
import { QuantizationError } from '../../core/index.js';
import { isLayer, paramsOf, type LayerNode } from '../../graph/index.js';
import { tidy } from '../../ops/index.js';
import { cloneParams, GraphModule } from '../../trace/index.js';
import { localInputs, type GraphInputs } from '../inputs.js';
import type { QuantizedModule } from '../quantizedModule.js';

export interface LayerVisit {
  readonly node: LayerNode;
  /** What the layer reads in the float network, batch by batch. */
  readonly float: readonly Tensor[];
  /** What it reads in the quantized network, after what was done to the layers before. */
  readonly quantized: readonly Tensor[];
  /** The float network as it was before the first visit. */
  readonly reference: GraphModule;
}

/**
 * Leaves the module in eval mode with phase 'frozen'. Holds what one layer reads for all batches, and runs both networks on all
 * of them for each layer.
 *
 * @param check refuses a layer before anything is changed
 * @throws QuantizationError for a module that was not calibrated, no batch, and layers that share parameters
 */
export function eachLayer(
  module: QuantizedModule,
  batches: Iterable<GraphInputs>,
  visit: (layer: LayerVisit) => void,
  check: (node: LayerNode) => void = () => undefined,
): void {
  module.eval();
  module.phase = 'frozen';
  const { graph } = module;
  const layers = graph.nodes.filter(isLayer);
  requireOwnParameters(layers);
  layers.forEach(check);
  const inputs = [...batches];
  if (inputs.length === 0)
    throw new QuantizationError('batches: there are none; give at least one batch of typical inputs');
  const reference = new GraphModule(cloneParams(graph)).eval();
  for (const node of layers) {
    const read = (network: GraphModule): Tensor[] =>
      inputs.map((x) => tidy(() => noGrad(() => network.runAll(localInputs(graph, x)).get(node.inputs[0])!)));
    visit({ node, float: read(reference), quantized: read(module), reference });
  }
}

function requireOwnParameters(layers: readonly LayerNode[]): void {
  const owner = new Map<string, string>();
  for (const node of layers)
    for (const id of paramsOf(node)) {
      const other = owner.get(id);
      if (other !== undefined)
        throw new QuantizationError(
          `${id}: layers ${other} and ${node.id} share this parameter, which cannot be changed for one of them; give each its own`,
        );
      owner.set(id, node.id);
    }
}
