/** Every example runs as it stands, against the sources; those in folders as a rehearsal, on little data. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { entryPoints, runBlock, type Block } from './docs/blocks.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Parameters<
  typeof entryPoints
>[0];
const names = readdirSync(join(root, 'examples'));
const files = names.filter((name) => name.endsWith('.js'));
const inFolders = names.map((name) => `${name}/run.js`).filter((f) => existsSync(join(root, 'examples', f)));

const blockOf = (file: string): Block => ({
  file: `examples/${file}`,
  line: 1,
  language: 'js',
  code: readFileSync(join(root, 'examples', file), 'utf8'),
});

for (const file of [...files, ...inFolders])
  t.test(file, async (t) => {
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
    t.equal(await runBlock(blockOf(file), { folder, root, entries: entryPoints(manifest) }), null);
  });

for (const file of inFolders)
  t.test(`${file}: a word that is none of its options`, async (t) => {
    const { argv, exit } = process;
    const { error } = console;
    const printed: unknown[] = [];
    process.argv = [...argv.slice(0, 2), '--rehersal'];
    console.error = (line: unknown) => void printed.push(line);
    process.exit = (code) => {
      throw new Error(`exit ${code}`);
    };
    t.teardown(() => {
      process.argv = argv;
      process.exit = exit;
      console.error = error;
    });
    const folder = join(root, 'out', 'rehearsal');
    const outcome = await runBlock(blockOf(file), { folder, root, entries: entryPoints(manifest) });
    t.match(outcome, /exit 2$/);
    t.match(printed, [/Unknown option '--rehersal'[^]*\nusage: node examples\/\w+\/run\.js \[/]);
  });

t.test('no example takes a path out of an address, where a space is %20', (t) => {
  const all = readdirSync(join(root, 'examples'), { recursive: true, encoding: 'utf8' });
  for (const file of all.filter((name) => name.endsWith('.js')))
    t.notMatch(readFileSync(join(root, 'examples', file), 'utf8'), /\.pathname/, file);
  t.end();
});
