/**
 * Fails when an entry of the package, minified and gzipped with all its exports, is larger than its limit; and when taking a
 * part of the kernels brings in more than that part. Bundles the sources for browsers, so that a Node module in them is an
 * error too.
 *
 *   node scripts/size.mjs
 */
import console from 'node:console';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const KERNELS = './kernels/index.ts';
const ALL = ['*'];
/**
 * In bytes of 1000 to the kB: what an entry should weigh, and what it may weigh until it does. The limit only goes down.
 * A runtime does not pull in every kernel by itself: a backend is the user's choice.
 */
const BUNDLES = [
  { name: 'octograd/kernels', entries: { [KERNELS]: ALL }, goal: 20_000, limit: 37_500 },
  {
    name: '  run and reference of it',
    entries: { [KERNELS]: ['run', 'reference'] },
    goal: 5_000,
    limit: 5_000,
  },
  { name: '  run and js of it', entries: { [KERNELS]: ['run', 'js'] }, goal: 10_000, limit: 10_000 },
  {
    name: 'octograd/kernels/training',
    entries: { './kernels/training.ts': ALL },
    goal: 47_000,
    limit: 47_000,
  },
  { name: 'octograd/runtime', entries: { './src/runtime/index.ts': ALL }, goal: 30_000, limit: 43_000 },
  {
    name: 'octograd/runtime with all kernels',
    entries: { './src/runtime/index.ts': ALL, [KERNELS]: ALL },
    goal: 30_000,
    limit: 47_000,
  },
  { name: 'octograd/onnx', entries: { './src/formats/onnx/index.ts': ALL }, goal: 49_000, limit: 50_500 },
  { name: 'octograd/tflite', entries: { './src/formats/tflite/index.ts': ALL }, goal: 46_000, limit: 46_500 },
  { name: 'octograd/detection', entries: { './src/detection/index.ts': ALL }, goal: 61_000, limit: 61_000 },
  { name: 'octograd', entries: { './src/index.ts': ALL }, goal: 90_000, limit: 130_000 },
];
const LARGEST = 5;

const resolveDir = fileURLToPath(new URL('..', import.meta.url));

/** The gzipped size of one bundle, and what each source adds to it before compression. */
async function measure(entries) {
  const contents = Object.entries(entries)
    .map(([path, names]) => `export ${names === ALL ? '*' : `{ ${names.join(', ')} }`} from '${path}';`)
    .join('\n');
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir },
    absWorkingDir: resolveDir,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    metafile: true,
    write: false,
    outdir: 'out',
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output.inputs).map(([path, { bytesInOutput }]) => [path, bytesInOutput]);
  return {
    gzipped: gzipSync(outputFiles[0].contents, { level: 9 }).length,
    minified: output.bytes,
    inputs: inputs.sort((a, b) => b[1] - a[1]),
  };
}

const bytes = (count) => count.toLocaleString('en').padStart(9);
console.log(`     goal     limit   gzipped  minified  bundle, and its ${LARGEST} largest sources (minified)`);
for (const { name, entries, goal, limit } of BUNDLES) {
  const { gzipped, minified, inputs } = await measure(entries);
  const over = gzipped > limit;
  const verdict = over ? ': over its limit' : gzipped > goal ? ': over its goal' : '';
  console.log(`${bytes(goal)} ${bytes(limit)} ${bytes(gzipped)} ${bytes(minified)}  ${name}${verdict}`);
  for (const [path, count] of inputs.slice(0, LARGEST))
    console.log(`${' '.repeat(30)}${bytes(count)}    ${path}`);
  if (over) process.exitCode = 1;
}
