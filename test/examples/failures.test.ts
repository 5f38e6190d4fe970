/** The museum of failures: every script shows its failure and its cure, with the numbers that its page gives. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { entryPoints, runBlock } from '../docs/blocks.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const museum = join(root, 'examples', 'failures');
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Parameters<
  typeof entryPoints
>[0];
// Two levels below the project, as the scripts are, so that their paths to the data hold.
const folder = join(root, 'out', 'failures');
mkdirSync(folder, { recursive: true });

/** Cells of the page by script: `before` and `after` as they are printed, and where the failure was reported. */
const page = new Map(
  readFileSync(join(museum, 'README.md'), 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells[1]?.endsWith('.js)'))
    .map(([, script, , , before, after, reported]) => [
      /\((.*)\)/.exec(script)?.[1],
      { printed: [`before: ${before}`, `after: ${after}`], reported },
    ]),
);

const scripts = readdirSync(museum).filter((file) => file.endsWith('.js'));
t.same([...page.keys()], scripts, 'the page lists all of them');

for (const file of scripts)
  t.test(file, async (t) => {
    const printed: string[] = [];
    const print = (...text: unknown[]): void => void printed.push(text.join(' '));
    const code = readFileSync(join(museum, file), 'utf8');
    const block = { file: `examples/failures/${file}`, line: 1, language: 'js', code };
    t.equal(await runBlock(block, { folder, root, entries: entryPoints(manifest), print }), null);
    t.same(printed, page.get(file)?.printed, 'the page gives its numbers');
    t.match(page.get(file)?.reported, /\(https:\/\/github\.com\/\S+\/(issues|pull)\/\d+\)/);
  });
