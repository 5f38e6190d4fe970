/** The runner of each golden topic. */
import type { TopicRunner } from './common.js';
import { fakequant } from './fakequant.js';
import { observers } from './observers.js';

export const topics: Readonly<Record<string, TopicRunner>> = {
  fakequant,
  observers,
};
