/**
 * Runs TypeScript sources as they are: `node --import=./scripts/typescript/register.mjs test/core/shape.test.ts`. Types
 * are stripped, not checked.
 */
import { register } from 'node:module';

register('./hooks.mjs', import.meta.url);
