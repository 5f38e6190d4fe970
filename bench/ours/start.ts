/** This library as a measured process: `child.js ours/start.js NAME[+revectorize]`. */
import { resolve, type Kernel, type OpName, type OpParams } from '../../kernels/index.js';
import { noGrad, Tensor } from '../../src/autograd/index.js';
import { NDArray } from '../../src/core/index.js';
import { decodeModel } from '../../src/formats/index.js';
import { tidy } from '../../src/ops/index.js';
import { Session } from '../../src/runtime/index.js';
import { GraphModule } from '../../src/trace/index.js';
import { layerCall } from '../layers.js';
import type { Implementation, Loaded } from '../process/implementation.js';
import type { Case, ConvCase, Data, GemmCase, ModelCase, TrainCase } from '../types.js';
import { select, type OurName, type Ours } from './implementations.js';
import { loadProbe } from './probe.js';
import { firstLosses, trainer } from './train.js';

/** Beyond this many operations the reference is not timed: one run would take seconds. */
const REFERENCE_LIMIT = 6e6;

function loadLayer(c: GemmCase | ConvCase, { backend, place }: Ours): Loaded {
  const { memory, free } = place();
  const { op, params, y } = layerCall(c, memory, c.sums);
  const kernel = resolve<OpName>(backend, op, params as OpParams[OpName]) as Kernel<OpName>;
  return { run: kernel.prepare(params, memory), output: () => y, kernel: kernel.name, dispose: free };
}

function loadModel(c: ModelCase, { backend }: Ours): Loaded {
  const { graph } = decodeModel(c.file);
  const x = new NDArray(c.x, c.inputShape);
  let y: NDArray = x;
  if (c.step > 0) {
    const session = new Session(graph, { backend });
    const kernel = [...new Set(session.kernels.map((k) => k.kernel))].join(', ');
    return { run: () => void (y = session.run(x)), output: () => y.data as Float32Array, kernel };
  }
  const module = new GraphModule(graph).eval();
  const input = new Tensor(x);
  let scores: Data = c.x;
  return {
    run: () => {
      scores = tidy(() => noGrad(() => module.forward(input)).value.data.slice()) as Float32Array;
    },
    output: () => scores,
  };
}

function loadTraining(c: TrainCase): Loaded {
  const step = trainer(c);
  const losses = firstLosses(step);
  return { run: step, output: () => losses };
}

export async function start(argument: string): Promise<Implementation> {
  const [name, revectorize] = argument.split('+');
  const ours = await select(name as OurName, revectorize !== undefined);
  const load = (c: Case): Loaded | string => {
    if (name === 'reference' && c.ops > REFERENCE_LIMIT) return 'the reference takes too long';
    if (c.kind === 'peak') return loadProbe(c, revectorize !== undefined);
    if (c.kind === 'train') return loadTraining(c);
    if (c.kind === 'model') return loadModel(c, ours);
    return loadLayer(c, ours);
  };
  return { threads: ours.threads, version: process.version, load };
}
