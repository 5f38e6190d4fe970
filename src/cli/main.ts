#!/usr/bin/env node
/** The program `octograd`: connects the command line to the process. */
import { main } from './cli.js';
import { EXIT } from './command.js';

const stop = new AbortController();
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
let signals = 0;

function onSignal(): void {
  if (++signals > 1) {
    // A progress bar hides the cursor.
    if (process.stderr.isTTY) process.stderr.write('\u001b[?25h');
    process.exit(EXIT.aborted);
  }
  process.stderr.write('\nstopping after this step; once more to stop at once\n');
  stop.abort();
}
function listen(): void {
  for (const signal of SIGNALS) process.on(signal, onSignal);
}
function unlisten(): void {
  for (const signal of SIGNALS) process.off(signal, onSignal);
}
listen();
// `octograd ... | head` closes the pipe early, which is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await main(process.argv.slice(2), {
  stdout: (line) => void process.stdout.write(`${line}\n`),
  stderr: (line) => void process.stderr.write(`${line}\n`),
  isTTY: process.stderr.isTTY,
  signal: stop.signal,
  async endsAtOnce(f) {
    unlisten();
    try {
      return await f();
    } finally {
      listen();
    }
  },
});
unlisten();
