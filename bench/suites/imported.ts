/** Networks of other makers. Their outputs are joined into one, so that every network is one input and one output. */
import { Tensor } from '../../src/autograd/index.js';
import { NDArray, Random, sizeOf } from '../../src/core/index.js';
import { GraphBuilder, type Graph } from '../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import type { ModelCase } from '../types.js';
import { importedNetworks } from './importedNetworks.js';
import { modelCase } from './modelCase.js';

const CALIBRATION_IMAGES = 2;

/** The same network with all outputs, flattened, in one. */
function joined(graph: Graph): Graph {
  const build = new GraphBuilder(graph.numerics);
  for (const { id, array, qparams } of graph.params.values()) build.param(id, array, qparams);
  for (const id of graph.inputs) build.input(id, graph.values.get(id)!.shape);
  for (const { id, ...node } of graph.nodes) build.node(id, node);
  const flat = graph.outputs.map((id) =>
    build.node(`${id}/flat`, { op: 'reshape', inputs: [id], shape: [1, sizeOf(build.shape(id))] }),
  );
  const output = flat.length === 1 ? flat[0] : build.node('outputs', { op: 'concat', inputs: flat, axis: 1 });
  return build.finish([output], graph.batch);
}

/** Float and integer case of every network that is there. */
export function* importedCases(wanted: (shape: string) => boolean): Generator<ModelCase> {
  for (const { name, load } of importedNetworks()) {
    if (!wanted(name)) continue;
    const graph = joined(load());
    const { shape } = graph.values.get(graph.inputs[0])!;
    const random = new Random(`bench/${name}`);
    const images = Array.from(
      { length: CALIBRATION_IMAGES },
      () =>
        new NDArray(
          Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1)),
          shape,
        ),
    );
    yield modelCase('models', name, graph, images[0]);
    const module = prepare(graph, ptqConfig({ signed: false }));
    const quantized = calibrate(
      module,
      images.map((x) => new Tensor(x)),
    );
    yield modelCase('models', name, convert(quantized), images[0]);
  }
}
