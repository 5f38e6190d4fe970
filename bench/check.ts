/** What a case has to give, from the reference kernels, and whether something else is that. */
import { heap, reference, resolve, type Kernel, type OpName, type OpParams } from '../kernels/index.js';
import { noGrad, Tensor } from '../src/autograd/index.js';
import { NDArray } from '../src/core/index.js';
import { decodeModel } from '../src/formats/index.js';
import { setBackend } from '../src/ops/index.js';
import { Session } from '../src/runtime/index.js';
import { GraphModule } from '../src/trace/index.js';
import { layerCall } from './layers.js';
import { firstLosses, trainer } from './ours/train.js';
import type { Case, Data } from './types.js';

/** The result of the reference kernels; null for a probe, which has none. */
export function expected(c: Case): Data | null {
  if (c.kind === 'peak') return null;
  if (c.kind === 'gemm' || c.kind === 'conv') {
    const { op, params, y } = layerCall(c, heap, c.sums);
    const kernel = resolve<OpName>(reference, op, params as OpParams[OpName]) as Kernel<OpName>;
    kernel.prepare(params, heap)();
    return y;
  }
  const restore = setBackend(reference);
  try {
    if (c.kind === 'train') return firstLosses(trainer(c));
    const { graph } = decodeModel(c.file);
    const x = new NDArray(c.x, c.inputShape);
    if (c.step > 0) return new Session(graph, { backend: reference }).run(x).data as Float32Array;
    return noGrad(() => new GraphModule(graph).eval().forward(new Tensor(x))).value.data as Float32Array;
  } finally {
    restore();
  }
}

/**
 * Largest error that still counts as right, relative to the largest result. Layers: Winograd in float is allowed 1e-5
 * (docs/performance.md); networks add up the errors of their layers, training steps those of their gradients.
 */
const FLOAT_BOUNDS = { gemm: 1e-5, conv: 1e-5, model: 2e-4, train: 2e-4, peak: 0 } as const;

export interface Verdict {
  readonly verified: boolean;
  /** How the result differs; for humans. */
  readonly note?: string;
}

/** Integers must be equal. An integer network gives floats, the multiples of a step, which must be equal too. */
export function check(c: Case, want: Data | null, got: Data): Verdict {
  if (want === null) return { verified: true };
  if (got.length !== want.length)
    return { verified: false, note: `${got.length} results instead of ${want.length}` };
  let [different, largest, scale] = [0, 0, 0];
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs(got[i] - want[i]);
    scale = Math.max(scale, Math.abs(want[i]));
    // NaN stays.
    if (!(error <= largest) && !Number.isNaN(largest)) largest = error;
    if (error !== 0) different++;
  }
  const integer = c.dtype !== 'f32';
  const step = c.kind === 'model' && integer ? c.step : 1;
  if (integer) {
    // f32(code * scale) rounds: half a step tells codes apart.
    if (c.kind === 'model')
      different = Array.from(want).filter((v, i) => Math.abs(got[i] - v) > step / 2).length;
    if (different === 0) return { verified: true };
    const by = Number((largest / step).toPrecision(3));
    return { verified: false, note: `${different} of ${want.length} codes differ, by up to ${by}` };
  }
  const bound = FLOAT_BOUNDS[c.kind];
  const relative = largest / scale;
  if (relative <= bound) return { verified: true };
  return {
    verified: false,
    note: `the largest error is ${relative.toExponential(1)} of the largest result, the bound ${bound}`,
  };
}
