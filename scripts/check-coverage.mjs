/**
 * Fails unless the tests reach 95 % of the lines of src and kernels. Reads what `tap` has just written; a file that no
 * test loads counts with all its lines.
 *
 *   node scripts/check-coverage.mjs [coverage-summary.json]
 */
import console from 'node:console';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';
import ts from 'typescript';

const REQUIRED = 95;
const root = fileURLToPath(new URL('..', import.meta.url));
const summaryPath = process.argv[2] ?? join(root, '.tap/report/coverage-summary.json');
if (!existsSync(summaryPath)) {
  console.error(`coverage: ${summaryPath} does not exist; run tap without --disable-coverage first`);
  process.exit(1);
}
const summary = JSON.parse(readFileSync(summaryPath, 'utf8'));

/** Whether anything is left of a source once its types are gone. */
function hasCode(text) {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, removeComments: true };
  return (
    ts.transpileModule(text, { compilerOptions: options }).outputText.replace('export {};', '').trim() !== ''
  );
}

const files = [];
for (const top of ['src', 'kernels'])
  for (const entry of readdirSync(join(root, top), { recursive: true, encoding: 'utf8' })) {
    const path = join(root, top, entry);
    if (!path.endsWith('.ts') || path.endsWith('.d.ts')) continue;
    const measured = summary[path]?.lines;
    const text = readFileSync(path, 'utf8');
    const lines = measured ?? { total: hasCode(text) ? text.split('\n').length : 0, covered: 0 };
    files.push({ name: `${top}/${entry}`, loaded: measured !== undefined, ...lines });
  }

const total = files.reduce((sum, f) => sum + f.total, 0);
const covered = files.reduce((sum, f) => sum + f.covered, 0);
const percent = (part, whole) => (whole === 0 ? 100 : (100 * part) / whole);
for (const f of files
  .filter((f) => percent(f.covered, f.total) < REQUIRED)
  .sort((a, b) => (a.name < b.name ? -1 : 1)))
  console.log(
    `  ${percent(f.covered, f.total).toFixed(1).padStart(5)} %  ${f.name}${f.loaded ? '' : '  (no test loads it)'}`,
  );
const reached = percent(covered, total);
console.log(
  `coverage: ${reached.toFixed(2)} % of ${total} lines in ${files.length} files (required: ${REQUIRED} %)`,
);
if (reached < REQUIRED) process.exitCode = 1;
