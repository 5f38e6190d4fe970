/** Golden topic `optim`: optimizers, schedules, clipping and initialisation bounds against PyTorch. */
import { Tensor } from '../../src/autograd/index.js';
import { NDArray, type FloatArray, type FloatDType, type Shape } from '../../src/core/index.js';
import { init } from '../../src/nn/index.js';
import * as optim from '../../src/optim/index.js';
import {
  expectClose,
  type CaseRunner,
  type GoldenCase,
  type ReadTensor,
  type TopicRunner,
} from './common.js';

type Attrs = Record<string, number & boolean & string & [number, number] & number[]>;

const PRECISIONS = [
  ['float32', 'tol_f32'],
  ['float64', 'tol_f64'],
] as const;

function makeOptimizer(kind: string, params: Tensor[], a: Attrs): optim.Optimizer<never> {
  const { lr, betas, eps, momentum, dampening, nesterov, amsgrad, alpha, centered } = a;
  const weightDecay = a['weight_decay'];
  switch (kind) {
    case 'sgd':
      return new optim.SGD(params, { lr, momentum, dampening, nesterov, weightDecay }) as never;
    case 'adam':
      return new optim.Adam(params, { lr, betas, eps, amsgrad, weightDecay }) as never;
    case 'adamw':
      return new optim.AdamW(params, { lr, betas, eps, amsgrad, weightDecay }) as never;
    case 'rmsprop':
      return new optim.RMSprop(params, { lr, alpha, eps, momentum, centered, weightDecay }) as never;
    default:
      throw new Error(`unknown optimizer ${kind}`);
  }
}

function makeRule(kind: string, a: Attrs): optim.LrRule {
  switch (kind) {
    case 'constant':
      return optim.constant();
    case 'step':
      return optim.stepDecay({ stepSize: a['step_size'], gamma: a['gamma'] });
    case 'multistep':
      return optim.multiStep({ milestones: a['milestones'], gamma: a['gamma'] });
    case 'exponential':
      return optim.exponential({ gamma: a['gamma'] });
    case 'cosine':
      return optim.cosine({ tMax: a['t_max'], etaMin: a['eta_min'] });
    case 'cosine_restarts':
      return optim.cosineRestarts({ t0: a['t_0'], tMult: a['t_mult'], etaMin: a['eta_min'] });
    case 'linear_warmup':
      return optim.linearWarmup({
        startFactor: a['start_factor'],
        endFactor: a['end_factor'],
        totalIters: a['total_iters'],
      });
    case 'one_cycle':
      return optim.oneCycle({
        maxLr: a['max_lr'],
        totalSteps: a['total_steps'],
        pctStart: a['pct_start'],
        anneal: a['anneal'] as 'cos' | 'linear',
        divFactor: a['div_factor'],
        finalDivFactor: a['final_div_factor'],
        threePhase: a['three_phase'],
      });
    default:
      throw new Error(`unknown schedule ${kind}`);
  }
}

function parameters(shapes: Shape[], dtype: FloatDType): Tensor[] {
  return shapes.map((shape) => new Tensor(NDArray.zeros(shape, dtype), { requiresGrad: true }));
}

function setGrad(p: Tensor, values: FloatArray): void {
  p.grad = NDArray.like(p.value);
  p.grad.data.set(values);
}

const optimizer: CaseRunner = (c, read) => {
  const names = Object.keys(c.outputs!);
  for (const [dtype, tolerance] of PRECISIONS) {
    const params = parameters(
      names.map((n) => c.inputs![n].shape),
      dtype,
    );
    names.forEach((n, k) => params[k].data.set(read(c.inputs![n])));
    const opt = makeOptimizer(c['kind'] as string, params, c.attrs as Attrs);
    const spec = c['schedule'] as (Attrs & { kind: string }) | undefined;
    const schedule = spec ? new optim.Schedule(opt, makeRule(spec.kind, spec)) : null;
    for (let t = 0; t < (c['steps'] as number); t++) {
      params.forEach((p, k) => setGrad(p, row(read, c, `g${k}`, t, p.size)));
      opt.step();
      schedule?.step();
      names.forEach((n, k) => {
        const want = read(c.outputs![n]).subarray(t * params[k].size, (t + 1) * params[k].size);
        expectClose(`${dtype} ${n} after step ${t}`, params[k].data, want, c[tolerance]!);
      });
    }
  }
};

function row(read: ReadTensor, c: GoldenCase, name: string, t: number, size: number): FloatArray {
  return (read(c.inputs![name]) as FloatArray).subarray(t * size, (t + 1) * size);
}

const lrSchedule: CaseRunner = (c) => {
  const want = c['lrs'] as number[];
  const groups = [{ lr: c['base_lr'] as number, params: [] }];
  const schedule = new optim.Schedule({ groups }, makeRule(c['kind'] as string, c.attrs as Attrs));
  const got = want.map(() => {
    const lr = schedule.lr;
    schedule.step();
    return lr;
  });
  expectClose('lrs', got, want, c.tol_f64!);
};

const reduceOnPlateau: CaseRunner = (c) => {
  const a = c.attrs as Attrs;
  const groups = [{ lr: c['base_lr'] as number, params: [] }];
  const plateau = new optim.ReduceOnPlateau(
    { groups },
    {
      mode: a['mode'] as 'min' | 'max',
      factor: a['factor'],
      patience: a['patience'],
      threshold: a['threshold'],
      thresholdMode: a['threshold_mode'] as 'rel' | 'abs',
      cooldown: a['cooldown'],
      minLr: a['min_lr'],
    },
  );
  const got = (c['metrics'] as number[]).map((metric) => {
    plateau.step(metric);
    return groups[0].lr;
  });
  expectClose('lrs_after', got, c['lrs_after'] as number[], c.tol_f64!);
};

const clipGradNorm: CaseRunner = (c, read) => {
  const refs = Object.entries(c.inputs!);
  for (const [dtype, tolerance] of PRECISIONS) {
    const params = parameters(
      refs.map(([, ref]) => ref.shape),
      dtype,
    );
    refs.forEach(([, ref], k) => setGrad(params[k], read(ref) as FloatArray));
    const a = c.attrs as Attrs;
    const norm = optim.clipGradNorm(params, a['max_norm'], { normType: a['norm_type'] });
    expectClose(`${dtype} norm`, [norm], [c['total_norm'] as number], c[tolerance]!);
    refs.forEach(([name], k) =>
      expectClose(`${dtype} ${name}`, params[k].grad!.data, read(c.outputs![name]), c[tolerance]!),
    );
  }
};

const GAINS: Readonly<Record<string, number>> = {
  relu: init.gainOf('relu'),
  linear: init.gainOf('linear'),
  'leaky_relu_0.2': init.gainOf('leakyRelu', 0.2),
  default_a_sqrt5: init.gainOf('leakyRelu', Math.sqrt(5)),
  tanh: init.gainOf('tanh'),
};

const initRanges: CaseRunner = (c) => {
  const [out, inputs, ...kernel] = c['shape'] as number[];
  const shape = [out, ...kernel, inputs];
  const { fanIn, fanOut } = init.fansOf(shape);
  expectClose('fans', [fanIn, fanOut], [c['fan_in'] as number, c['fan_out'] as number], { abs: 0, rel: 0 });
  for (const [name, want] of Object.entries(c['expected'] as Record<string, Record<string, number>>)) {
    const gain = GAINS[name];
    const got: Record<string, number> = {
      gain,
      kaiming_uniform_bound_fan_in: init.kaimingBound(shape, { gain }),
      kaiming_uniform_bound_fan_out: init.kaimingBound(shape, { gain, mode: 'fanOut' }),
      kaiming_normal_std_fan_in: init.kaimingStd(shape, { gain }),
      kaiming_normal_std_fan_out: init.kaimingStd(shape, { gain, mode: 'fanOut' }),
      xavier_uniform_bound: init.xavierBound(shape, { gain }),
      xavier_normal_std: init.xavierStd(shape, { gain }),
    };
    for (const [key, value] of Object.entries(want))
      expectClose(`${name} ${key}`, [got[key]], [value], c.tol_f64!);
  }
};

export const optimTopic: TopicRunner = {
  optimizer,
  lr_schedule: lrSchedule,
  reduce_on_plateau: reduceOnPlateau,
  clip_grad_norm: clipGradNorm,
  init_ranges: initRanges,
};
