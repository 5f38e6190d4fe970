/** Networks of other makers on real photos; the same for every seed, since nothing is trained. */
import type { Granularity } from '../../../src/quant/index.js';
import { importedNetworks } from '../../suites/importedNetworks.js';
import { IMPORTED_METHODS, measureImported, type ImportedMethod } from '../imported.js';
import { W4A8, W8A8, type Sizes, type Suite, type Unit } from '../types.js';

export const GRANULARITIES: readonly Granularity[] = ['per-tensor', 'per-channel'];
export const METHOD_NAMES = Object.keys(IMPORTED_METHODS) as ImportedMethod[];

export const importedVariant = (granularity: Granularity, method: ImportedMethod): string =>
  `${granularity}, ${method}`;

/** Layers here are large, and a step is a photo, not 64 small images. */
export const ADAROUND_SHARE = 0.2;

const VARIANTS = GRANULARITIES.flatMap((granularity) =>
  METHOD_NAMES.map((method) => ({ granularity, method })),
);

export const imported: Suite = {
  name: 'imported',
  units: (_seed: number, sizes: Sizes) =>
    importedNetworks().flatMap(({ name }) =>
      [W8A8, W4A8].flatMap((bits) =>
        VARIANTS.map(({ granularity, method }): Unit => ({
          suite: 'imported',
          version: 1,
          network: name,
          seed: 0,
          variant: importedVariant(granularity, method),
          bits,
          sizes,
          needs: [],
        })),
      ),
    ),
  async run({ network: name, variant, bits, sizes }) {
    const network = importedNetworks().find((other) => other.name === name)!;
    const { granularity, method } = VARIANTS.find(
      (v) => importedVariant(v.granularity, v.method) === variant,
    )!;
    const steps = Math.ceil(sizes.adaround * ADAROUND_SHARE);
    const result = measureImported(network, method, granularity, bits!.weightBits, steps);
    const { sqnr, boxes, codesCompared, codesDifferent, calibrationPhotos, testPhotos } = result;
    const figures = {
      calibrationPhotos,
      testPhotos,
      ...Object.fromEntries(Object.entries(sqnr).map(([output, dB]) => [`SQNR ${output}`, dB])),
      ...(boxes === null ? {} : { boxes: boxes.float, kept: boxes.kept, found: boxes.found }),
    };
    return {
      measured: { top1: null, codesCompared, codesDifferent, bytes: null, gzip: null, figures },
      model: null,
    };
  },
};
