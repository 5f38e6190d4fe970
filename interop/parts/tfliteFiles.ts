/** TFLite files as they are written here, in the runtimes of TFLite. */
import { checkTfliteCodec } from '../checks/tfliteCodec.js';
import { startLitert } from '../runtimes/litert.js';
import { startTflite } from '../runtimes/tflite.js';
import type { PartResult } from './part.js';

export async function checkTfliteFiles(): Promise<PartResult> {
  const failures: string[] = [];
  const lines: string[] = [];
  for (const runtime of [await startLitert(), startTflite()]) {
    const found = await checkTfliteCodec(runtime);
    lines.push(`${runtime.name} ${runtime.version}: ${found.length} failures`);
    failures.push(...found);
  }
  return { failures, json: failures, text: lines.join('\n') };
}
