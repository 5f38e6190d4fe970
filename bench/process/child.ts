/** Start of a measured process: `child.js MODULE [ARGUMENT]`; the module exports `start(argument)`. */
import type { Implementation } from './implementation.js';
import { serve } from './serve.js';

const [, , module, argument] = process.argv;
const { start } = (await import(module)) as { start: (argument?: string) => Promise<Implementation> };
await serve(() => start(argument));
