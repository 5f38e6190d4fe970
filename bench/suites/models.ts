/** Whole networks with random weights, one image: float through the ops, integers through the runtime. */
import { Tensor } from '../../src/autograd/index.js';
import { NDArray, Random, sizeOf } from '../../src/core/index.js';
import { foldBatchNorm, fuseLayers } from '../../src/graph/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../src/quant/index.js';
import { trace } from '../../src/trace/index.js';
import type { ModelCase } from '../types.js';
import { importedCases } from './imported.js';
import { modelCase } from './modelCase.js';
import { NETWORKS, type Network } from './networks.js';

/** Images that the integer networks take their ranges from. */
const CALIBRATION_IMAGES = 4;

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
  if (!quick) yield* importedCases(wanted);
}
