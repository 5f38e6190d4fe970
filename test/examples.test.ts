/** Every example runs as it stands, against the sources; those in folders as a rehearsal, on little data. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { entryPoints, runBlock } from './docs/blocks.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Parameters<
  typeof entryPoints
>[0];
const names = readdirSync(join(root, 'examples'));
const files = names.filter((name) => name.endsWith('.js'));
const inFolders = names.map((name) => `${name}/run.js`).filter((f) => existsSync(join(root, 'examples', f)));

for (const file of [...files, ...inFolders])
  t.test(file, async (t) => {
    const code = readFileSync(join(root, 'examples', file), 'utf8');
    const block = { file: `examples/${file}`, line: 1, language: 'js', code };
    // As deep below the project as the example is, so that its path to the data holds.
    const folder = join(root, 'out', file.includes('/') ? 'rehearsal' : '');
    const table = console.table;
    const { argv } = process;
    console.table = () => undefined;
    process.argv = [...argv.slice(0, 2), '--rehearsal'];
    t.teardown(() => {
      process.argv = argv;
      console.table = table;
    });
    t.equal(await runBlock(block, { folder, root, entries: entryPoints(manifest) }), null);
  });
