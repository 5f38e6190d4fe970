/** docs/experiments.md, from results.json. */
import { format, resolveConfig } from 'prettier';
import { fileURLToPath } from 'node:url';
import { formatCount, formatSeconds } from '../../../src/cli/report/numbers.js';
import { OBSERVERS, PTQ, QAT, QAT_WAYS, type Method } from '../methods.js';
import type { Results } from '../results.js';
import { DISTILLATION, FINETUNE_LR, FRACTION, NETWORK } from '../suites/compression.js';
import { RESCALED_METHODS, SPREAD } from '../suites/rescaled.js';
import { compressionTables, denseScores, rescaledTable } from './compression.js';
import { table } from './format.js';
import { importedTables } from './imported.js';
import { mixedTables } from './mixed.js';
import { claimTables, networkTables, observerTables } from './networks.js';
import { sparsityTables } from './sparsity.js';

/** Markdown as prettier leaves it. Sections of suites that were not run are left out. */
export async function renderPage(results: Results): Promise<string> {
  const has = (suite: string): boolean => results.rows.some((row) => row.suite === suite);
  const sections = [
    head(results),
    exactness(results),
    ...(has('networks') ? [networks(results)] : []),
    ...(has('observers') ? [observers(results)] : []),
    ...(has('mixed') ? [mixed(results)] : []),
    ...(has('rescaled') ? [rescaled(results)] : []),
    ...(has('imported') ? [imported(results)] : []),
    ...(has('sparsity') ? [sparsity(results)] : []),
    ...(has('compression') ? [compression(results)] : []),
    methods(),
  ];
  const options = await resolveConfig(fileURLToPath(import.meta.url));
  return format(sections.join('\n\n'), { ...options, parser: 'markdown' });
}

function head({ sizes, seeds, command, node, cpu, cores, date, rows }: Results): string {
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
  return `# Experiments

Written by \`npm run experiments\`; do not edit. [laboratory.md](laboratory.md) describes the methods, [bench.md](bench.md)
how to run this again, and \`bench/accuracy/results.json\` holds every single figure.

- Command: \`${command}\`; seeds ${seeds.join(', ')}; ${formatCount(rows.length)} units.
- Data: ${formatCount(sizes.train)} training images (MNIST or Fashion-MNIST, as the command says; Fashion-MNIST by default),
  ${formatCount(sizes.test)} test images.
- Float networks: the recipes of \`src/models/recipes.ts\`${sizes.epochs === null ? '' : `, ${sizes.epochs} epochs`}. All variants of a seed begin with the same float network.
- Post-training methods: ${sizes.calibration} training images without labels, others for each seed; AdaRound ${sizes.adaround} steps per layer.
- QAT: one epoch of ${formatCount(sizes.qat)} images for every method.
- Machine: ${cpu}, ${cores} cores, Node ${node.replace('v', '')}, ${date.slice(0, 10)}. Units took ${formatSeconds(seconds)} in all, that is, on one core.

Accuracy is top-1 on the test images in percent, mean ± standard deviation over seeds; in parentheses, the difference to float in
points. It is that of the integer runtime on WebAssembly, not of a simulation. "Does it beat it?" compares seed by seed: **yes** where the
mean difference is positive and larger than the standard deviation of the differences, "worse" where that holds the other way
round, "no" otherwise.`;
}

function exactness({ rows }: Results): string {
  const compared = rows.reduce((sum, row) => sum + row.codesCompared, 0);
  const different = rows.reduce((sum, row) => sum + row.codesDifferent, 0);
  const networks = rows.filter(({ bits }) => bits !== null).length;
  const where = rows.filter((row) => row.codesDifferent > 0).map(({ variant }) => variant);
  return `## What trains is what runs

${formatCount(networks)} integer networks, every code of every value compared between the fake-quantized module and the runtime:
**${formatCount(different)} different codes of ${formatCount(compared)}**.${different === 0 ? '' : ` They are in: ${[...new Set(where)].join('; ')}.`}`;
}

const networks = ({ rows }: Results): string => `## Methods, networks, bits

${networkTables(rows)}

## Does each method beat what it claims to beat?

${claimTables(rows)}`;

const observers = ({ rows }: Results): string => `## What chooses the ranges of activations, at W4A4

Post-training, weights min-max per channel.

${observerTables(rows)}`;

const mixed = ({ rows }: Results): string => `## Bits layer by layer

Post-training, per channel, activations of 8 bits. Each layer is measured on the calibration images, its weights alone quantized: the
noise at the output (SQNR), the divergence from what float says (KL), or the accuracy. Bits are then chosen under the budget: the bytes
that 8 bits in the first and the last layer cost, or the bit operations of 4 bits everywhere. Fewer bits than 4 save no byte of a file.

${mixedTables(rows)}`;

const rescaled = ({ rows }: Results): string => `## Channels of unequal ranges

A stress test, made by hand: output channels of every layer that one other layer reads are multiplied by factors spread
${SPREAD} times, and the weights that read them divided by the same. The function is unchanged: outputs differ by at most
${Math.max(...rows.flatMap((row) => (row.suite === 'rescaled' ? (row.figures.difference ?? 0) : 0))).toExponential(0)} of the largest. Networks in the field look like that where batch norm was folded.
Per-channel scales are those of weights; activations keep one scale for all channels, and small channels few codes of it.

${rescaledTable(rows)}`;

const imported = ({ rows }: Results): string => {
  const { calibrationPhotos, testPhotos } = rows.find(({ suite }) => suite === 'imported')!.figures;
  return `## Networks of other makers

Calibrated on ${calibrationPhotos} photos (four in \`data/photos/calibration\`, and mirrored), measured on ${testPhotos} others: signal to noise of every output against
float, all photos together, and of detectors the boxes of float that INT8 keeps (IoU 0.5, score 0.5) and those that it adds. BlazeFace and one
test photo are carried; others come from the folders \`BENCH_MODELS\` and \`BENCH_PHOTOS\`. Equalization leaves layers before a ReLU6 alone, so
that it changes no float network; PoseNet has a ReLU6 behind every layer but the last ones.

${importedTables(rows)}`;
};

const sparsity = (results: Results): string => `## Single weights pruned

The plain network, ${results.sizes.finetune} epochs in float and one with quantization (min-max, W8A8) for all: the smallest weights of all layers
together go at once before the first, or little by little along a cubic curve over three quarters of the float epochs (Zhu & Gupta 2017,
arXiv:1710.01878). They are kept at 0 through all of it. A dense file stores zeros like other codes; gzip finds them.

${sparsityTables(results.rows)}`;

const compression = (
  results: Results,
  dense = denseScores(results),
): string => `## Prune, distil, train with quantization

The ${NETWORK} network with 12, 24 and 48 channels: half as many again as above, since in the smallest networks the description in the file
outweighs the weights. In float it has ${dense}. Pruned: ${100 * FRACTION} % of the channels of every layer but the last go, those of least L1 norm.
Distilled: the teacher is the dense float network, temperature ${DISTILLATION.temperature}, half of the loss. All four float networks train
${results.sizes.finetune} more epochs (learning rate up to ${FINETUNE_LR}), the one that is neither pruned nor taught as well. Then post-training quantization per channel, or QAT
(LSQ), taught where "distil" says so. "To float" is the difference to the float network before all of this, "of float" the
share of the bytes of its file, batch norm folded, and "speed" how many times as fast as it an image is classified: one thread,
WebAssembly, batches of 50, medians of rounds, each in another order, nothing else running. Float runs on the library's own float kernels, node by
node.

${compressionTables(results)}`;

function methods(): string {
  const lines = (kind: string, list: readonly Method[]): string[][] =>
    list.map(({ name, paper, rates }) => [
      kind,
      name,
      paper,
      rates === null ? '' : `${rates.weights}, ${rates.quantizers}`,
    ]);
  const head = ['', 'method', 'source', 'learning rates'];
  return `## Methods

Learning rates are the tops of AdamW's one-cycle schedules, of the weights and of what quantizers train.

${table(
  head,
  [
    ...lines('PTQ', PTQ),
    ...lines('observer', OBSERVERS),
    ...lines('QAT', [...QAT, ...QAT_WAYS]),
    ...lines('rescaled', RESCALED_METHODS.slice(-2)),
  ],
  4,
)}
`;
}
