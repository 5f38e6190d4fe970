/** All generators of cases. */
import { codeCases } from './codes.js';
import { floatCases } from './float.js';
import { layerCases } from './layers.js';
import { trainingCases } from './training.js';
import type { Cases } from './types.js';
import { winogradCases } from './winograd.js';

export const cases: Cases = {
  ...layerCases,
  ...floatCases,
  ...codeCases,
  ...trainingCases,
  ...winogradCases,
};
