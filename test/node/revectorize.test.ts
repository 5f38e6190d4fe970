/** Kernels of 256 bits: the same bits where the engine has them, a clear error elsewhere. */
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import t from 'tap';
import { Random } from '../../src/core/index.js';
import { wasmOptions, wasmReport } from '../../kernels/index.js';
import { enableRevectorize } from '../../src/node/index.js';
import { cases } from '../kernels/wasm/cases/index.js';
import { compare } from '../kernels/wasm/compare.js';

const able = Number.parseInt(process.versions.node, 10) >= 24;

t.test('products, convolutions and few rows equal the reference', { skip: !able && 'needs Node 24' }, (t) => {
  setFlagsFromString('--no-liftoff'); // only the optimizing compiler merges vectors
  const restore = enableRevectorize();
  t.ok(wasmOptions().revectorize);
  for (const [name, draw] of Object.entries(cases))
    for (let i = 0; i < 12; i++) {
      const { failures } = compare(draw(new Random(`revectorize ${name} ${i}`)));
      for (const failure of failures) t.fail(`${name}: ${failure}`);
    }
  for (const { kernel, kind, passed } of wasmReport()) t.ok(passed, `${kernel} ${kind}`);
  restore();
  t.notOk(wasmOptions().revectorize);
  t.end();
});

t.test('before Node 24 it is refused', { skip: able && 'needs an older Node' }, (t) => {
  t.throws(() => enableRevectorize(), {
    code: 'unsupported',
    message: /revectorize: needs Node 24 or later/,
  });
  t.notOk(wasmOptions().revectorize);
  t.end();
});
