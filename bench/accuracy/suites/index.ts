/** The suites, in the order in which they run and appear on the page. A new one is a file here and a line below. */
import type { Suite } from '../types.js';
import { compression } from './compression.js';
import { float } from './float.js';
import { imported } from './imported.js';
import { mixed } from './mixed.js';
import { networks, observers } from './networks.js';
import { rescaled } from './rescaled.js';
import { sparsity } from './sparsity.js';

export const SUITES: readonly Suite[] = [
  float,
  networks,
  observers,
  mixed,
  rescaled,
  imported,
  sparsity,
  compression,
];
