/**
 * `npm run bench`: kernels of the reference and of plain JavaScript, float32 and int8, and mathjs as a peer. Every result
 * is compared with the reference before anything is timed.
 *
 * --json FILE   also write the measurements
 * --cpu         processor time instead of wall-clock time (for a busy machine)
 * --only TEXT   shapes whose name contains TEXT
 */
import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { matrix, multiply } from 'mathjs';
import { type Backend, heap, js, type OpName, type OpParams, reference, resolve } from '../kernels/index.js';
import { type Contender, measure, type Measurement } from './measure.js';
import { type Shape, shapes } from './shapes.js';

const { values: options } = parseArgs({
  options: {
    json: { type: 'string' },
    cpu: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
  },
});

/** Beyond this many multiply-adds the reference is left out: one call would take a second. */
const REFERENCE_LIMIT = 3e6;

/** The kernel of a backend, checked against the reference: float to one rounding of sums in double, integer exactly. */
function contender<O extends OpName>(
  backend: Backend,
  label: string,
  shape: Shape,
  op: O,
  params: OpParams[O],
  output: Float32Array | Int8Array,
): Contender {
  const kernel = resolve(backend, op, params);
  resolve(reference, op, params).prepare(params, heap)();
  const want = output.slice();
  const run = kernel.prepare(params, heap);
  output.fill(0);
  run();
  const scale = Array.from(want).reduce((m, v) => Math.max(m, Math.abs(v)), 0);
  const bound = output instanceof Float32Array ? 1.2e-7 * scale : 0;
  output.forEach((v, i) => {
    if (!(Math.abs(v - want[i]) <= bound))
      throw new Error(`${kernel.name} is wrong for ${shape.name} at ${i}`);
  });
  return { group: shape.name, name: `${label} ${kernel.name}`, macs: shape.macs, run };
}

function mathjsPeer(shape: Shape & { kind: 'gemm' }): Contender {
  const { m, n, k, a, b } = shape.float;
  const left = matrix(Array.from({ length: m }, (_, i) => Array.from(a.subarray(i * k, (i + 1) * k))));
  const right = matrix(
    Array.from({ length: k }, (_, p) => Array.from({ length: n }, (_, j) => b[j * k + p])),
  );
  const run = () => multiply(left, right);
  const got = run().toArray() as number[][];
  resolve(reference, 'gemm', shape.float).prepare(shape.float, heap)();
  if (got.some((row, i) => row.some((v, j) => Math.abs(v - shape.float.c[i * n + j]) > 1e-4)))
    throw new Error(`mathjs differs for ${shape.name}`);
  return { group: shape.name, name: 'f32 mathjs multiply', macs: shape.macs, run };
}

function contenders(shape: Shape): Contender[] {
  const backends = shape.macs <= REFERENCE_LIMIT ? [js, reference] : [js];
  if (shape.kind === 'conv2d') return backends.flatMap((backend) => convolutions(backend, shape));
  const list = backends.flatMap((backend) => [
    contender(backend, 'f32', shape, 'gemm', shape.float, shape.float.c as Float32Array),
    contender(backend, 's8 ', shape, 'qgemm', shape.int8, shape.int8.y as Int8Array),
  ]);
  const peer = shape.name.startsWith('gemm') && shape.macs <= REFERENCE_LIMIT;
  return peer ? [...list, mathjsPeer(shape)] : list;
}

function convolutions(backend: Backend, shape: Shape & { kind: 'conv2d' }): Contender[] {
  const { float, int8 } = shape;
  const dx = new Float32Array(float.x.length);
  const dw = new Float32Array(float.w.length);
  // The gradients take the output as dy: computed by the first contender, and the same at every call.
  return [
    contender(backend, 'f32', shape, 'conv2d', float, float.y as Float32Array),
    contender(backend, 'f32', shape, 'conv2dInputGrad', { ...float, dy: float.y, dx }, dx),
    contender(backend, 'f32', shape, 'conv2dFilterGrad', { ...float, dy: float.y, dw }, dw),
    contender(backend, 's8 ', shape, 'qconv2d', int8, int8.y as Int8Array),
  ];
}

function report(measurements: readonly Measurement[]): void {
  let group = '';
  for (const m of measurements) {
    if (m.group !== group) console.log(`\n${(group = m.group)}`);
    const spread = `${m.lowerQuartile.toFixed(3)} - ${m.upperQuartile.toFixed(3)}`;
    const time = `${m.median.toFixed(3).padStart(10)} ms (${spread})`;
    console.log(`  ${m.name.padEnd(40)}${time.padEnd(34)}${m.gops.toFixed(2).padStart(7)} Gop/s`);
  }
}

const list = shapes()
  .filter((shape) => shape.name.includes(options.only))
  .flatMap(contenders);
const clock = options.cpu ? 'processor' : 'wall-clock';
const machine = { node: process.version, processor: cpus()[0].model, cores: cpus().length, clock };
console.log(
  `Node ${machine.node}, ${machine.processor}; ${clock} time, median (quartiles) of 15 interleaved rounds`,
);
const measurements = measure(list, { cpu: options.cpu, rounds: 15, sample: 4, warmup: 200 });
report(measurements);
if (options.json !== undefined)
  writeFileSync(options.json, `${JSON.stringify({ machine, measurements }, null, 2)}\n`);
