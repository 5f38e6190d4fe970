/** Linear layers quantized dynamically: ONNX Runtime has to give the same floats, bit for bit. */
import { noGrad, Tensor } from '../../src/autograd/index.js';
import { NDArray, Random } from '../../src/core/index.js';
import { exportOnnx } from '../../src/formats/onnx/index.js';
import { Linear, ReLU, Sequential } from '../../src/nn/index.js';
import { quantizeDynamic } from '../../src/quant/methods/index.js';
import { GraphModule, trace } from '../../src/trace/index.js';
import { markdown, runThere } from '../comparison.js';
import { startOrt } from '../runtimes/ort.js';
import { withModel } from '../runtimes/types.js';
import type { PartResult } from './part.js';

/** Widths of the layers, with ReLU between. */
const NETWORKS = [
  [1, 1],
  [7, 3],
  [33, 17, 5],
  [784, 512, 512, 10],
] as const;
const ROWS = [1, 2, 37];
const GRANULARITIES = ['per-channel', 'per-tensor'] as const;

export async function compareDynamic(): Promise<PartResult> {
  const random = new Random(1);
  const counts: { runtime: string; widths: string; compared: number; differing: number }[] = [];
  for (const name of ['onnxruntime-web', 'onnxruntime-node'] as const) {
    const runtime = await startOrt(name);
    for (const widths of NETWORKS) {
      const layers = widths
        .slice(1)
        .flatMap((outputs, i) => [
          ...(i === 0 ? [] : [new ReLU()]),
          new Linear(widths[i], outputs, { random }),
        ]);
      const model = new Sequential(...layers);
      const count = { runtime: name, widths: widths.join('-'), compared: 0, differing: 0 };
      for (const rows of ROWS)
        for (const granularity of GRANULARITIES) {
          const size = rows * widths[0];
          const x = new NDArray(
            Float32Array.from({ length: size }, () => 3 * random.normal()),
            [rows, widths[0]],
          );
          const graph = quantizeDynamic(trace(model, new Tensor(x)), { granularity });
          const want = noGrad(() => new GraphModule(graph).eval().forward(new Tensor(x))).data;
          const { bytes } = exportOnnx(graph, { batch: rows });
          const [got] = await withModel(runtime, bytes, (loaded) => runThere(loaded, [x]));
          count.compared += want.length;
          want.forEach((v, i) => (count.differing += Object.is(Number(got[i]), v) ? 0 : 1));
        }
      counts.push(count);
    }
  }
  const failures = counts
    .filter(({ differing }) => differing > 0)
    .map(({ runtime, widths, differing }) => `${runtime}: ${differing} results of ${widths} differ`);
  const rows = counts.map((c) => [c.widths, c.runtime, `${c.differing} of ${c.compared}`]);
  return { failures, json: counts, text: markdown(['widths', 'runtime', 'floats that differ'], rows) };
}
