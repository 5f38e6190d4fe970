/**
 * Runs the tests of the library on other versions of Node, which npm installs into out/nodes. What tests the project around
 * it (command line, documents, examples, browser, bench) runs on the installed Node alone, with `npm test`.
 *
 *   node scripts/test-nodes.mjs [test file ...]
 */
import { spawnSync } from 'node:child_process';
import console from 'node:console';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const MAJORS = ['20', '22', '24'];
const AROUND = ['bench', 'browser', 'cli', 'docs', 'examples', 'layers', 'models'];

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

const ours = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.test.ts') && !AROUND.includes(path.split(/[./\\]/)[0]))
  .map((path) => join('test', path));
const tests = process.argv.length > 2 ? process.argv.slice(2) : ours;
const tap = join(root, 'node_modules/tap/dist/esm/run.mjs');

for (const major of MAJORS.filter((major) => major !== process.versions.node.split('.')[0])) {
  const node = install(major);
  run(node, ['--print', '`==> Node ${process.version}`']);
  if (run(node, [tap, 'run', '--disable-coverage', ...tests])) continue;
  console.error(`tests failed on Node ${major}`);
  process.exitCode = 1;
}
