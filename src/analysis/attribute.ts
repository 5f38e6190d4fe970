/** Why a layer hurts: its error split by source, and what each fix is worth, measured. */
import { noGrad, type Tensor } from '../autograd/index.js';
import { ArgumentError } from '../core/index.js';
import type { Node, ValueId } from '../graph/index.js';
import { fakeQuantize, tidy } from '../ops/index.js';
import type { GraphInputs, QuantizedModule } from '../quant/index.js';
import { localInputs } from '../quant/inputs.js';
import { GraphModule } from '../trace/index.js';
import { localFixes, networkFixes, type LocalFix, type NetworkFixOptions } from './attribution/fixes.js';
import { perturbations, type Perturbation, type Source } from './attribution/sources.js';
import type { Attribution, Fix, LayerAttribution } from './attribution/types.js';
import { Noise } from './noise.js';
import { dependents, rerun } from './rerun.js';
import { VariedModule } from './varied.js';

export interface AttributeOptions extends NetworkFixOptions {
  /** Whether the methods that change the whole network are measured. Default true. */
  readonly network?: boolean;
}

/** A fix on its way through the data. */
interface Trial {
  readonly name: string;
  readonly network: VariedModule;
  readonly noise: Noise;
}

/** A node, or an input of the graph, on its way through the data. */
interface Subject {
  readonly id: ValueId;
  readonly node: Node | null;
  readonly after: readonly Node[];
  readonly sources: ReadonlyMap<Source, { readonly run: Perturbation; readonly noise: Noise }>;
  readonly together: Noise;
  readonly inNetwork: Noise;
  readonly trials: readonly Trial[];
}

/** A fix that gains less than this, in dB, is none. */
const WORTH = 0.1;

/**
 * For every layer, and every other node and input with codes of its own: the energy of its output's error, with the *float* network's
 * values as its inputs, so that it is the error that this layer makes by itself. Each source is turned on alone with the others off;
 * what the sum of them leaves of the error with all sources on is the `remainder`: sources that strengthen or cancel each other.
 *
 * Then every fix is applied to this layer alone, in the quantized network, and the gain at the outputs of the network is measured:
 * other ranges, per-channel scales, 8 bits. Equalization, bias correction, AdaRound and per-channel scales everywhere concern several
 * layers and are measured on the whole network.
 *
 * @param module calibrated; not changed
 * @param data typical inputs; ranges and methods of the fixes are made on them too
 * @throws ArgumentError for no batch; QuantizationError for a module that was not calibrated
 */
export function attribute(
  module: QuantizedModule,
  data: Iterable<GraphInputs>,
  options: AttributeOptions = {},
): Attribution {
  const batches = [...data];
  if (batches.length === 0) throw new ArgumentError('data: there is no batch; give at least one');
  module.requireCalibrated();
  // AdaRound trains
  const others = (options.network === false ? [] : networkFixes(module, batches, options)).map(
    ({ name, make }) => ({
      name,
      network: make(),
      noise: new Noise(),
    }),
  );
  return noGrad(() => {
    const { graph } = module;
    const float = new GraphModule(graph).eval();
    const base = new VariedModule(module, new Map());
    const subjects = subjectsOf(module, float, localFixes(module, batches));
    const whole = new Noise();
    for (const batch of batches)
      tidy(() => {
        const inputs = localInputs(graph, batch);
        const real = float.runAll(inputs);
        const coded = base.runAll(inputs);
        const outputs = graph.outputs.map((id) => real.get(id)!);
        addAll(
          whole,
          outputs,
          graph.outputs.map((id) => coded.get(id)!),
        );
        for (const { network, noise } of others)
          tidy(() => {
            const values = network.runAll(inputs);
            addAll(
              noise,
              outputs,
              network.graph.outputs.map((id) => values.get(id)!),
            );
          });
        for (const subject of subjects) follow(subject, base, { inputs, real, coded, outputs });
      });
    const fixOf =
      (layer: ValueId | null) =>
      ({ name, noise: { sqnr } }: Pick<Trial, 'name' | 'noise'>): Fix => ({
        name,
        layer,
        sqnr,
        gain: sqnr === whole.sqnr ? 0 : sqnr - whole.sqnr,
      });
    const layers = subjects.map((subject) => resultOf(subject, subject.trials.map(fixOf(subject.id))));
    const network = others.map(fixOf(null)).sort(byGain);
    const all = [...layers.flatMap(({ fixes }) => fixes), ...network].sort(byGain);
    return { sqnr: whole.sqnr, layers, network, best: worthwhile(all) };
  });
}

const byGain = (a: Fix, b: Fix): number => b.gain - a.gain;
const worthwhile = ([best]: readonly Fix[]): Fix | null =>
  best !== undefined && best.gain > WORTH ? best : null;

function addAll(noise: Noise, signal: readonly Tensor[], other: readonly Tensor[]): void {
  signal.forEach((x, i) => noise.add(x.data, other[i].data));
}

function subjectsOf(
  module: QuantizedModule,
  float: GraphModule,
  fixesOf: (id: ValueId, node: Node | null) => LocalFix[],
): Subject[] {
  const { graph, specs } = module;
  const places = [
    ...graph.inputs.map((id) => ({ id, node: null })),
    ...graph.nodes.map((node) => ({ id: node.id, node })),
  ];
  // what only moves codes makes no error
  return places
    .filter(({ id }) => ['observed', 'fixed'].includes(specs.get(id)?.kind ?? ''))
    .map(({ id, node }) => ({
      id,
      node,
      after: dependents(graph, id),
      sources: new Map(
        Array.from(perturbations(node, id, module, float), ([source, run]) => [
          source,
          { run, noise: new Noise() },
        ]),
      ),
      together: new Noise(),
      inNetwork: new Noise(),
      trials: fixesOf(id, node).map(({ name, changes }) => ({
        name,
        network: new VariedModule(module, changes),
        noise: new Noise(),
      })),
    }));
}

interface Values {
  readonly inputs: ReadonlyMap<ValueId, Tensor>;
  readonly real: ReadonlyMap<ValueId, Tensor>;
  readonly coded: ReadonlyMap<ValueId, Tensor>;
  readonly outputs: readonly Tensor[];
}

function follow(
  { id, node, after, sources, together, inNetwork, trials }: Subject,
  base: VariedModule,
  { inputs, real, coded, outputs }: Values,
): void {
  const reads = (values: ReadonlyMap<ValueId, Tensor>): Tensor[] =>
    node?.inputs.map((x) => values.get(x)!) ?? [];
  const y = real.get(id)!;
  inNetwork.add(y.data, coded.get(id)!.data);
  for (const { run, noise } of sources.values()) tidy(() => void noise.add(y.data, run(reads(real), y).data));
  tidy(() => {
    const codes = reads(real).map((x, i) => {
      const qparams = base.valueQParams(node!.inputs[i]);
      return qparams === null ? x : fakeQuantize(x, qparams);
    });
    together.add(y.data, (node === null ? base.enter(id, inputs.get(id)!) : base.runNode(node, codes)).data);
  });
  for (const { network, noise } of trials)
    tidy(() => {
      const changed =
        node === null ? network.enter(id, inputs.get(id)!) : network.runNode(node, reads(coded));
      addAll(noise, outputs, rerun(network, coded, id, changed, after));
    });
}

/** Energy of the error over that of the signal. */
const energy = ({ sqnr }: Noise): number => 10 ** (-sqnr / 10);

function resultOf({ id, node, sources, together, inNetwork }: Subject, fixes: Fix[]): LayerAttribution {
  const split = Object.fromEntries(Array.from(sources, ([source, { noise }]) => [source, energy(noise)]));
  const total = energy(together);
  const sum = Object.values(split).reduce((a, b) => a + b, 0);
  const [main] = Object.entries(split).sort(([, a], [, b]) => b - a) as [Source, number][];
  fixes.sort(byGain);
  return {
    id,
    op: node?.op ?? 'input',
    sqnr: together.sqnr,
    networkSqnr: inNetwork.sqnr,
    total,
    sources: split,
    remainder: total - sum,
    main: main !== undefined && main[1] > 0 ? main[0] : null,
    fixes,
    best: worthwhile(fixes),
  };
}
