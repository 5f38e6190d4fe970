/** Bundles tests for a page: `tap` becomes tap.ts, `octograd-tests` the test files. A Node module in what they import is an error. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const here = fileURLToPath(new URL('.', import.meta.url));

/** Test files below `folders` but for those that import a module of Node, as paths from the project folder. */
export function testFiles(folders: readonly string[]): string[] {
  return folders
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(
        (name) => `${folder}/${name}`,
      ),
    )
    .filter(
      (path) => path.endsWith('.test.ts') && !/ from 'node:/.test(readFileSync(join(root, path), 'utf8')),
    )
    .sort();
}

/** The JavaScript of page.ts with the given tests. */
export async function bundle(tests: readonly string[]): Promise<Uint8Array> {
  const resolve: Plugin = {
    name: 'octograd-tests',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^octograd-tests$/ }, () => ({ path: 'tests', namespace: 'tests' }));
      onLoad({ filter: /./, namespace: 'tests' }, () => ({
        contents: tests.map((path) => `import './${path}';`).join('\n'),
        resolveDir: root,
      }));
      onResolve({ filter: /^tap$/ }, ({ importer }) => ({
        path: relative(root, importer),
        namespace: 'tap',
      }));
      onLoad({ filter: /./, namespace: 'tap' }, ({ path }) => ({
        contents: `import { suite } from './tap.ts'; export default suite(${JSON.stringify(path)});`,
        resolveDir: here,
      }));
    },
  };
  const { outputFiles } = await build({
    entryPoints: [join(here, 'page.ts')],
    absWorkingDir: root,
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    sourcemap: 'inline',
    ignoreAnnotations: true, // package.json declares no side effects, but importing a test is one
    write: false,
    logLevel: 'silent', // an error is thrown with its text
    plugins: [resolve],
  });
  return outputFiles[0].contents;
}
