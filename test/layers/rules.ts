/**
 * Who may import whom. A folder may import from itself and from the folders listed; nothing else, so that the kernels
 * and the runtime can be shipped without what lies above them. Keys are folders under src, and `kernels`.
 */
const BASE = ['core', 'kernels'];
const TAPE = ['autograd', ...BASE];
const FLOAT = ['ops', ...TAPE];
const INTEGER = ['graph', ...BASE];
const TRAINING = ['nn', ...FLOAT];
const LIBRARY = [
  'train',
  'data',
  'optim',
  'models',
  'quant',
  'compress',
  'contract',
  'analysis',
  'detection',
  'trace',
  'formats',
  'runtime',
  'targets',
  'graph',
  ...TRAINING,
];

export const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  kernels: [],
  core: [],
  autograd: ['core'],
  ops: TAPE,
  nn: FLOAT,
  optim: TRAINING,
  data: FLOAT,
  train: ['data', 'optim', ...TRAINING],
  models: ['data', 'optim', ...TRAINING],
  graph: ['core'],
  targets: ['graph', 'core'],
  trace: ['graph', ...FLOAT],
  // Compares what training computes with what the runtime computes, hence above it.
  quant: ['runtime', 'trace', 'targets', 'graph', 'optim', ...FLOAT],
  compress: ['trace', 'graph', ...TRAINING],
  runtime: INTEGER,
  // From outputs to boxes, and what detectors are trained with.
  detection: ['data', ...FLOAT],
  // Opens files of any format and runs what they hold.
  contract: ['formats', 'runtime', 'trace', 'quant', 'graph', ...FLOAT],
  // Compares networks of every kind, those of files too.
  analysis: ['contract', 'runtime', 'trace', 'quant', 'graph', ...FLOAT],
  // Exporters write the tables that kernels look codes up in.
  formats: INTEGER,
  node: LIBRARY,
  browser: LIBRARY,
  cli: ['node', 'index', ...LIBRARY],
  // src/index.ts, the entry point of the package.
  index: LIBRARY,
};

/** Packages that a folder may name. */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  core: ['seedrandom'],
  formats: ['@bufbuild/protobuf', 'flatbuffers'],
  node: ['cli-progress', 'jpeg-js', 'pngjs'],
  cli: ['cli-progress', 'vega', 'vega-lite'],
};

/** Folders that may name Node's modules and globals, or those of a page. */
export const NODE_FOLDERS = ['node', 'cli'];
export const DOM_FOLDERS = ['browser'];

export const NODE_GLOBALS = [
  'process',
  'Buffer',
  'require',
  'module',
  '__dirname',
  '__filename',
  'global',
  'setImmediate',
];
export const DOM_GLOBALS = [
  'document',
  'window',
  'navigator',
  'localStorage',
  'sessionStorage',
  'ImageData',
  'HTMLElement',
];
