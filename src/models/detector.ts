/**
 * A small one-stage detector in the manner of YOLO: a backbone, a feature pyramid of two scales (Lin et al. 2017,
 * arXiv:1612.03144), and an anchor-free, decoupled head on each of them (YOLOX, Ge et al. 2021, arXiv:2107.08430).
 */
import type { Tensor } from '../autograd/index.js';
import type { Random } from '../core/index.js';
import { BatchNorm, Conv2d, Module, ReLU6, Sequential, SiLU } from '../nn/index.js';
import { cat, upsampleNearest2d } from '../ops/index.js';
import type { ModelOptions } from './options.js';

export interface DetectorOptions extends ModelOptions {
  /** Channels of the images; default 1. */
  readonly channels?: number | undefined;
  /** Default 'relu6', which integer layers fuse; 'silu' is a table of codes of its own behind each layer. */
  readonly activation?: 'relu6' | 'silu' | undefined;
}

/** Pixels per cell of the two grids. */
export const DETECTOR_STRIDES: readonly number[] = [8, 16];

/** So that a new head says one cell in a hundred, and training does not begin with a flood of false objects (arXiv:1708.02002). */
const RARE = Math.log(0.01 / 0.99);

/** What three branches make of one scale. They stay apart: each output gets an integer scale of its own. */
class Head extends Module<Tensor[]> {
  readonly boxStem: Sequential;
  readonly classStem: Sequential;
  readonly boxes: Conv2d;
  readonly objectness: Conv2d;
  readonly classes: Conv2d;

  constructor(inChannels: number, classes: number, block: Block, random: Random | undefined) {
    super();
    this.boxStem = block(inChannels, inChannels);
    this.classStem = block(inChannels, inChannels);
    this.boxes = new Conv2d(inChannels, 4, 1, { random });
    this.objectness = new Conv2d(inChannels, 1, 1, { random });
    this.classes = new Conv2d(inChannels, classes, 1, { random });
    this.boxes.bias!.data.fill(1);
    this.objectness.bias!.data.fill(RARE);
  }

  override forward(x: Tensor): Tensor[] {
    const box = this.boxStem.forward(x);
    return [
      this.boxes.forward(box),
      this.objectness.forward(box),
      this.classes.forward(this.classStem.forward(x)),
    ];
  }
}

type Block = (inChannels: number, outChannels: number, stride?: number, kernel?: number) => Sequential;

/**
 * x [N, H, W, C], H and W multiples of 16 -> for each of the strides 8 and 16: box distances [N, h, w, 4], objectness
 * [N, h, w, 1] and class scores [N, h, w, classes], logits all of them; h = H / stride. `decodeDetections` makes
 * boxes of them, `detectionLoss` a loss.
 *
 * With width 16, on 96 x 96 grey pixels: 10.6 million multiply-adds and 100 thousand weights.
 */
export class Detector extends Module<Tensor[]> {
  readonly stem: Sequential;
  readonly fine: Sequential;
  readonly coarse: Sequential;
  readonly lateral: Sequential;
  readonly merge: Sequential;
  readonly fineHead: Head;
  readonly coarseHead: Head;

  constructor(options: DetectorOptions = {}) {
    super();
    const { width = 16, classes = 10, channels = 1, activation = 'relu6', random } = options;
    const block: Block = (inChannels, outChannels, stride = 1, kernel = 3) =>
      new Sequential(
        new Conv2d(inChannels, outChannels, kernel, { stride, padding: kernel >> 1, bias: false, random }),
        new BatchNorm(outChannels),
        activation === 'silu' ? new SiLU() : new ReLU6(),
      );
    const [narrow, middle, wide] = [width, 2 * width, 3 * width];
    this.stem = new Sequential(block(channels, narrow, 2), block(narrow, middle, 2));
    this.fine = new Sequential(block(middle, middle, 2), block(middle, middle));
    this.coarse = new Sequential(block(middle, wide, 2), block(wide, wide));
    this.lateral = block(wide, middle, 1, 1);
    this.merge = block(2 * middle, middle, 1, 1);
    this.fineHead = new Head(middle, classes, block, random);
    this.coarseHead = new Head(middle, classes, block, random);
  }

  override forward(x: Tensor): Tensor[] {
    const fine = this.fine.forward(this.stem.forward(x));
    const coarse = this.lateral.forward(this.coarse.forward(fine));
    const merged = this.merge.forward(cat([fine, upsampleNearest2d(coarse, { scale: 2 })], { axis: 3 }));
    return [...this.fineHead.forward(merged), ...this.coarseHead.forward(coarse)];
  }
}
