/** Networks that PyTorch exported (fixtures/torch_networks.py), against what PyTorch computes; quantized, against training. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Tensor } from '../../../src/autograd/index.js';
import { NDArray, sizeOf } from '../../../src/core/index.js';
import { importOnnx, type OnnxImport } from '../../../src/formats/onnx/index.js';
import { calibrate, compareCodes, convert, prepare, ptqConfig } from '../../../src/quant/index.js';
import { runImport } from './nodeTest.js';
import { tensor } from './build.js';

const folder = join(process.cwd(), 'test/formats/onnx/fixtures');

interface Network {
  readonly shape: readonly number[];
  readonly batch: 'free' | 'fixed';
  /** Transposes that are left: of inputs, outputs, and where blocks become pixels. */
  readonly transposes: number;
  readonly quantize: boolean;
}

const NETWORKS: Readonly<Record<string, Network>> = {
  classifier9: { shape: [2, 3, 16, 20], batch: 'fixed', transposes: 1, quantize: true },
  classifier: { shape: [2, 3, 16, 20], batch: 'free', transposes: 1, quantize: true },
  segmenter: { shape: [2, 2, 10, 12], batch: 'free', transposes: 6, quantize: true },
  segmenter11: { shape: [1, 2, 10, 12], batch: 'free', transposes: 6, quantize: true },
  attention: { shape: [3, 4, 10], batch: 'free', transposes: 7, quantize: false },
};

function load(
  name: string,
  { shape }: Network,
): { network: OnnxImport; input: Float32Array; want: Float32Array } {
  const network = importOnnx(readFileSync(join(folder, `torch_${name}.onnx`)));
  const all = new Float32Array(new Uint8Array(readFileSync(join(folder, `torch_${name}.bin`))).buffer);
  return { network, input: all.slice(0, sizeOf(shape)), want: all.slice(sizeOf(shape)) };
}

for (const [name, expected] of Object.entries(NETWORKS))
  t.test(name, (t) => {
    const { network, input, want } = load(name, expected);
    t.equal(network.kind, 'float');
    t.equal(network.graph.batch, expected.batch);
    const results = runImport(network, new Map([['x', tensor(expected.shape, [...input])]]));
    const got = Float32Array.from(results.flatMap(({ data }) => [...data]));
    t.equal(got.length, want.length);
    const largest = want.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    const worst = got.reduce((m, v, i) => Math.max(m, Math.abs(v - want[i])), 0);
    t.ok(worst <= 2e-5 * largest, `${worst} apart of ${largest}`);
    t.equal(network.graph.nodes.filter(({ op }) => op === 'transpose').length, expected.transposes);
    if (expected.quantize) {
      const x = new Tensor(new NDArray(input, expected.shape));
      const module = calibrate(prepare(network.graph, ptqConfig()), [x]);
      const { codesCompared, codesDifferent } = compareCodes(module, convert(module), [x]);
      t.equal(codesDifferent, 0, `of ${codesCompared} codes`);
    }
    t.end();
  });
