/** Backgrounds of semi-synthetic scenes: gradients, stripes, patches, with noise over them. */
import { Random } from '../core/index.js';

/** What is painted in a place, about 0, up to 1 either way. */
type Paint = (x: number, y: number) => number;

function gradient(size: number, random: Random): Paint {
  const angle = random.uniform(0, 2 * Math.PI);
  const [dx, dy] = [Math.cos(angle) / size, Math.sin(angle) / size];
  return (x, y) => 2 * (dx * (x - size / 2) + dy * (y - size / 2));
}

function stripes(_: number, random: Random): Paint {
  const angle = random.uniform(0, Math.PI);
  const step = (2 * Math.PI) / random.uniform(4, 24);
  const [dx, dy] = [Math.cos(angle) * step, Math.sin(angle) * step];
  return (x, y) => Math.sin(dx * x + dy * y);
}

/** Squares, each of one shade. */
function patches(size: number, random: Random): Paint {
  const side = 4 + random.int(20);
  const columns = Math.ceil(size / side);
  const shades = Float32Array.from({ length: columns * columns }, () => random.uniform(-1, 1));
  return (x, y) => shades[Math.floor(y / side) * columns + Math.floor(x / side)];
}

const PAINTS = [gradient, stripes, patches, (): Paint => () => 0];

/** Drawn once: new numbers for every pixel would take 0.06 ms more of the 0.4 that a scene of 96 x 96 takes. */
const NOISE = ((): Float32Array => {
  const random = new Random('noise');
  return Float32Array.from({ length: 2 ** 14 }, () => random.uniform(-1, 1));
})();

/** Grey values around 0 to 255, not limited, [size * size]. */
export function paintCanvas(size: number, random: Random): Float32Array {
  const base = random.uniform(20, 160);
  const contrast = random.uniform(10, 60);
  const noise = random.uniform(0, 25);
  const paint = PAINTS[random.int(PAINTS.length)](size, random);
  const canvas = new Float32Array(size * size);
  let at = random.int(NOISE.length);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      canvas[y * size + x] = base + contrast * paint(x, y) + noise * NOISE[at++ % NOISE.length];
  return canvas;
}
