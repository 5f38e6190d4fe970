/** What a product over strips of an image knows: the words that the driver reads and the planner writes. */
import type { Value } from '../assembler.js';
import { layout } from '../binding.js';
import * as i32 from '../instructions/i32.js';

/** What the last strip of an image has of its own: rows of the tile, runs of the depth, bytes of a staged row of x. */
const STRIP = ['table', 'tiles', 'runs', 'runCount', 'rowElements'] as const;

export const context = layout(
  ...STRIP,
  'lastTable',
  'lastTiles',
  'lastRuns',
  'lastRunCount',
  'lastRowElements',
  'x',
  'b',
  'y',
  /** what the sums of a strip start with: zero where units have several */
  'bias',
  'accumulate',
  'constants',
  'multiplier',
  'shift',
  'zeroPoint',
  /** strips of an image, of all images, of a unit */
  'strips',
  'allStrips',
  'unitStrips',
  /** units that share strips, panels of one of them, all panels, panels of a group */
  'parts',
  'partPanels',
  'panels',
  'groupPanels',
  /** columns of a group */
  'channels',
  /** bytes from one image and strip to the next, from one row to the next */
  'xImage',
  'xStrip',
  'xRow',
  /** rows of x that are staged for a strip (none: x is read where it is), the first of the first strip, of the next */
  'stagedRows',
  'firstRow',
  'stripRows',
  'inHeight',
  /** bytes of a staged row: all, left of the image */
  'rowBytes',
  'leftBytes',
  'aGroup',
  'aColumn',
  'aStep',
  'bImage',
  'bStrip',
  'bGroup',
  'bColumn',
  'bStep',
  'yImage',
  'yStrip',
  /** from one unit that shares columns to the next */
  'yUnit',
);
export type Field = (typeof context.names)[number];
export type Fields = Partial<Record<Field, number>>;

/** Offset of what the last strip has of its own. */
export const LAST = 4 * STRIP.length;

export const field = (c: Value<'i32'>, name: Field): Value<'i32'> => i32.load(c, context.offset[name]);
