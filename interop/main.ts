/** `npm run interop`: files written here, held to the runtimes that they are for. */
import { checkTfliteCodec } from './checks/tfliteCodec.js';
import { startLitert } from './runtimes/litert.js';
import { startTflite } from './runtimes/tflite.js';

const failures: string[] = [];
for (const runtime of [await startLitert(), startTflite()]) {
  const found = await checkTfliteCodec(runtime);
  console.log(`${runtime.name} ${runtime.version}: TFLite files, ${found.length} failures`);
  failures.push(...found);
}
for (const failure of failures) console.log(failure);
process.exit(failures.length === 0 ? 0 : 1);
