/** Whole networks with random weights, one image: float through the ops, integers through the runtime. */
import { Tensor } from '../../src/autograd/index.js';
import { NDArray, Random, sizeOf } from '../../src/core/index.js';
import { encodeModel } from '../../src/formats/index.js';
import { foldBatchNorm, fuseLayers, type Graph } from '../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import type { ModelCase, Suite } from '../types.js';
import { NETWORKS, type Network } from './networks.js';

/** Images that the integer networks take their ranges from. */
const CALIBRATION_IMAGES = 4;

/** Operations of the layers, two for each multiply-add, and bytes of their parameters. */
function layerCosts(graph: Graph): { ops: number; bytes: number } {
  let [ops, bytes] = [0, 0];
  for (const node of graph.nodes) {
    if (node.op !== 'conv2d' && node.op !== 'linear') continue;
    const weight = graph.params.get(node.weight)!.array;
    const outputs = sizeOf(graph.values.get(node.id)!.shape);
    ops += 2 * outputs * (weight.size / weight.shape[0]);
    bytes += weight.data.byteLength;
  }
  return { ops, bytes };
}

/** A case for a graph of one image in and scores out. */
export function modelCase(suite: Suite, shape: string, graph: Graph, x: NDArray): ModelCase {
  const output = graph.nodes.at(-1)!;
  const codes = output.op === 'dequantize' ? graph.values.get(output.inputs[0])!.qparams : null;
  return {
    suite,
    shape,
    dtype: codes === null ? 'f32' : codes.quantMin < 0 ? 's8s8' : 'u8s8',
    ...layerCosts(graph),
    kind: 'model',
    file: encodeModel(graph),
    x: x.data as Float32Array,
    inputShape: x.shape,
    step: codes === null ? 0 : codes.scale[0],
  };
}

function* networkCases({ name, input, make }: Network): Generator<ModelCase> {
  const random = new Random(`bench/${name}`);
  const images = (n: number): NDArray<'float32'> =>
    new NDArray(
      new Float32Array(n * sizeOf(input)).map(() => random.normal()),
      [n, ...input],
    );
  const model = make(random);
  const calibration = new Tensor(images(CALIBRATION_IMAGES));
  const x = images(1);
  const graph = trace(model, new Tensor(x));
  yield modelCase('models', name, foldBatchNorm(fuseLayers(graph)), x);
  // Unsigned codes: what the peers are fastest at.
  const quantized = calibrate(prepare(graph, ptqConfig({ signed: false })), [calibration]);
  yield modelCase('models', name, convert(quantized), x);
}

export function* modelCases(quick: boolean, wanted: (shape: string) => boolean): Generator<ModelCase> {
  for (const network of NETWORKS)
    if ((!quick || network.quick) && wanted(network.name)) yield* networkCases(network);
}
