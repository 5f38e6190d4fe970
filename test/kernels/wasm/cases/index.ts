/** All generators of cases. */
import { layerCases } from './layers.js';
import type { Cases } from './types.js';

export const cases: Cases = { ...layerCases };
