/**
 * Runs the tests of the library on other versions of Node, which npm installs into out/nodes. What tests the project around
 * it (command line, documents, examples, browser, bench) runs on the installed Node alone, with `npm test`.
 *
 *   node scripts/test-nodes.mjs [path ...]
 */
import { spawnSync } from 'node:child_process';
import console from 'node:console';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const MAJORS = ['20', '22', '24'];
const AROUND = ['bench', 'browser', 'cli', 'docs', 'layers', 'models', 'node'];

const root = fileURLToPath(new URL('..', import.meta.url));

function run(command, args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error !== undefined) throw error;
  return status === 0;
}

/** The program of the newest version that starts with `major`. */
function install(major) {
  const folder = join(root, 'out/nodes', major);
  const node = join(folder, 'node_modules/node/bin/node');
  if (existsSync(node)) return node;
  mkdirSync(folder, { recursive: true });
  const options = ['--no-audit', '--no-fund', '--no-save', '--loglevel=error'];
  if (!run('npm', ['install', `--prefix=${folder}`, ...options, `node@${major}`]) || !existsSync(node))
    throw new Error(`node@${major} could not be installed`);
  return node;
}

const folders = readdirSync(join(root, 'test'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !AROUND.includes(entry.name))
  .map(({ name }) => `test/${name}`)
  .filter((folder) =>
    readdirSync(join(root, folder), { recursive: true }).some((name) => name.endsWith('.test.ts')),
  );
const tests = process.argv.length > 2 ? process.argv.slice(2) : [...folders, 'test/golden.test.ts'];
const tap = join(root, 'node_modules/tap/dist/esm/run.mjs');

for (const major of MAJORS.filter((major) => major !== process.versions.node.split('.')[0])) {
  const node = install(major);
  run(node, ['--print', '`==> Node ${process.version}`']);
  if (run(node, [tap, 'run', '--disable-coverage', ...tests])) continue;
  console.error(`tests failed on Node ${major}`);
  process.exitCode = 1;
}
