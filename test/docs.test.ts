/** Every code block of the README, of docs and of the examples runs as it stands; every command they name exists. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import t from 'tap';
import { checkShell, entryPoints, extractBlocks, runBlock, type Block, type Runner } from './docs/blocks.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  name: string;
  exports: Record<string, unknown>;
  scripts: Record<string, string>;
};
const folder = join(root, 'out', 'doc-blocks');
const runner: Runner = { folder, root, entries: entryPoints(manifest) };
const isCode = ({ language }: Block): boolean => ['ts', 'typescript', 'js', 'javascript'].includes(language);
const isShell = ({ language }: Block): boolean => ['sh', 'bash', 'shell', 'console'].includes(language);

/** Documents of the project, from its folder. */
function documents(): string[] {
  const inFolder = (name: string): string[] =>
    existsSync(join(root, name))
      ? readdirSync(join(root, name), { recursive: true, encoding: 'utf8' }).map((f) => `${name}/${f}`)
      : [];
  const examples = inFolder('examples').filter((f) => f.endsWith('README.md'));
  const docs = inFolder('docs').filter((f) => f.endsWith('.md'));
  return ['README.md', ...docs, ...examples].map((f) => f.replaceAll('\\', '/'));
}

async function commandNames(): Promise<Set<string>> {
  const path = join(root, 'src', 'cli', 'commands.ts');
  if (!existsSync(path)) return new Set();
  const { COMMANDS } = (await import(pathToFileURL(path).href)) as { COMMANDS: Record<string, unknown> };
  return new Set(Object.keys(COMMANDS));
}

// What a block writes lands beside the modules and not in the project.
rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, 'cwd'), { recursive: true });
process.chdir(join(folder, 'cwd'));
t.teardown(() => process.chdir(root));

t.test('every block runs', async (t) => {
  const blocks = documents().flatMap((file) => extractBlocks(file, readFileSync(join(root, file), 'utf8')));
  t.ok(blocks.length > 0, `${blocks.length} blocks found`);
  for (const block of blocks.filter(isCode))
    t.equal(await runBlock(block, runner), null, `${block.file}:${block.line} runs`);
  const commands = await commandNames();
  const names = {
    scripts: new Set(Object.keys(manifest.scripts)),
    commands,
    fileExists: (path: string) => existsSync(join(root, path)),
  };
  for (const block of blocks.filter(isShell))
    t.same(checkShell(block, names), [], `${block.file}:${block.line} names what exists`);
});

const made = [
  'Text',
  '```ts',
  "import { NDArray } from 'octograd';",
  'const a = NDArray.zeros([2], "float32");',
  '```',
  'More text',
  '  ```ts continued',
  '  if (a.size !== 2) throw new Error("size");',
  '  const b = a.nothing.more;',
  '  ```',
  '```js',
  'throw new Error("on purpose");',
  '```',
  '~~~sh',
  'npm run build && npm run nothing # npm run not-this',
  '$ npx octograd train --epochs 1',
  'npx octograd fly',
  'node examples/none/main.js',
  '~~~',
].join('\n');

t.test('blocks are found with their lines, and continued ones are joined', (t) => {
  const blocks = extractBlocks('docs/made.md', made);
  t.same(
    blocks.map((b) => [b.language, b.line]),
    [
      ['ts', 3],
      ['js', 12],
      ['sh', 15],
    ],
  );
  t.equal(blocks[0].code.split('\n')[8 - 3], 'if (a.size !== 2) throw new Error("size");');
  t.throws(() => extractBlocks('x.md', '```ts\nconst a = 1;'), /x.md:1: the code block is never closed/);
  t.throws(() => extractBlocks('x.md', '```ts continued\n```'), /no block to continue/);
  t.end();
});

t.test('a block that fails is reported with file and line', async (t) => {
  const core = { ...runner, entries: new Map([['octograd', 'src/core/index.js']]) };
  const [first, second] = extractBlocks('docs/made.md', made);
  t.match(await runBlock(first, core), /^docs\/made.md:9: TypeError: .*more/);
  t.match(await runBlock(second, core), /^docs\/made.md:12: Error: on purpose/);
  const good = { ...first, code: first.code.replace('a.nothing.more', 'a.shape') };
  t.equal(await runBlock(good, core), null);
  t.match(await runBlock({ ...first, code: 'const = 1;' }, core), /^docs\/made.md:3: /, 'a syntax error');
  t.match(
    await runBlock({ ...first, code: 'import "octograd/none";' }, core),
    /octograd\/none is no entry point/,
  );
  t.match(await runBlock({ ...first, code: 'import { none } from "octograd";\nnone();' }, core), /none/);
});

t.test('the entry points are those of package.json', (t) => {
  t.equal(runner.entries.get('octograd'), 'src/index.js');
  t.equal(runner.entries.get('octograd/kernels'), 'kernels/index.js');
  t.notOk(runner.entries.has('octograd/package.json'));
  t.end();
});

t.test('shell blocks: scripts, commands and files that do not exist', (t) => {
  const block = extractBlocks('docs/made.md', made)[2];
  const names = { scripts: new Set(['build']), commands: new Set(['train']), fileExists: () => false };
  t.same(checkShell(block, names), [
    'docs/made.md:15: there is no npm script nothing',
    'docs/made.md:17: there is no command octograd fly',
    'docs/made.md:18: there is no file examples/none/main.js',
  ]);
  t.end();
});
