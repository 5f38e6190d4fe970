/** `octograd detect`: faces in a photo, found by a float network and by its integer form, drawn side by side. */
import { existsSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { Tensor } from '../../autograd/index.js';
import { runnerOf, type Runner } from '../../contract/index.js';
import { DataError, NDArray } from '../../core/index.js';
import { contactSheet, letterbox, type Image } from '../../data/index.js';
import {
  DETECTORS,
  drawBoxes,
  iou,
  keptShare,
  type Color,
  type Detection,
  type Detector,
  type DetectorName,
} from '../../detection/index.js';
import type { Graph } from '../../graph/index.js';
import { readImage, writeImage } from '../../node/index.js';
import { calibrate, convert, prepare, ptqConfig } from '../../quant/index.js';
import { defineCommand, EXIT, FailedRun, kernelOptions } from '../command.js';
import { fileIn, loadModel, makeFolder, printResult, withEnding } from '../files.js';
import { loadInputs } from '../inputs.js';
import { refuseOverwriting } from '../overwrite.js';
import { packageRoot } from '../paths.js';
import { formatMilliseconds, formatPercent } from '../report/numbers.js';
import { columns, counted } from '../text.js';

const COLORS: readonly [Color, Color] = [
  [40, 200, 60],
  [240, 120, 20],
];
const ROUNDS = 15;

/** Throws DataError for the built-in model where the package has none: it is not part of what npm installs. */
function modelPath(model: string): string {
  if (model !== 'blazeface') return model;
  const own = join(packageRoot(), 'data', 'blazeface', 'face_detection_front.onnx');
  if (!existsSync(own))
    throw new DataError(
      `there is no model at ${own}; pass --model FILE, an .onnx or .tflite file of a face detector`,
    );
  return own;
}

/** Parts of a photo, for a calibration without other photos: the whole, its mirror image, and quarters that overlap. */
function views(photo: Image): Image[] {
  const [height, width] = photo.shape;
  const crop = (top: number, left: number, h: number, w: number, mirror: boolean): Image => {
    const out = NDArray.zeros([h, w, 3], 'uint8');
    for (let y = 0; y < h; y++)
      for (let x = 0; x < w; x++) {
        const from = 3 * ((top + y) * width + left + (mirror ? w - 1 - x : x));
        out.data.set(photo.data.subarray(from, from + 3), 3 * (y * w + x));
      }
    return out;
  };
  const [h, w] = [Math.ceil((2 * height) / 3), Math.ceil((2 * width) / 3)];
  const corners = [0, height - h].flatMap((top) => [0, width - w].map((left) => [top, left] as const));
  return [
    photo,
    crop(0, 0, height, width, true),
    ...corners.flatMap(([top, left]) => [false, true].map((mirror) => crop(top, left, h, w, mirror))),
  ];
}

interface Found {
  readonly boxes: readonly Detection[];
  readonly ms: number;
}

function find(run: Runner, graph: Graph, photo: Image, detector: Detector, threshold: number): Found {
  const [id] = graph.inputs;
  const { input, toPicture } = letterbox(photo, graph.values.get(id)!.shape, detector.mean, detector.std);
  const inputs = new Map([[id, input]]);
  const outputs = [...run(inputs).values()];
  const times = Array.from({ length: ROUNDS }, () => {
    const start = performance.now();
    run(inputs);
    return performance.now() - start;
  });
  const boxes = detector.decode(outputs, threshold).map((box) => {
    const [left, top] = toPicture(box.left, box.top);
    const [right, bottom] = toPicture(box.right, box.bottom);
    return { ...box, left, top, right, bottom };
  });
  return { boxes, ms: times.sort((a, b) => a - b)[ROUNDS >> 1] };
}

export const detect = defineCommand({
  name: 'detect',
  summary: 'find faces in a photo, in FP32 and INT8 side by side',
  positionals: [{ name: 'PHOTO', help: 'a PNG or JPEG file' }],
  options: {
    model: {
      kind: 'text',
      default: 'blazeface',
      placeholder: 'MODEL',
      help: 'blazeface, or an .onnx or .tflite file',
    },
    detector: {
      kind: 'choice',
      choices: Object.keys(DETECTORS) as DetectorName[],
      default: 'blazeface',
      help: 'how the outputs of the model are read',
    },
    threshold: { kind: 'number', min: 0.01, max: 0.99, default: 0.5, help: 'lowest score of a box' },
    calibrate: {
      kind: 'text',
      placeholder: 'DIR',
      help: 'photos that set the ranges of INT8 (default: parts of PHOTO itself)',
    },
    ...kernelOptions,
    out: {
      kind: 'text',
      placeholder: 'FILE',
      help: 'the picture, or its folder (default out/PHOTO-boxes.png)',
    },
  },
  run(args, io) {
    const {
      positionals: [path],
      options,
    } = args;
    const name = `${basename(path, extname(path))}-boxes.png`;
    const out = withEnding(options.out === undefined ? join('out', name) : fileIn(options.out, name), '.png');
    refuseOverwriting(args, [['out', out]]);
    const photo = readImage(path);
    const detector = DETECTORS[options.detector];
    const file = modelPath(options.model);
    const { graph, kind } = loadModel(file);
    if (kind !== 'float') throw new FailedRun(`${file} is an ${kind} model; give the float model`);
    const { shape } = graph.values.get(graph.inputs[0])!;
    const samples =
      options.calibrate === undefined
        ? views(photo).map((view) => letterbox(view, shape, detector.mean, detector.std).input)
        : loadInputs(options.calibrate, shape, 512, detector);
    io.stderr(`calibrating on ${counted(samples.length, 'picture')}`);
    const module = calibrate(
      prepare(graph, ptqConfig()),
      samples.map((x) => new Tensor(x)),
    );
    const integers = convert(module);
    const float = find(runnerOf(graph), graph, photo, detector, options.threshold);
    const integer = find(runnerOf(integers), integers, photo, detector, options.threshold);
    const pictures = [float, integer].map(({ boxes }, i) => drawBoxes(photo, boxes, COLORS[i]));
    makeFolder(dirname(out));
    writeImage(out, contactSheet(pictures, 2));

    const rows = float.boxes.map((box, i) => {
      const match = [...integer.boxes].sort((p, q) => iou(q, box) - iou(p, box)).at(0);
      const overlap = match === undefined ? 0 : iou(match, box);
      const place = [box.left, box.top, box.right, box.bottom].map((v) => v.toFixed()).join(' ');
      const seen = overlap >= 0.5 && match !== undefined ? match.score.toFixed(3) : '-';
      return [`face ${i + 1}`, place, box.score.toFixed(3), seen, overlap.toFixed(2)];
    });
    const kept = keptShare(float.boxes, integer.boxes);
    const lines = [
      ...columns([['', 'left top right bottom', 'FP32', 'INT8', 'IoU'], ...rows], [2, 3, 4]),
      `${formatPercent(kept)} of ${counted(float.boxes.length, 'box', 'boxes')} kept by INT8, which has ${integer.boxes.length}`,
      `FP32 ${formatMilliseconds(float.ms)} ms, INT8 ${formatMilliseconds(integer.ms)} ms`,
      `wrote ${out}`,
    ];
    printResult(io, options, lines, { photo: path, model: file, out, float, integer, kept });
    return Promise.resolve(EXIT.ok);
  },
});
