/** A headless Chromium out of an npm package, and a server for the page that it opens. Nothing of the system is needed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inflate } from '@sparticuz/chromium';
import { chromium, type BrowserContext } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const ISOLATION = {
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-embedder-policy': 'require-corp',
};

/** Runs `use` with a browser whose program, libraries and profile are in a new folder, and removes all of it. */
export async function withBrowser<T>(use: (browser: BrowserContext) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'octograd-chromium-'));
  try {
    const packed = (name: string): string =>
      fileURLToPath(new URL(`../../bin/${name}`, import.meta.resolve('@sparticuz/chromium')));
    const { TMPDIR } = process.env;
    process.env['TMPDIR'] = folder; // where inflate() writes, and where it takes what it finds for complete
    const unpacked = Promise.all([inflate(packed('chromium.br')), inflate(packed('al2023.tar.br'))]);
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
    const [executablePath, libraries] = await unpacked;
    const browser = await chromium.launchPersistentContext(join(folder, 'profile'), {
      executablePath,
      args: FLAGS,
      env: { ...process.env, LD_LIBRARY_PATH: join(libraries, 'lib') },
    });
    try {
      return await use(browser);
    } finally {
      await browser.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Serves `script` as a page under /plain and, with the headers that allow shared memory, under /isolated; and `files` by
 * their paths. `use` gets the origin.
 */
export async function withServer<T>(
  script: Uint8Array,
  files: ReadonlyMap<string, Uint8Array>,
  use: (origin: string) => Promise<T>,
): Promise<T> {
  const page = Buffer.from(
    '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>',
  );
  const server = createServer(({ url = '' }, response) => {
    const [type, body] =
      url === '/plain' || url === '/isolated'
        ? ['text/html', page]
        : url === '/page.js'
          ? ['text/javascript', script]
          : ['application/octet-stream', files.get(url)];
    const headers = { 'content-type': type, ...(url === '/isolated' ? ISOLATION : {}) };
    response.writeHead(body === undefined ? 404 : 200, headers).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
