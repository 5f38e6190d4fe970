/** Code blocks of Markdown files: finding them, turning them into modules that run against the sources, running them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Block {
  /** Path of the document, from the project folder. */
  readonly file: string;
  /** Line of the first line of code, from 1. */
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

/**
 * The fenced blocks of a document. A block fenced as `ts continued` belongs to the one before it: both become one
 * block with the text between them blank, so that line numbers stay those of the document.
 */
export function extractBlocks(file: string, markdown: string): Block[] {
  const blocks: Block[] = [];
  const lines = markdown.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const fence = /^(\s*)(`{3,}|~{3,})\s*(\w*)\s*(.*)$/.exec(lines[i]);
    if (fence === null) continue;
    const [, indent, marks, language, rest] = fence;
    const start = i + 1;
    do i++;
    while (i < lines.length && lines[i].trim() !== marks);
    if (i === lines.length) throw new Error(`${file}:${start}: the code block is never closed`);
    const code = lines.slice(start, i).map((l) => (l.startsWith(indent) ? l.slice(indent.length) : l));
    const previous = blocks[blocks.length - 1];
    if (/\bcontinued\b/.test(rest)) {
      if (previous === undefined) throw new Error(`${file}:${start}: there is no block to continue`);
      const gap = start + 1 - previous.line - previous.code.split('\n').length;
      blocks[blocks.length - 1] = {
        ...previous,
        code: [previous.code, ...Array<string>(gap).fill(''), ...code].join('\n'),
      };
    } else blocks.push({ file, line: start + 1, language, code: code.join('\n') });
  }
  return blocks;
}

/** Entry points of the package by what an importer writes: `octograd/kernels` -> `kernels/index.js`, from the project folder. */
export function entryPoints(manifest: {
  name: string;
  exports: Record<string, unknown>;
}): Map<string, string> {
  const entries = new Map<string, string>();
  for (const [path, target] of Object.entries(manifest.exports))
    if (typeof target === 'object' && target !== null && 'default' in target)
      entries.set(manifest.name + path.slice(1), String(target.default).replace(/^\.\/dist\//, ''));
  return entries;
}

/** The block as a module in `folder`, importing sources where it names the package. Its lines are those of the document. */
export function moduleOf(
  block: Block,
  folder: string,
  root: string,
  entries: ReadonlyMap<string, string>,
): string {
  const name = [...entries.keys()][0];
  const code = block.code.replace(
    /(\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"]+)\2/g,
    (whole, lead: string, quote: string, specifier: string) => {
      if (specifier !== name && !specifier.startsWith(`${name}/`)) return whole;
      const entry = entries.get(specifier);
      if (entry === undefined)
        throw new Error(`${specifier} is no entry point; there are ${[...entries.keys()].join(', ')}`);
      return `${lead}${quote}${relative(folder, join(root, entry)).replaceAll('\\', '/')}${quote}`;
    },
  );
  return `${'\n'.repeat(block.line - 1)}${code}\nexport {};\n`;
}

export interface Runner {
  /** Where the modules are written; inside the project, so that packages are found. */
  readonly folder: string;
  readonly root: string;
  readonly entries: ReadonlyMap<string, string>;
  /** Gets what the module prints; default: nobody does. */
  readonly print?: typeof console.log;
}

let count = 0;

/** Runs a block. Returns null, or what went wrong, beginning with file and line. */
export async function runBlock(
  block: Block,
  { folder, root, entries, print = () => undefined }: Runner,
): Promise<string | null> {
  const path = join(folder, `${block.file.replace(/\W+/g, '-')}-${block.line}-${count++}.ts`);
  const { log } = console;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(path, moduleOf(block, folder, root, entries));
    console.log = print;
    await import(pathToFileURL(path).href);
    return null;
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const at = stack.split(path)[1]?.match(/^[^\d]{0,3}(\d+)/)?.[1] ?? block.line;
    return `${block.file}:${at}: ${error instanceof Error ? `${error.name}: ${error.message}` : stack}`;
  } finally {
    console.log = log;
  }
}

export interface ShellNames {
  readonly scripts: ReadonlySet<string>;
  readonly commands: ReadonlySet<string>;
  readonly fileExists: (path: string) => boolean;
}

/** What a shell block asks for and the project does not have: npm scripts, commands of the CLI, files given to node. */
export function checkShell(block: Block, { scripts, commands, fileExists }: ShellNames): string[] {
  const problems: string[] = [];
  block.code.split('\n').forEach((line, i) => {
    const report = (what: string): void => void problems.push(`${block.file}:${block.line + i}: ${what}`);
    const text = line.replace(/^\$ /, '').replace(/(^|\s)#.*$/, '');
    for (const [, script] of text.matchAll(/\bnpm run ([\w:.-]+)/g))
      if (!scripts.has(script)) report(`there is no npm script ${script}`);
    for (const [, script] of text.matchAll(/\bnpm (start|test|stop)\b/g))
      if (!scripts.has(script)) report(`there is no npm script ${script}`);
    for (const [, command] of text.matchAll(/(?:^|\bnpx |&& |; |\| )octograd ([a-z][\w-]*)/g))
      if (!commands.has(command)) report(`there is no command octograd ${command}`);
    for (const [, path] of text.matchAll(/(?:^|&& |; )(?:node|npx tsx) ([^\s-]\S*)/g))
      if (!path.startsWith('dist/') && !fileExists(path)) report(`there is no file ${path}`);
  });
  return problems;
}
