/** Loads the runtimes, which are installed beside interop/package.json and not with the library. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Also right for a bundle of out/interop. */
export const INTEROP_FOLDER = fileURLToPath(new URL('../../interop/', import.meta.url));

const require = createRequire(`${INTEROP_FOLDER}package.json`);

/** The types of a package are those that the caller uses: the checker must pass without the package. */
export function requirePackage<T>(name: string): T {
  return require(name) as T;
}

/** A file that a package ships. */
export function packageFile(name: string, ...path: string[]): string {
  return join(INTEROP_FOLDER, 'node_modules', name, ...path);
}

export function packageVersion(name: string): string {
  return (JSON.parse(readFileSync(packageFile(name, 'package.json'), 'utf8')) as { version: string }).version;
}
