/** What quantization costs in accuracy: models trained on Fashion-MNIST as by the demo, float and W8A8, and their latency. */
import { NDArray } from '../../src/core/index.js';
import { loadData } from '../../src/cli/data.js';
import { runJob } from '../../src/cli/demo/job.js';
import { FULL, QUICK, type ModelPlan } from '../../src/cli/demo/plan.js';
import { decodeModel } from '../../src/formats/index.js';
import { setBackend } from '../../src/ops/index.js';
import { MODEL_NAMES } from '../../src/models/index.js';
import { wasm } from '../../kernels/index.js';
import type { ModelCase } from '../types.js';
import { modelCase } from './modelCase.js';

const SEED = '2';
const METHODS = ['PTQ', 'QAT'] as const;

function planOf(model: ModelPlan['model']): ModelPlan {
  const variants = METHODS.map((method) => ({ method, weightBits: 8, granularity: 'per-channel' as const }));
  return { model, variants };
}

/** Trains: minutes for all models, and with `quick` seconds for numbers that mean little. */
export async function* accuracyCases(
  quick: boolean,
  wanted: (shape: string) => boolean,
  say: (line: string) => void,
): AsyncGenerator<ModelCase> {
  const data = loadData(undefined);
  const restore = setBackend(wasm);
  try {
    for (const model of MODEL_NAMES) {
      if (!wanted(model)) continue;
      say(`training ${model}`);
      const { variants } = await runJob(
        { plan: planOf(model), limits: quick ? QUICK : FULL, seed: SEED },
        data,
        () => undefined,
      );
      const image = new NDArray(
        new Float32Array(784).map((_, i) => (i % 29) / 29),
        [1, 28, 28, 1],
      );
      for (const { name, top1, file } of variants) {
        const { graph } = decodeModel(file);
        yield { ...modelCase('accuracy', `${model} ${name}`, graph, image), top1 };
      }
    }
  } finally {
    restore();
  }
}
