/** Which processes there are to measure, and how each is started. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { matches, type Options } from './options.js';
import { OUR_NAMES } from './ours/implementations.js';
import { HOW_TO_INSTALL, isInstalled, PEERS } from './peers/list.js';
import { PEERS_FOLDER } from './peers/require.js';
import { Client, type Command } from './process/client.js';
import type { Engine } from './types.js';

export interface Contender {
  readonly impl: string;
  /** null for native code, which the engine does not matter to */
  readonly engine: Engine | null;
  readonly command: Command;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const FIRST_WITH_REVECTORIZE = 24;
const REVECTORIZE_FLAG = '--experimental-wasm-revectorize';

/** The engines of a run; throws Error for a binary that does not start. */
export function engines({ binaries, revectorize }: Pick<Options, 'binaries' | 'revectorize'>): Engine[] {
  return [process.execPath, ...binaries].flatMap((binary) => {
    const { stdout, error } = spawnSync(binary, ['--version'], { encoding: 'utf8' });
    const major = Number(/^v(\d+)\./.exec(stdout ?? '')?.[1]);
    if (error || Number.isNaN(major)) throw new Error(`--node: ${binary} is no Node binary`);
    const plain = { name: `node ${major}`, binary, revectorize: false };
    return revectorize && major >= FIRST_WITH_REVECTORIZE
      ? [plain, { ...plain, name: `${plain.name} revectorize`, revectorize: true }]
      : [plain];
  });
}

function inNode(engine: Engine, module: string, argument = ''): Command {
  const flags = ['--enable-source-maps', ...(engine.revectorize ? [REVECTORIZE_FLAG] : [])];
  const url = pathToFileURL(join(here, module)).href;
  return { binary: engine.binary, args: [...flags, join(here, 'process', 'child.js'), url, argument] };
}

/** The first Python that has PyTorch; Debian's lies beside others. */
function pythonWithTorch(): string | undefined {
  const find = 'import importlib.util as u, sys; sys.exit(u.find_spec("torch") is None)';
  return ['python3', '/usr/bin/python3'].find((python) => spawnSync(python, ['-c', find]).status === 0);
}

/** In the order in which they take turns: ours first, then peers; what cannot run is named in `missing`. */
export function contenders(
  options: Options,
  list: readonly Engine[],
): { contenders: Contender[]; missing: string[] } {
  const missing: string[] = [];
  const found: Contender[] = [];
  const wanted = (impl: string): boolean => matches(impl, options.impls);
  for (const engine of list)
    for (const name of OUR_NAMES) {
      const impl = `octograd ${name}`;
      // Neither depends on the width of vectors.
      const same = engine.revectorize && (name === 'reference' || name === 'js');
      if (wanted(impl) && !same)
        found.push({
          impl,
          engine,
          command: inNode(engine, 'ours/start.js', name + (engine.revectorize ? '+revectorize' : '')),
        });
    }
  for (const peer of PEERS) {
    // Who names a slow peer gets it also with --quick.
    if (!wanted(peer.name) || (options.quick && peer.slow && options.impls.length === 0)) continue;
    if (!isInstalled(peer)) {
      missing.push(`${peer.name}: not installed; ${HOW_TO_INSTALL} installs the peers`);
      continue;
    }
    if (peer.in === 'python') {
      const python = pythonWithTorch();
      if (python === undefined) {
        missing.push(`${peer.name}: no Python with PyTorch; apt-get install python3-torch`);
        continue;
      }
      // One thread, also in the libraries below it.
      const env = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
      const command = { binary: python, args: [join(PEERS_FOLDER, peer.module)], env };
      found.push({ impl: peer.name, engine: null, command });
      continue;
    }
    const [first] = list;
    const command = (engine: Engine): Command => inNode(engine, `peers/${peer.module}`, peer.argument);
    if (peer.in === 'one node') found.push({ impl: peer.name, engine: null, command: command(first) });
    else
      for (const engine of list.filter((e) => !e.revectorize))
        found.push({ impl: peer.name, engine, command: command(engine) });
  }
  return { contenders: found, missing };
}

export interface Started {
  readonly contender: Contender;
  readonly client: Client;
}

/** Starts all of them; those that do not come up are named in `missing`. */
export async function startAll(
  list: readonly Contender[],
): Promise<{ started: Started[]; missing: string[] }> {
  const missing: string[] = [];
  const clients = await Promise.all(
    list.map(async (contender) => {
      try {
        return [{ contender, client: await Client.start(contender.command) }];
      } catch (error) {
        missing.push(`${label(contender)}: ${(error as Error).message}`);
        return [];
      }
    }),
  );
  return { started: clients.flat(), missing };
}

export function label({ impl, engine }: Pick<Contender, 'impl' | 'engine'>): string {
  return engine === null ? impl : `${impl} in ${engine.name}`;
}
