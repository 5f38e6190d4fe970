/** All commands of the program. */
import type { Command } from './command.js';
import { compress } from './commands/compress.js';
import { demo } from './commands/demo.js';
import { detect } from './commands/detect.js';
import { evaluate } from './commands/evaluate.js';
import { explainCommand } from './commands/explain.js';
import { exportModel } from './commands/export.js';
import { inspect } from './commands/inspect.js';
import { lint } from './commands/lint.js';
import { quantize } from './commands/quantize.js';
import { report } from './commands/report.js';
import { run } from './commands/run.js';
import { train } from './commands/train.js';
import { verify } from './commands/verify.js';

/** By name, in the order in which they are listed. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  demo,
  train,
  quantize,
  compress,
  lint,
  evaluate,
  inspect,
  report,
  explain: explainCommand,
  run,
  export: exportModel,
  verify,
  detect,
};
