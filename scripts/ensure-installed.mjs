/**
 * Makes a fresh clone runnable: installs the packages of package-lock.json where they are missing or of another version,
 * and builds dist where a source is newer. Prints a line for each step it takes, nothing if there is nothing to do.
 */
import { spawnSync } from 'node:child_process';
import console from 'node:console';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

function step(what, command) {
  console.log(`${what}: ${command}`);
  const { status, stdout, stderr } = spawnSync(command, { cwd: root, shell: true, encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${stdout}${stderr}\n${what} failed: see above, then run "${command}" yourself`);
  process.exit(1);
}

/** Whether npm has put in place exactly what the lock file asks for, packages of other platforms aside. */
function isInstalled() {
  const installedPath = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installedPath)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(installedPath, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      path === '' ||
      (installed[path] === undefined ? optional === true : installed[path].version === version),
  );
}

function newest(path) {
  const { mtimeMs } = statSync(path);
  if (!statSync(path).isDirectory()) return mtimeMs;
  return Math.max(mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function isBuilt() {
  const built = join(root, 'dist/src/index.js');
  const inputs = ['src', 'kernels', 'tsconfig.json', 'tsconfig.build.json'];
  return existsSync(built) && inputs.every((name) => newest(join(root, name)) <= statSync(built).mtimeMs);
}

if (!isInstalled()) step('installing packages', 'npm ci --no-audit --no-fund');
if (!isBuilt()) step('building', 'npm run build');
