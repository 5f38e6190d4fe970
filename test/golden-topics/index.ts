/** The runner of each golden topic. */
import type { TopicRunner } from './common.js';

export const topics: Readonly<Record<string, TopicRunner>> = {};
