/**
 * Module hooks that compile TypeScript with esbuild and keep the result in out/typescript, so that a file is compiled once
 * and not in each of the hundred processes of a test run. ts-node took three quarters of the time of all tests; tsx puts
 * a file on one line, on which the coverage of lines is lost.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { fileURLToPath, URL } from 'node:url';

const OPTIONS = { loader: 'ts', format: 'esm', target: 'es2022', sourcemap: 'inline' };
const cache = new URL('../../out/typescript/', import.meta.url);
mkdirSync(cache, { recursive: true });

/** Sources import each other as `.js`, what they are once they are built. */
export async function resolve(specifier, context, next) {
  if (!/^(\.|file:).*\.js$/.test(specifier)) return next(specifier, context);
  try {
    return await next(specifier.replace(/js$/, 'ts'), context);
  } catch {
    return next(specifier, context);
  }
}

export async function load(url, context, next) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return next(url, context);
  const path = fileURLToPath(url);
  const text = readFileSync(path, 'utf8');
  const key = createHash('sha256')
    .update(JSON.stringify([path, text, OPTIONS]))
    .digest('hex');
  const compiled = new URL(`${key}.js`, cache);
  return {
    format: 'module',
    source: read(compiled) ?? (await compile(path, text, compiled)),
    shortCircuit: true,
  };
}

function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

async function compile(path, text, file) {
  const { transform } = await import('esbuild');
  const { code } = await transform(text, { ...OPTIONS, sourcefile: path });
  // Another process may be writing the same file: what is read is always whole.
  const partial = `${fileURLToPath(file)}.${process.pid}`;
  writeFileSync(partial, code);
  renameSync(partial, file);
  return code;
}
