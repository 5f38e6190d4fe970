/** Checks sources against the rules: which files they import, which packages, which globals they name. */
import { builtinModules } from 'node:module';
import { posix } from 'node:path';
import ts from 'typescript';
import { ALLOWED, DOM_FOLDERS, DOM_GLOBALS, NODE_FOLDERS, NODE_GLOBALS, PACKAGES } from './rules.js';

/** Source text by path from the project folder, with forward slashes: `src/core/shape.ts`. */
export type Sources = ReadonlyMap<string, string>;

/** `kernels`, the folder under src, or `index` for src/index.ts. */
export function folderOf(path: string): string {
  const parts = path.split('/');
  if (parts[0] !== 'src') return parts[0];
  return parts.length === 2 ? parts[1].replace(/\.ts$/, '') : parts[1];
}

export interface Mentions {
  /** Specifiers of imports and re-exports of every form; null for an import() that is computed. */
  readonly imports: readonly (string | null)[];
  /** Names used but declared nowhere in the file. */
  readonly globals: ReadonlySet<string>;
}

export function mentionsOf(path: string, text: string): Mentions {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.TS);
  const imports: (string | null)[] = [];
  const used = new Set<string>();
  const declared = new Set<string>();
  const add = (specifier: ts.Node | undefined): void => {
    imports.push(specifier !== undefined && ts.isStringLiteralLike(specifier) ? specifier.text : null);
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier);
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) add(node.moduleSpecifier);
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference))
      add(node.moduleReference.expression);
    else if (ts.isImportTypeNode(node))
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0]);
    else if (ts.isIdentifier(node)) (isDeclaration(node) ? declared : used).add(node.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { imports, globals: new Set([...used].filter((name) => !declared.has(name))) };
}

/** Whether the identifier names a binding or a member, rather than using a value or type in scope. */
function isDeclaration(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node && !isGlobalThis(parent.expression);
  if (ts.isQualifiedName(parent)) return parent.right === node;
  if (ts.isShorthandPropertyAssignment(parent) || ts.isExportSpecifier(parent)) return false;
  if (ts.isBindingElement(parent)) return parent.name === node || parent.propertyName === node;
  return 'name' in parent && parent.name === node;
}

const isGlobalThis = (node: ts.Expression): boolean => ts.isIdentifier(node) && node.text === 'globalThis';

/** One line for each broken rule, sorted; none if all is well. */
export function violations(sources: Sources): string[] {
  const out: string[] = [];
  const files = new Map<string, string[]>();
  for (const [path, text] of sources) {
    const folder = folderOf(path);
    if (ALLOWED[folder] === undefined) out.push(`${path}: folder ${folder} is not in the rules`);
    const { imports, globals } = mentionsOf(path, text);
    const targets: string[] = [];
    for (const specifier of imports) {
      if (specifier?.startsWith('.') === true) {
        const target = posix.join(posix.dirname(path), specifier).replace(/\.js$/, '.ts');
        const to = folderOf(target);
        if (!sources.has(target)) out.push(`${path}: imports ${specifier}, which is no source file`);
        else if (to !== folder && !(ALLOWED[folder] ?? []).includes(to))
          out.push(`${path}: ${folder} may not import ${to}`);
        targets.push(target);
      } else out.push(...packageViolation(path, folder, specifier));
    }
    files.set(path, targets);
    out.push(...globalViolations(path, folder, globals));
  }
  for (const cycle of cycles(files)) out.push(`cycle: ${cycle.join(' -> ')}`);
  return out.sort();
}

function packageViolation(path: string, folder: string, specifier: string | null): string[] {
  if (specifier === null)
    return NODE_FOLDERS.includes(folder) ? [] : [`${path}: an import() must name its module`];
  if (specifier.startsWith('node:') || builtinModules.includes(specifier.split('/')[0]))
    return NODE_FOLDERS.includes(folder) ? [] : [`${path}: ${folder} may not import ${specifier} of Node`];
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  return (PACKAGES[folder] ?? []).includes(name)
    ? []
    : [`${path}: ${folder} may not import the package ${name}`];
}

function globalViolations(path: string, folder: string, globals: ReadonlySet<string>): string[] {
  const named = (names: readonly string[], folders: readonly string[], what: string): string[] =>
    folders.includes(folder)
      ? []
      : names.filter((n) => globals.has(n)).map((n) => `${path}: ${folder} may not name ${n} of ${what}`);
  return [...named(NODE_GLOBALS, NODE_FOLDERS, 'Node'), ...named(DOM_GLOBALS, DOM_FOLDERS, 'the DOM')];
}

/** The cycles that a depth-first walk closes, each starting at its first node by name; empty for an acyclic graph. */
export function cycles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const found = new Map<string, string[]>();
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (node: string): void => {
    const at = trail.indexOf(node);
    if (at >= 0) {
      const loop = trail.slice(at);
      const first = loop.indexOf([...loop].sort()[0]);
      const cycle = [...loop.slice(first), ...loop.slice(0, first)];
      found.set(cycle.join(), [...cycle, cycle[0]]);
      return;
    }
    if (done.has(node)) return;
    trail.push(node);
    for (const next of edges.get(node) ?? []) visit(next);
    trail.pop();
    done.add(node);
  };
  for (const node of [...edges.keys()].sort()) visit(node);
  return [...found.values()];
}
