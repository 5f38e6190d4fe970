/** TFLite files as they are written here, in the runtimes of TFLite. */
import { checkTfliteCodec } from '../checks/tfliteCodec.js';
import { checkTfliteImport } from '../checks/tfliteImport.js';
import { startLitert } from '../runtimes/litert.js';
import { startTflite } from '../runtimes/tflite.js';
import type { PartResult } from './part.js';

export async function checkTfliteFiles(): Promise<PartResult> {
  const failures: string[] = [];
  const lines: string[] = [];
  const litert = await startLitert();
  for (const runtime of [litert, startTflite()]) {
    const found = await checkTfliteCodec(runtime);
    lines.push(`${runtime.name} ${runtime.version}: ${found.length} failures`);
    failures.push(...found);
  }
  const { found, failures: apart } = await checkTfliteImport(litert);
  failures.push(...apart);
  for (const { file, imported, exported } of found)
    lines.push(
      `${file}: imported, ${imported.toExponential(1)} of the largest result apart from LiteRT; exported again, ${exported.toExponential(1)}`,
    );
  return { failures, json: { failures, found }, text: lines.join('\n') };
}
