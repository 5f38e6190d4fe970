/**
 * What a page and Node have to compute bit for bit alike: runs of integer models from files, steps of training, and
 * kernels on several threads.
 */
import * as kernels from '../../kernels/index.js';
import { tensor, type Tensor } from '../../src/autograd/index.js';
import { Random, type TypedArray } from '../../src/core/index.js';
import { crc32, decodeModel, encodeModel } from '../../src/formats/index.js';
import { crossEntropy } from '../../src/ops/index.js';
import { Adam } from '../../src/optim/index.js';
import { calibrate, convert, prepare, qatConfig } from '../../src/quant/index.js';
import { Session } from '../../src/runtime/index.js';
import { trace } from '../../src/trace/index.js';
import { codes, floats } from '../kernels/js/samples.js';
import { batches, EveryOp, normal, TinyCnn } from '../support/models.js';

/** Checksums of arrays, by what they are. */
export type Sums = Record<string, string>;

interface Trainable {
  forward(x: Tensor): Tensor;
  namedParameters(): Iterable<readonly [string, Tensor]>;
}

const SHAPE = [4, 8, 8, 2];
/** The lists of kernels/index.ts that have a kernel for everything. */
const BACKENDS = Object.entries(kernels).filter(
  (entry): entry is [string, kernels.Backend] =>
    Array.isArray(entry[1]) && kernels.reference.every((kernel) => (entry[1] as unknown[]).includes(kernel)),
);
const MODELS: Readonly<Record<string, () => TinyCnn | EveryOp>> = {
  tiny: () => new TinyCnn(),
  every: () => new EveryOp(),
};

/** One integer model file for each of MODELS, by its path on the server. */
export function modelFiles(): Map<string, Uint8Array> {
  return new Map(
    Object.entries(MODELS).map(([name, make]) => {
      const prepared = prepare(trace(make(), normal(SHAPE)), qatConfig());
      return [`/models/${name}`, encodeModel(convert(calibrate(prepared, batches(2, SHAPE))))];
    }),
  );
}

/** Every value of the graph in a model file, computed by each backend. */
export function runModel(bytes: Uint8Array): Sums {
  const { graph } = decodeModel(bytes);
  const sums: Sums = {};
  for (const [name, backend] of BACKENDS) {
    const session = new Session(graph, { batch: 4, keep: true, backend });
    sums[`${name}: output`] = sum(session.run(normal(SHAPE, 5).value).data);
    for (const id of graph.values.keys()) sums[`${name}: ${id}`] = sum(session.tensor(id).data);
  }
  return sums;
}

/** Losses and parameters of three steps, in float and with fake quantization. */
export function trainModels(): Sums {
  const sums: Sums = {};
  const target = tensor([0, 1, 2, 1], { dtype: 'int32' });
  const train = (name: string, model: Trainable): void => {
    const parameters = [...model.namedParameters()];
    const optimizer = new Adam(
      parameters.map(([, p]) => p),
      { lr: 0.01 },
    );
    for (let step = 0; step < 3; step++) {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(normal(SHAPE, step)), target);
      loss.backward();
      optimizer.step();
      sums[`${name}: loss ${step}`] = sum(loss.value.data);
    }
    for (const [id, parameter] of parameters) sums[`${name}: ${id}`] = sum(parameter.value.data);
  };
  for (const [name, make] of Object.entries(MODELS)) {
    train(`${name} float`, make());
    const prepared = prepare(trace(make(), normal(SHAPE)), qatConfig());
    train(`${name} QAT`, calibrate(prepared, batches(2, SHAPE)).train());
  }
  return sums;
}

/** Products large enough to be split between threads, on WebAssembly. */
export function multiply(): Sums {
  const random = new Random('threads');
  const [m, n, k] = [256, 96, 160];
  const [y, c] = [new Int32Array(m * n), new Float32Array(m * n)];
  const memory = kernels.memoryOf(kernels.wasm);
  const operands = { m, n, k, bias: null };
  const codeOperands = {
    x: codes(random, m * k, true),
    xZeroPoint: 3,
    w: codes(random, n * k, true),
    wZeroPoint: 0,
  };
  kernels.run(kernels.wasm, 'qgemm', { ...operands, ...codeOperands, requant: null, y }, memory);
  const realOperands = { a: floats(random, m * k), b: floats(random, k * n), transA: false, transB: false };
  kernels.run(kernels.wasm, 'gemm', { ...operands, ...realOperands, accumulate: false, c }, memory);
  return { qgemm: sum(y), gemm: sum(c) };
}

const sum = (data: TypedArray): string =>
  crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)).toString(16);
