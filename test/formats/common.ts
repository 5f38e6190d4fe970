/** Damaged files for the readers of src/formats: whatever the bytes, only a FormatError may come out. */
import { FormatError } from '../../src/core/errors.js';
import { Random } from '../../src/core/random.js';

export const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
export const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));

/** A copy with some bytes flipped, cut, inserted, doubled, or overwritten with extreme values. */
function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  let out = Array.from(bytes);
  const edits = 1 + random.int(3);
  for (let e = 0; e < edits; e++) {
    const at = random.int(out.length + 1);
    switch (random.int(6)) {
      case 0:
        if (at < out.length) out[at] ^= 1 << random.int(8);
        break;
      case 1:
        out = out.slice(0, at);
        break;
      case 2:
        out.splice(at, 0, ...latin1('9"{}[],:0- \\'[random.int(12)]));
        break;
      case 3:
        out.splice(at, random.int(16));
        break;
      case 4:
        for (let i = at; i < Math.min(at + 1 + random.int(8), out.length); i++) out[i] = random.int(2) * 255;
        break;
      default:
        out.splice(at, 0, ...out.slice(at, at + random.int(40)));
    }
  }
  return Uint8Array.from(out);
}

export interface FuzzResult {
  /** Files that were still readable. */
  readonly accepted: number;
  readonly refused: number;
  /** Anything thrown that is not a FormatError. */
  readonly surprises: string[];
}

export function fuzz(
  seedFiles: readonly Uint8Array[],
  count: number,
  read: (bytes: Uint8Array) => unknown,
): FuzzResult {
  const random = new Random('damaged files');
  const surprises: string[] = [];
  let accepted = 0;
  for (let i = 0; i < count; i++) {
    try {
      read(mutate(seedFiles[i % seedFiles.length], random));
      accepted++;
    } catch (error) {
      if (!(error instanceof FormatError)) surprises.push(`file ${i}: ${String(error)}`);
    }
  }
  return { accepted, refused: count - accepted - surprises.length, surprises };
}
