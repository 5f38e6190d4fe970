/** What this library is compared with. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PEERS_FOLDER } from './require.js';

export interface Peer {
  readonly name: string;
  /** Module beside this one that starts it, or a script for Python. */
  readonly module: string;
  readonly argument?: string;
  /** Package in bench/peers; null: comes with the library, or from elsewhere. */
  readonly pkg: string | null;
  /** Where it runs: JavaScript and WebAssembly depend on the Node they run in, native code does not. */
  readonly in: 'every node' | 'one node' | 'python';
  /** Seconds for one result: not part of --quick. */
  readonly slow?: true;
}

export const PEERS: readonly Peer[] = [
  peer('onnxruntime-web', 'onnxruntime', 'onnxruntime-web', 'every node'),
  peer('onnxruntime-node', 'onnxruntime', 'onnxruntime-node', 'one node'),
  { ...peer('tfjs-wasm', 'tfjs', '@tensorflow/tfjs-backend-wasm', 'every node'), argument: 'wasm' },
  { ...peer('tfjs-cpu', 'tfjs', '@tensorflow/tfjs', 'every node'), argument: 'cpu', slow: true },
  peer('jax-js', 'jax', '@jax-js/jax', 'every node'),
  { ...peer('convnetjs', 'convnetjs', 'convnetjs', 'every node'), slow: true },
  { ...peer('ml-matrix', 'matrices', 'ml-matrix', 'every node'), slow: true },
  { ...peer('mathjs', 'matrices', '', 'every node'), pkg: null, slow: true },
  { name: 'pytorch', module: 'pytorch.py', pkg: null, in: 'python' },
];

function peer(name: string, module: string, pkg: string, where: Peer['in']): Peer {
  return { name, module: `${module}.js`, argument: name, pkg, in: where };
}

export function isInstalled({ pkg }: Peer): boolean {
  return pkg === null || existsSync(join(PEERS_FOLDER, 'node_modules', pkg, 'package.json'));
}

export const HOW_TO_INSTALL = 'npm run bench:peers';
