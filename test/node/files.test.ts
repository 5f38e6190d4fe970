import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readBytes, writeFileAtomic } from '../../src/node/index.js';

t.test('a file is written and read back', (t) => {
  const path = join(t.testdir(), 'a.bin');
  writeFileAtomic(path, Uint8Array.of(1, 2, 3));
  const bytes = readBytes(path);
  t.same([...bytes], [1, 2, 3]);
  t.equal(bytes.byteOffset, 0);
  writeFileAtomic(path, 'text');
  t.equal(readFileSync(path, 'utf8'), 'text');
  t.end();
});

t.test('a write that fails leaves the old file and nothing else', (t) => {
  const dir = t.testdir({ full: { 'a.txt': 'old' } });
  // A folder that is not empty cannot be replaced by a file: the last step, the rename, fails.
  t.throws(() => writeFileAtomic(join(dir, 'full'), 'new'), {
    name: 'DataError',
    message: /cannot write .*full/,
  });
  t.same(readdirSync(dir), ['full']);
  t.equal(readFileSync(join(dir, 'full', 'a.txt'), 'utf8'), 'old');
  t.throws(() => writeFileAtomic(join(dir, 'none', 'b.txt'), 'x'), { message: /does not exist/ });
  t.end();
});

t.test('a file that cannot be read is named', (t) => {
  const dir = t.testdir({ file: '' });
  mkdirSync(join(dir, 'folder'));
  writeFileSync(join(dir, 'empty'), '');
  t.equal(readBytes(join(dir, 'empty')).length, 0);
  t.throws(() => readBytes(join(dir, 'none')), {
    name: 'DataError',
    message: /cannot read .*none: .*not exist/,
  });
  t.throws(() => readBytes(join(dir, 'folder')), { name: 'DataError', message: /it is a folder/ });
  t.throws(() => readBytes(join(dir, 'file', 'x')), { name: 'DataError', message: /not a folder/ });
  t.end();
});
