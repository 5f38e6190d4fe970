/**
 * Networks of MediaPipe (float, weights of 16 bits), imported: the float results of the graph against those of LiteRT on
 * the file itself, and of LiteRT on the file that the graph is exported to.
 */
import { readFileSync } from 'node:fs';
import { noGrad, Tensor } from '../../src/autograd/index.js';
import { exportTflite, importTflite } from '../../src/formats/tflite/index.js';
import { GraphModule } from '../../src/trace/index.js';
import { runThere } from '../comparison.js';
import { picture } from '../realModels.js';
import { packageFile } from '../runtimes/packages.js';
import { withModel, type Elements, type Runtime } from '../runtimes/types.js';

const FILES = [
  ['face_detection', 'face_detection_short_range'],
  ['face_detection', 'face_detection_full_range'],
  ['selfie_segmentation', 'selfie_segmentation'],
  ['selfie_segmentation', 'selfie_segmentation_landscape'],
] as const;
/** Of the largest result. */
const TOLERANCE = 1e-4;

export interface ImportedFile {
  readonly file: string;
  /** The largest difference as a share of the largest result, over all outputs. */
  readonly imported: number;
  readonly exported: number;
}

function apart(want: readonly Elements[], got: readonly ArrayLike<unknown>[]): number {
  let difference = 0;
  want.forEach((elements, i) => {
    const numbers = Array.from(elements as ArrayLike<number>);
    const largest = numbers.reduce((m, v) => Math.max(m, Math.abs(v)), 0);
    numbers.forEach((v, k) => {
      const share = Math.abs(v - Number(got[i][k])) / largest;
      // NaN counts
      if (!(share <= difference)) difference = share;
    });
  });
  return difference;
}

export async function checkTfliteImport(
  runtime: Runtime,
): Promise<{ readonly found: readonly ImportedFile[]; readonly failures: readonly string[] }> {
  const found: ImportedFile[] = [];
  for (const [name, file] of FILES) {
    const bytes = new Uint8Array(readFileSync(packageFile(`@mediapipe/${name}`, `${file}.tflite`)));
    const { graph, inputs, outputs } = importTflite(bytes);
    const [{ id, shape }] = inputs;
    const photo = picture(shape, 100);
    photo.data.forEach((v: number, i: number) => (photo.data[i] = (v + 1) / 2));
    const values = noGrad(() => new GraphModule(graph).eval().runAll(new Map([[id, new Tensor(photo)]])));
    const want = await withModel(runtime, bytes, (model) => runThere(model, [photo]));
    const again = await withModel(runtime, exportTflite(graph).bytes, (model) => runThere(model, [photo]));
    found.push({
      file,
      imported: apart(
        want,
        outputs.map((output) => values.get(output.id)!.value.data),
      ),
      exported: apart(want, again as readonly ArrayLike<unknown>[]),
    });
  }
  const failures = found.flatMap(({ file, ...shares }) =>
    Object.entries(shares).flatMap(([what, share]) =>
      share <= TOLERANCE ? [] : [`${file}: results ${share} apart once ${what}`],
    ),
  );
  return { found, failures };
}
