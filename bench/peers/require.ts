/** Loads peers, which are installed beside their package.json and not with the library. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** bench/peers in the sources; this file runs from out/bench/bench/peers. */
export const PEERS_FOLDER = fileURLToPath(new URL('../../../../bench/peers/', import.meta.url));

const require = createRequire(`${PEERS_FOLDER}package.json`);

/** The types of a peer are those that the caller uses: the checker must pass without the peer. */
export function requirePeer<T>(name: string): T {
  return require(name) as T;
}

/** Read as a file: not every package lets its package.json be imported. */
export function peerVersion(name: string): string {
  const manifest = readFileSync(join(PEERS_FOLDER, 'node_modules', name, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}
