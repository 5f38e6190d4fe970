/** The inner side of a measured process: answers requests one at a time. Nothing else may write to standard output. */
import { createInterface } from 'node:readline';
import type { Implementation, Loaded } from './implementation.js';
import { decode, encode, type Reply, type Request } from './protocol.js';
import { calibrate, sample, type Timed } from './timing.js';

export async function serve(start: () => Promise<Implementation> | Implementation): Promise<void> {
  // Libraries greet on the console.
  console.log = console.info = console.warn = console.error;
  const send = (reply: Reply): void => void process.stdout.write(`${encode(reply)}\n`);
  const failed = (error: unknown): Reply => ({
    is: 'failed',
    why: error instanceof Error ? error.message : String(error),
  });
  let implementation: Implementation;
  try {
    implementation = await start();
  } catch (error) {
    send(failed(error));
    return;
  }
  let loaded: Loaded | null = null;
  let timed: Timed | null = null;
  const answer = async (request: Request): Promise<Reply> => {
    if (request.do === 'load') {
      const made = await implementation.load(request.case);
      if (typeof made === 'string') return { is: 'unsupported', why: made };
      loaded = made;
      timed = null;
      await made.run();
      const { kernel } = made;
      return { is: 'loaded', output: await made.output(), ...(kernel === undefined ? {} : { kernel }) };
    }
    if (request.do === 'unload') {
      loaded?.dispose?.();
      loaded = null;
      return { is: 'unloaded' };
    }
    if (loaded === null) throw new Error('nothing is loaded');
    timed ??= await calibrate(loaded.run);
    return { is: 'sampled', ms: await sample(timed, request) };
  };
  send({ is: 'ready', threads: implementation.threads, version: implementation.version });
  for await (const line of createInterface({ input: process.stdin }))
    send(await answer(decode(line) as Request).catch(failed));
  process.exit();
}
