/** Small TFLite files for tests, and running them once they are imported. */
import { noGrad, Tensor } from '../../../src/autograd/index.js';
import { NDArray } from '../../../src/core/index.js';
import {
  encodeTflite,
  type TfliteImport,
  type TfliteModel,
  type TfliteOperator,
  type TfliteTensor,
} from '../../../src/formats/tflite/index.js';
import { GraphModule } from '../../../src/trace/index.js';
import { runSession } from '../../support/edges.js';

/** The outputs of an imported model. */
export function run({ graph, kind, inputs, outputs }: TfliteImport, data: readonly unknown[]): NDArray[] {
  const given = inputs.map(({ shape }, i) => new NDArray(data[i] as Float32Array, shape));
  if (kind !== 'float') return runSession(graph, given, 1);
  const feeds = new Map(inputs.map(({ id }, i) => [id, new Tensor(given[i])]));
  const values = noGrad(() => new GraphModule(graph).eval().runAll(feeds));
  return outputs.map(({ id }) => values.get(id)!.value);
}

export const quantization = (scale: number[], zeroPoint: number[], quantizedDimension = 0) => ({
  scale: Float32Array.from(scale),
  zeroPoint: Int32Array.from(zeroPoint),
  quantizedDimension,
  min: new Float32Array(0),
  max: new Float32Array(0),
});

export function tensor(
  name: string,
  shape: readonly number[],
  more: Partial<TfliteTensor> = {},
): TfliteTensor {
  return {
    name,
    shape,
    shapeSignature: null,
    dtype: 'float32',
    data: null,
    quantization: null,
    isVariable: false,
    ...more,
  };
}

/** The first tensor is the input, the last the output. */
export function fileOf(tensors: readonly TfliteTensor[], operators: readonly object[]): Uint8Array {
  const model: TfliteModel = {
    version: 3,
    description: '',
    subgraphs: [
      {
        name: '',
        tensors,
        inputs: [0],
        outputs: [tensors.length - 1],
        operators: operators.map((operator) => ({ version: null, ...operator }) as TfliteOperator),
      },
    ],
    metadata: new Map(),
    signatureDefs: [],
  };
  return encodeTflite(model);
}
