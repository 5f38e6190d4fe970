/**
 * `npm run interop`: files written here, held to the runtimes that they are for. `npm run interop -- PART...` does some
 * parts only. Results are left in out/interop: PART.json for programs, PART.md for documents.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/cli/paths.js';
import { runOnnxNodeTests } from './onnxNodeTests.js';
import { compareDetector } from './parts/detector.js';
import { compareDynamic } from './parts/dynamic.js';
import { compareLayers } from './parts/layers.js';
import { compareNetworks } from './parts/networks.js';
import type { PartResult } from './parts/part.js';
import { comparePhotos } from './parts/photos.js';
import { checkTfliteFiles } from './parts/tfliteFiles.js';
import { compareRealModels } from './realModels.js';

const PARTS: Readonly<Record<string, () => Promise<PartResult>>> = {
  'tflite-files': checkTfliteFiles,
  layers: compareLayers,
  dynamic: compareDynamic,
  networks: compareNetworks,
  detector: compareDetector,
  'onnx-node-tests': () => Promise.resolve(runOnnxNodeTests()),
  'real-models': () => compareRealModels(),
  photos: comparePhotos,
};

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PARTS);
const unknown = wanted.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  console.error(`${unknown.join(', ')}: no such part; there are ${Object.keys(PARTS).join(', ')}`);
  process.exit(2);
}
const folder = join(packageRoot(), 'out', 'interop');
mkdirSync(folder, { recursive: true });
let failed = false;
for (const name of wanted) {
  const { failures, json, text } = await PARTS[name]();
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(json, null, 1)}\n`);
  writeFileSync(join(folder, `${name}.md`), `${text}\n`);
  console.log(`\n${name}\n\n${text}\n`);
  for (const failure of failures) console.log(`FAILED ${failure}`);
  failed ||= failures.length > 0;
}
process.exit(failed ? 1 : 0);
