/** What detectors are trained with: scenes, targets, cells that answer for objects, the loss, and boxes back from outputs. */
import t from 'tap';
import type { Tensor } from '../../src/autograd/index.js';
import { gradcheck, noGrad, tensor, zeros } from '../../src/autograd/index.js';
import { NDArray, Random, type Shape } from '../../src/core/index.js';
import { ArrayDataset } from '../../src/data/index.js';
import {
  assignCells,
  decodeDetections,
  decodeTargets,
  detectionLoss,
  encodeTargets,
  iou,
  SceneLoader,
  SceneSource,
  type LabeledBox,
} from '../../src/detection/index.js';
import { Detector, DETECTOR_STRIDES } from '../../src/models/index.js';
import { AdamW } from '../../src/optim/index.js';
import { calibrate, compareCodes, convert, prepare, qatConfig } from '../../src/quant/index.js';
import { Session } from '../../src/runtime/index.js';
import { GraphModule, trace } from '../../src/trace/index.js';
import { fit } from '../../src/train/index.js';

const object = (label: number, left: number, top: number, right: number, bottom: number): LabeledBox => ({
  label,
  left,
  top,
  right,
  bottom,
});

/** An upright bar (class 0) and a lying one (class 1) on black. */
function bars(grey = 250): ArrayDataset {
  const images = NDArray.zeros([2, 28, 28], 'uint8');
  for (let y = 4; y < 24; y++)
    for (let x = 10; x < 16; x++) {
      images.data[y * 28 + x] = grey;
      images.data[784 + x * 28 + y] = grey;
    }
  return new ArrayDataset(images, new NDArray(Int32Array.of(0, 1), [2]));
}

t.test('targets travel as one tensor', (t) => {
  const pictures = [[object(3, 1, 2, 5, 9)], [], [object(0, 0, 0, 4, 4), object(1, 2, 2, 8, 3)]];
  const targets = encodeTargets(pictures);
  t.same(targets.shape, [3, 2, 5]);
  t.same(decodeTargets(targets), pictures);
  t.same(encodeTargets([[]]).shape, [1, 1, 5]);
  t.throws(() => encodeTargets([[], [object(0, 3, 3, 3, 9)]]), {
    code: 'argument',
    message: /object 0 of picture 1/,
  });
  t.throws(() => encodeTargets([[object(-1, 0, 0, 1, 1)]]), { code: 'argument', message: /label -1/ });
  t.throws(() => decodeTargets(zeros([2, 4])), { code: 'shape', message: /targets/ });
  t.end();
});

t.test('cells around the centre answer for an object, on the grid of its size', (t) => {
  const grids = [
    { stride: 8, height: 8, width: 8 },
    { stride: 16, height: 4, width: 4 },
  ];
  const [small, large] = [object(0, 16, 16, 32, 32), object(1, 4, 4, 60, 60)];
  const [fine, coarse] = assignCells([[], [small, large]], grids);
  // 16 pixels: its centre is the corner of four cells of 8; those further off have their centres outside of the box
  t.same([...fine.cells], [64 + 18, 64 + 19, 64 + 26, 64 + 27]);
  t.ok(fine.objects.every((o) => o === small));
  t.same(
    [...coarse.cells],
    Array.from({ length: 16 }, (_, i) => 16 + i),
    '1.5 cells to each side',
  );
  const tiny = assignCells([[object(0, 7, 7, 9, 9)]], grids)[0];
  t.same([...tiny.cells], [9], 'the cell that holds the centre, though its own centre is not in the box');
  const wide = object(0, 0, 0, 15, 15);
  const inner = object(1, 2, 2, 6, 6);
  for (const order of [
    [wide, inner],
    [inner, wide],
  ])
    t.equal(assignCells([order], grids)[0].objects[0], inner, 'the smaller of two');
  t.end();
});

/** Outputs of both grids for one picture of 64 x 64, in float64, that say nothing is there. */
function silence(): Tensor[] {
  return DETECTOR_STRIDES.flatMap((stride) =>
    [4, 1, 2].map((channels) => {
      const shape: Shape = [1, 64 / stride, 64 / stride, channels];
      return tensor(NDArray.full(shape, channels === 1 ? -8 : 0, 'float32'), { requiresGrad: true });
    }),
  );
}

/** Lets a cell say what it should: distances in cells are the softplus of the outputs. */
function say(outputs: readonly Tensor[], level: number, cell: number, box: LabeledBox): void {
  const stride = DETECTOR_STRIDES[level];
  const columns = 64 / stride;
  const [x, y] = [((cell % columns) + 0.5) * stride, (Math.floor(cell / columns) + 0.5) * stride];
  const distances = [x - box.left, y - box.top, box.right - x, box.bottom - y].map((d) => d / stride);
  const [boxes, objectness, classes] = outputs.slice(3 * level);
  boxes.data.set(
    distances.map((d) => Math.log(Math.expm1(d))),
    4 * cell,
  );
  objectness.data[cell] = 8;
  classes.data.set(box.label === 0 ? [8, -8] : [-8, 8], 2 * cell);
}

t.test('outputs that say what is there have next to no loss, and are decoded to it', (t) => {
  const outputs = silence();
  const objects = [object(1, 16, 16, 32, 32), object(0, 8, 8, 56, 56)];
  const targets = encodeTargets([objects]);
  const loss = detectionLoss({ strides: DETECTOR_STRIDES });
  const wrong = loss(outputs, targets).item();
  const grids = DETECTOR_STRIDES.map((stride) => ({ stride, height: 64 / stride, width: 64 / stride }));
  assignCells([objects], grids).forEach(({ cells, objects }, level) => {
    cells.forEach((cell, i) => {
      say(outputs, level, cell, objects[i]);
    });
  });
  const right = loss(outputs, targets).item();
  t.ok(wrong > 2 && right < 0.01, `${wrong} and ${right}`);
  const [found] = decodeDetections(
    outputs.map((o) => o.value),
    { strides: DETECTOR_STRIDES },
  );
  t.equal(found.length, 2, 'many cells, one box each');
  for (const { label, ...box } of objects)
    t.ok(
      iou(
        found.find((f) => f.label === label)!,
        box,
      ) > 0.999,
    );
  t.end();
});

t.test('two classes may lie on each other, two of one class may not', (t) => {
  const outputs = silence();
  const near = object(0, 8, 8, 40, 40);
  say(outputs, 0, 18, near);
  say(outputs, 0, 19, { ...near, right: 41 });
  say(outputs, 0, 26, { ...near, label: 1 });
  const arrays = outputs.map((o) => o.value);
  const strides = DETECTOR_STRIDES;
  t.equal(decodeDetections(arrays, { strides })[0].length, 2);
  t.equal(decodeDetections(arrays, { strides, overlap: 0.999 })[0].length, 3);
  t.equal(decodeDetections(arrays, { strides, threshold: 0.9999 })[0].length, 0);
  t.throws(() => decodeDetections(arrays.slice(1), { strides }), {
    code: 'shape',
    message: /5 for the strides/,
  });
  t.throws(() => decodeDetections([...arrays].reverse(), { strides }), {
    code: 'shape',
    message: /stride 8/,
  });
  t.end();
});

t.test('the loss knows its gradient, in float64', (t) => {
  const random = new Random(5);
  const targets = encodeTargets([[object(1, 3, 5, 17, 20), object(0, 1, 1, 30, 31)]]);
  const outputs = [16, 1].flatMap((cells) =>
    [4, 1, 2].map((channels) => {
      const side = Math.sqrt(cells);
      const data = Float64Array.from({ length: cells * channels }, () => random.uniform(-1, 1));
      return tensor(data, { shape: [1, side, side, channels], requiresGrad: true });
    }),
  );
  const loss = detectionLoss({ strides: [8, 32] });
  t.doesNotThrow(() => gradcheck((...outs) => loss(outs, targets), outputs));
  const few = outputs.map((o, i) =>
    i % 3 === 2 ? zeros([...o.shape.slice(0, 3), 1], { dtype: 'float64' }) : o,
  );
  t.throws(() => loss(few, targets), { code: 'argument', message: /label 1.*1 classes/ });
  t.end();
});

t.test('scenes: the same from the same seed, boxes exact, overlaps limited', (t) => {
  const source = new SceneSource(bars(), { size: 64, sides: [12, 30], overlap: 0.1 });
  const loader = new SceneLoader(source, { scenes: 40, seed: 3 });
  const scenes = Array.from({ length: 40 }, (_, i) => loader.scene(i));
  // As one text: comparing thousands of elements in the test framework takes seconds.
  const pixels = (index: number, epoch?: number): string => loader.scene(index, epoch).image.data.join();
  t.ok(pixels(7) === scenes[7].image.data.join());
  t.ok(pixels(7) !== pixels(7, 1), 'another epoch, another scene');
  t.same(
    new SceneLoader(source, { scenes: 40, seed: 3, fresh: false }).scene(7, 1).objects,
    scenes[7].objects,
  );
  const counts = new Set(scenes.map(({ objects }) => objects.length));
  t.ok(counts.size >= 3 && Math.max(...counts) <= 4 && Math.min(...counts) >= 1);
  for (const { objects } of scenes)
    for (const o of objects) {
      t.ok(o.left >= 0 && o.top >= 0 && o.right <= 64 && o.bottom <= 64);
      const [w, h] = [o.right - o.left, o.bottom - o.top];
      t.ok(Math.max(w, h) >= 11 && Math.max(w, h) <= 30);
      t.equal(h > w, o.label === 0, 'the box has the proportions of what is in it');
      for (const other of objects) t.ok(other === o || iou(o, other) <= 0.1);
    }
  const [{ inputs, targets, size }] = loader.batches();
  t.same([inputs.shape, size], [[32, 64, 64, 1], 32]);
  t.same(decodeTargets(targets)[7], scenes[7].objects);
  t.ok(inputs.data.every((v) => v >= -1 && v <= 1));
  t.equal([...loader].length, 2);
  t.equal([...loader.batches({ epoch: 0, batch: 1 })][0].size, 8);
  t.end();
});

t.test('a box holds all pixels of its object, and has some on each side', (t) => {
  const one = { size: 48, objects: [1, 1] as const, sides: [12, 30] as const };
  const [bright, dark] = [250, 150].map(
    (grey) => new SceneLoader(new SceneSource(bars(grey), one), { scenes: 10, seed: 4 }),
  );
  for (let i = 0; i < 10; i++) {
    const { image, objects } = bright.scene(i);
    const other = dark.scene(i).image.data;
    const changed = [...image.data.keys()].filter((at) => image.data[at] !== other[at]);
    const [xs, ys] = [changed.map((at) => at % 48), changed.map((at) => Math.floor(at / 48))];
    const { label, ...box } = objects[0];
    t.same(
      box,
      {
        left: Math.min(...xs),
        top: Math.min(...ys),
        right: Math.max(...xs) + 1,
        bottom: Math.max(...ys) + 1,
      },
      `object ${i} of class ${label}`,
    );
  }
  t.end();
});

t.test('refused scenes', (t) => {
  const colours = new ArrayDataset(NDArray.zeros([1, 4, 4, 3], 'uint8'), NDArray.zeros([1], 'int32'));
  t.throws(() => new SceneSource(colours), { code: 'shape', message: /3 channels/ });
  for (const [options, message] of [
    [{ objects: [3, 2] }, /objects: \[3, 2\]/],
    [{ sides: [10, 200] }, /sides: .*up to 96/],
    [{ size: 0 }, /size/],
  ] as const)
    t.throws(() => new SceneSource(bars(), options as object), { code: 'argument', message });
  t.throws(() => new SceneLoader(new SceneSource(bars()), { scenes: 0 }), {
    code: 'argument',
    message: /scenes/,
  });
  t.end();
});

t.test('a detector learns, trains quantized, and its integers give the same codes', async (t) => {
  const source = new SceneSource(bars(), { size: 32, objects: [1, 1], sides: [14, 24] });
  const loader = new SceneLoader(source, { scenes: 64, batchSize: 16, seed: 1 });
  const model = new Detector({ width: 4, classes: 2, random: new Random(1) });
  const loss = detectionLoss({ strides: DETECTOR_STRIDES });
  const train = async (m: Parameters<typeof fit<Tensor[]>>[0]['model'], epochs: number) => {
    const optimizer = new AdamW(m.parameters(), { lr: 0.01 });
    const outcome = await fit({ model: m, optimizer, loader, epochs, loss });
    t.equal(outcome.history[0].accuracy, null, 'no classes, no accuracy');
    return outcome.history.map((e) => e.loss);
  };
  const losses = await train(model, 10);
  t.ok(losses[9] < 0.6 * losses[0], losses.join(' '));

  const [{ inputs }] = loader;
  const graph = trace(model, inputs);
  t.equal(graph.outputs.length, 6);
  model.eval();
  const [want, got] = noGrad(() => [
    model.forward(inputs),
    new GraphModule(graph).eval().forward<Tensor[]>(inputs),
  ]);
  got.forEach((y, i) => t.ok(y.data.join() === want[i].data.join()));

  const module = calibrate(prepare(graph, qatConfig()), [inputs]);
  module.phase = 'train';
  await train(module as unknown as typeof model, 1);
  module.eval();
  const integers = convert(module);
  const { codesCompared, codesDifferent, byValue } = compareCodes(module, integers, [inputs]);
  t.ok(codesCompared > 3e4, String(codesCompared));
  t.equal(codesDifferent, 0, [...byValue].join(' '));

  const session = new Session(integers, { batch: inputs.shape[0] });
  const ran = session.runAll(new Map([[integers.inputs[0], inputs.value]]));
  const trained = noGrad(() => module.forward<Tensor[]>(inputs));
  const boxes = (outputs: readonly NDArray[]) =>
    decodeDetections(outputs, { strides: DETECTOR_STRIDES, threshold: 0.02 });
  t.same(boxes([...ran.values()]), boxes(trained.map((y) => y.value)));
  t.ok(boxes([...ran.values()]).flat().length > 16, 'and it finds something');
  t.end();
});

t.test('SiLU instead of ReLU6', (t) => {
  const model = new Detector({
    width: 2,
    classes: 3,
    channels: 3,
    activation: 'silu',
    random: new Random(1),
  });
  const x = tensor(
    Float32Array.from({ length: 2 * 32 * 48 * 3 }, (_, i) => Math.sin(i)),
    { shape: [2, 32, 48, 3] },
  );
  const graph = trace(model, x);
  t.same(
    graph.outputs.map((id) => graph.values.get(id)!.shape),
    [
      [1, 4, 6, 4],
      [1, 4, 6, 1],
      [1, 4, 6, 3],
      [1, 2, 3, 4],
      [1, 2, 3, 1],
      [1, 2, 3, 3],
    ],
  );
  const module = calibrate(prepare(graph, qatConfig()), [x]);
  t.equal(compareCodes(module, convert(module), [x]).codesDifferent, 0);
  t.end();
});
