/** Every example runs as it stands, against the sources. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { entryPoints, runBlock } from './docs/blocks.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Parameters<
  typeof entryPoints
>[0];
// One level below the project, as the examples are, so that their paths to the data hold.
const folder = join(root, 'out');
mkdirSync(folder, { recursive: true });

for (const file of readdirSync(join(root, 'examples')).filter((f) => f.endsWith('.js')))
  t.test(file, async (t) => {
    const code = readFileSync(join(root, 'examples', file), 'utf8');
    const block = { file: `examples/${file}`, line: 1, language: 'js', code };
    t.equal(await runBlock(block, { folder, root, entries: entryPoints(manifest) }), null);
  });
