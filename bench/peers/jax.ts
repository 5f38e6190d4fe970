/** jax-js in WebAssembly: float products, convolutions and training steps, each compiled by its jit. */
import { CHECKED_STEPS } from '../ours/train.js';
import { channelsFirst } from '../onnx/layout.js';
import type { Implementation, Loaded } from '../process/implementation.js';
import { outSize } from '../suites/conv.js';
import type { Case, ConvCase, Data, GemmCase, TrainCase } from '../types.js';
import { peerVersion, requirePeer } from './require.js';

/** Functions take ownership of their arguments; `ref` keeps one. */
interface Tensor {
  readonly ref: Tensor;
  data(): Promise<Data>;
  dispose(): void;
  add(other: Tensor): Tensor;
  sub(other: Tensor): Tensor;
  mul(other: Tensor | number): Tensor;
  sum(): Tensor;
  reshape(shape: readonly number[]): Tensor;
}
type Params = Record<string, Tensor>;
type Padding = readonly (readonly [number, number])[];
interface Jax {
  init(device: string): Promise<unknown>;
  defaultDevice(device: string): void;
  blockUntilReady<T>(x: T): Promise<T>;
  jit<A extends unknown[], R>(f: (...args: A) => R): (...args: A) => R;
  valueAndGrad<A extends unknown[]>(
    f: (p: Params, ...rest: A) => Tensor,
  ): (p: Params, ...rest: A) => [Tensor, Params];
  readonly numpy: {
    array(data: Data, options: { shape: readonly number[] }): Tensor;
    matmul(a: Tensor, b: Tensor): Tensor;
    max(x: Tensor, axis: readonly number[]): Tensor;
  };
  readonly nn: { relu(x: Tensor): Tensor; logSoftmax(x: Tensor, axis: number): Tensor };
  readonly lax: {
    convGeneralDilated(
      x: Tensor,
      w: Tensor,
      strides: readonly number[],
      padding: Padding,
      options: { featureGroupCount: number },
    ): Tensor;
  };
}

function inference(jax: Jax, compute: () => Tensor, toOurs: (y: Data) => Data): Loaded {
  let y: Tensor | null = null;
  return {
    run: async () => {
      y?.dispose();
      y = await jax.blockUntilReady(compute());
    },
    output: async () => toOurs(await y!.ref.data()),
    dispose: () => y?.dispose(),
  };
}

function loadGemm(jax: Jax, { m, n, k, x, w }: GemmCase): Loaded {
  const np = jax.numpy;
  const a = np.array(x, { shape: [m, k] });
  const b = np.array(channelsFirst(w as Float32Array, 1, n, k), { shape: [k, n] });
  const product = jax.jit((p: Tensor, q: Tensor) => np.matmul(p, q));
  return inference(
    jax,
    () => product(a.ref, b.ref),
    (y) => y,
  );
}

/** Images are NCHW, filters OIHW. */
function loadConv(jax: Jax, c: ConvCase): Loaded {
  const { size, kernel, stride, inChannels, outChannels, groups } = c;
  const x = jax.numpy.array(channelsFirst(c.x as Float32Array, 1, size * size, inChannels), {
    shape: [1, inChannels, size, size],
  });
  const inner = inChannels / groups;
  const w = jax.numpy.array(channelsFirst(c.w as Float32Array, outChannels, kernel * kernel, inner), {
    shape: [outChannels, inner, kernel, kernel],
  });
  const pad = (kernel - 1) / 2;
  const padding: Padding = [
    [pad, pad],
    [pad, pad],
  ];
  const conv = jax.jit((p: Tensor, q: Tensor) =>
    jax.lax.convGeneralDilated(p, q, [stride, stride], padding, { featureGroupCount: groups }),
  );
  return inference(
    jax,
    () => conv(x.ref, w.ref),
    (y) => channelsFirst(y as Float32Array, 1, outChannels, outSize(c) ** 2),
  );
}

async function loadTraining(jax: Jax, c: TrainCase): Promise<Loaded> {
  const { numpy: np, nn, lax } = jax;
  const cnn = c.network === 'cnn';
  const sizes = cnn ? [400, 120, 84, 10] : [784, 256, 256, 10];
  const given = (name: string): Float32Array => c.params[name];
  let params: Params = {};
  for (const i of [1, 2, 3]) {
    // Images are flattened as [channels, cells] here.
    const ours = given(`fc${i}.weight`);
    const rows = cnn && i === 1 ? channelsFirst(ours, 120, 25, 16) : ours;
    params[`fc${i}.weight`] = np.array(channelsFirst(rows, 1, sizes[i], sizes[i - 1]), {
      shape: [sizes[i - 1], sizes[i]],
    });
    params[`fc${i}.bias`] = np.array(given(`fc${i}.bias`), { shape: [sizes[i]] });
  }
  const convs = cnn
    ? ([
        [6, 1, 2],
        [16, 6, 0],
      ] as const)
    : [];
  convs.forEach(([out, inner], i) => {
    const name = `conv${i + 1}`;
    params[`${name}.weight`] = np.array(channelsFirst(given(`${name}.weight`), out, 25, inner), {
      shape: [out, inner, 5, 5],
    });
    params[`${name}.bias`] = np.array(given(`${name}.bias`), { shape: [1, out, 1, 1] });
  });
  const x = np.array(c.x, { shape: cnn ? [c.batch, 1, 28, 28] : [c.batch, 784] });
  const oneHot = new Float32Array(c.batch * 10);
  c.targets.forEach((t, i) => (oneHot[10 * i + t] = 1));
  const labels = np.array(oneHot, { shape: [c.batch, 10] });

  const loss = (p: Params, images: Tensor, wanted: Tensor): Tensor => {
    let h = images;
    let side = 28;
    convs.forEach(([out, , pad], i) => {
      const name = `conv${i + 1}`;
      const padding: Padding = [
        [pad, pad],
        [pad, pad],
      ];
      h = lax.convGeneralDilated(h, p[`${name}.weight`], [1, 1], padding, { featureGroupCount: 1 });
      h = nn.relu(h.add(p[`${name}.bias`]));
      side = (side + 2 * pad - 4) / 2;
      // The maximum of 2x2 cells: faster here than reduceWindow.
      h = np.max(h.reshape([c.batch, out, side, 2, side, 2]), [3, 5]);
    });
    h = h.reshape([c.batch, sizes[0]]);
    for (const i of [1, 2, 3]) {
      h = np.matmul(h, p[`fc${i}.weight`]).add(p[`fc${i}.bias`]);
      if (i < 3) h = nn.relu(h);
    }
    return nn
      .logSoftmax(h, -1)
      .mul(wanted)
      .sum()
      .mul(-1 / c.batch);
  };
  const step = jax.jit((p: Params, images: Tensor, wanted: Tensor): [Tensor, Params] => {
    const kept = Object.fromEntries(Object.entries(p).map(([name, value]) => [name, value.ref]));
    const [value, grads] = jax.valueAndGrad(loss)(kept, images, wanted);
    const next = Object.fromEntries(
      Object.entries(p).map(([name, w]) => [name, w.sub(grads[name].mul(c.lr))]),
    );
    return [value, next];
  });
  const run = async (): Promise<number> => {
    const [value, next] = step(params, x.ref, labels.ref);
    params = next;
    await jax.blockUntilReady(params);
    return (await value.data())[0];
  };
  const losses = new Float32Array(CHECKED_STEPS);
  for (let i = 0; i < CHECKED_STEPS; i++) losses[i] = await run();
  return { run, output: () => losses };
}

export async function start(): Promise<Implementation> {
  const jax = requirePeer<Jax>('@jax-js/jax');
  // Named, because init without a name looks for a page's GPU.
  await jax.init('wasm');
  jax.defaultDevice('wasm');
  const load = (c: Case): Loaded | string | Promise<Loaded> => {
    if (c.dtype !== 'f32') return 'it has no integer kernels';
    if (c.kind === 'gemm') return loadGemm(jax, c);
    if (c.kind === 'conv') return loadConv(jax, c);
    if (c.kind === 'train') return loadTraining(jax, c);
    return 'no networks';
  };
  return { threads: 1, version: peerVersion('@jax-js/jax'), load };
}
