/** Every method on every network: what low bits cost, and who wins how much of it back. */
import { MODEL_NAMES, type ModelName } from '../../../src/models/index.js';
import { methodNamed, OBSERVERS, PTQ, QAT, QAT_WAYS, quantize, type Method } from '../methods.js';
import { calibrationBatches, scoreIntegers, trainQuantized } from '../training.js';
import { W2A4, W4A4, W4A8, W8A8, type Bits, type Sizes, type Suite } from '../types.js';
import { floatUnit } from './float.js';

const GRID: readonly { readonly methods: readonly Method[]; readonly bits: readonly Bits[] }[] = [
  { methods: PTQ, bits: [W8A8, W4A8, W4A4] },
  { methods: QAT.filter(({ name }) => name !== 'QAT LSQ+'), bits: [W8A8, W4A8, W4A4, W2A4] },
  // its zero points hardly move where codes are many
  { methods: [methodNamed(QAT, 'QAT LSQ+'), ...QAT_WAYS], bits: [W4A4, W2A4] },
];

function suite(name: string, version: number, grid: typeof GRID): Suite {
  const methods = grid.flatMap((part) => part.methods);
  const variants = grid.flatMap((part) =>
    part.bits.flatMap((bits) => part.methods.map((method) => ({ bits, variant: method.name }))),
  );
  const unitsOf = (network: ModelName, seed: number, sizes: Sizes) =>
    variants.map(({ bits, variant }) => ({
      ...{ suite: name, version, network, seed, variant, bits, sizes },
      needs: [floatUnit(network, seed, sizes)],
    }));
  return {
    name,
    units: (seed, sizes) => MODEL_NAMES.flatMap((network) => unitsOf(network, seed, sizes)),
    async run(unit, [graph], data) {
      const method = methodNamed(methods, unit.variant);
      const { schedule } = method;
      const batches = calibrationBatches(unit, data);
      const module = quantize(method, graph, batches, unit.bits!, unit);
      if (method.rates !== null) await trainQuantized(unit, module, data, method.rates, { schedule });
      method.finish?.(module, batches);
      return { ...scoreIntegers(unit, module, data), model: null };
    },
  };
}

export const networks = suite('networks', 1, GRID);

/** What chooses the ranges of activations, where it matters most. */
export const observers = suite('observers', 2, [{ methods: OBSERVERS, bits: [W4A4] }]);
