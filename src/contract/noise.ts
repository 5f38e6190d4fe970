/** Where quantization loses: the signal-to-noise ratio of every value of a quantized network against the float one. */
import { noGrad, type Tensor } from '../autograd/index.js';
import type { Node, ValueId } from '../graph/index.js';
import { tidy } from '../ops/index.js';
import type { QuantizedModule } from '../quant/index.js';

export interface ValueNoise {
  readonly id: ValueId;
  readonly op: Node['op'];
  /** dB; Infinity where nothing is lost. */
  readonly sqnr: number;
  /** dB that this node loses over the noisiest of its inputs; below 0 where it gains. */
  readonly loss: number;
}

/** 10 log10 of the energy of `signal` over that of the difference. */
export function sqnr(signal: ArrayLike<number>, other: ArrayLike<number>): number {
  let [energy, noise] = [0, 0];
  for (let i = 0; i < signal.length; i++) {
    energy += signal[i] ** 2;
    noise += (signal[i] - other[i]) ** 2;
  }
  return noise === 0 ? Infinity : 10 * Math.log10(energy / noise);
}

/**
 * Every node of a calibrated module on one batch, the one that loses most first.
 *
 * @param inputs by input of the graph
 */
export function noiseByNode(module: QuantizedModule, inputs: ReadonlyMap<ValueId, Tensor>): ValueNoise[] {
  const { phase, training } = module;
  module.eval();
  const ratios = new Map<ValueId, number>();
  try {
    tidy(() => {
      module.phase = 'off';
      const float = noGrad(() => module.runAll(inputs));
      module.phase = 'frozen';
      const quantized = noGrad(() => module.runAll(inputs));
      for (const [id, tensor] of float) ratios.set(id, sqnr(tensor.data, quantized.get(id)!.data));
    });
  } finally {
    module.phase = phase;
    module.train(training);
  }
  return module.graph.nodes
    .filter(({ op }) => op !== 'constant')
    .map(({ id, op, inputs: reads }) => {
      const here = ratios.get(id)!;
      const before = Math.min(...reads.map((input) => ratios.get(input)!));
      return { id, op, sqnr: here, loss: before === Infinity && here === Infinity ? 0 : before - here };
    })
    .sort((a, b) => b.loss - a.loss);
}
