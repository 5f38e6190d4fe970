/** Goes through the layers of a calibrated module in order, with what each reads in the float and the quantized network. */
import { noGrad, type Tensor } from '../../autograd/index.js';
import { QuantizationError } from '../../core/index.js';
import { isLayer, paramsOf, type LayerNode, type Node, type ValueId } from '../../graph/index.js';
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
 * Leaves the module in eval mode with phase 'frozen'. Both networks run once, node by node; what later nodes read is held for all
 * batches.
 *
 * @param visit may change the parameters of its layer, which runs afterwards
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
  const [float, quantized] = [reference, module].map((network) => new Walk(network, inputs));
  for (const node of graph.nodes) {
    if (isLayer(node)) {
      const [id] = node.inputs;
      visit({ node, float: float.values(id), quantized: quantized.values(id), reference });
    }
    float.step(node);
    quantized.step(node);
  }
}

/** A network on its way through its nodes, on all batches at once. */
class Walk {
  readonly #network: GraphModule;
  readonly #batches: number;
  readonly #values = new Map<ValueId, readonly Tensor[]>();
  /** The last node that reads each value. */
  readonly #last: ReadonlyMap<ValueId, Node>;

  constructor(network: GraphModule, batches: readonly GraphInputs[]) {
    const { graph } = network;
    this.#network = network;
    this.#batches = batches.length;
    this.#last = new Map(graph.nodes.flatMap((node) => node.inputs.map((id) => [id, node] as const)));
    const inputs = batches.map((batch) => localInputs(graph, batch));
    for (const id of graph.inputs)
      this.#values.set(
        id,
        inputs.map((batch) => tidy(() => noGrad(() => network.enter(id, batch.get(id)!)))),
      );
  }

  values(id: ValueId): readonly Tensor[] {
    return this.#values.get(id)!;
  }

  step(node: Node): void {
    const reads = node.inputs.map((id) => this.values(id));
    const run = (batch: number): Tensor =>
      this.#network.runNode(
        node,
        reads.map((values) => values[batch]),
      );
    this.#values.set(
      node.id,
      Array.from({ length: this.#batches }, (_, batch) => tidy(() => noGrad(() => run(batch)))),
    );
    for (const id of node.inputs) if (this.#last.get(id) === node) this.#values.delete(id);
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
