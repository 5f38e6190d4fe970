/**
 * Runs every case of the golden vectors in the folder named by GOLDEN (default: the copy beside this file) against the
 * library, and prints one line per topic. A topic or op that has no runner fails.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { loadTopic, type TopicRunner } from './golden-topics/common.js';
import { topics } from './golden-topics/index.js';

const root = process.env['GOLDEN'] ?? fileURLToPath(new URL('golden', import.meta.url));
const lines: string[] = [];

for (const name of readdirSync(root).sort()) {
  const topic = loadTopic(join(root, name));
  if (topic === null) continue;
  const runner: TopicRunner | undefined = topics[topic.name];
  t.test(`golden topic ${topic.name}`, (t) => {
    let passed = 0;
    let informative = 0;
    for (const c of topic.cases) {
      const run = runner?.[c.op];
      if (run === undefined) {
        t.fail(`${c.id}: no runner for op ${c.op} of topic ${topic.name}`);
        continue;
      }
      try {
        run(c, topic.read);
        if (c.informative) informative++;
        else passed++;
      } catch (error) {
        if (c.informative) informative++;
        else t.fail(`${topic.name} ${c.id}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    const total = topic.cases.length - informative;
    t.equal(passed, total, `${topic.name}: every case passes`);
    const extra = informative > 0 ? ` (+${informative} informative)` : '';
    lines.push(`golden ${topic.name}: ${passed}/${total}${extra}`);
    t.end();
  });
}

t.test('summary', (t) => {
  t.ok(lines.length > 0, `golden vectors found in ${root}`);
  for (const line of lines) t.comment(line);
  t.end();
});
