/** A small network of depthwise separable convolutions, in the manner of MobileNet (Howard et al. 2017). */
import type { Tensor } from '../autograd/index.js';
import { BatchNorm, Conv2d, DepthwiseConv2d, Linear, Module, ReLU6, Sequential } from '../nn/index.js';
import { mean } from '../ops/index.js';
import type { ModelOptions } from './options.js';

/** x [N, 28, 28, 1] -> class scores [N, 10]. With width 16: 0.24 million multiply-adds per image, 9.8 thousand weights. */
export class DepthwiseCnn extends Module {
  readonly features: Sequential;
  readonly classifier: Linear;

  constructor(options: ModelOptions = {}) {
    super();
    const { width = 16, classes = 10, random } = options;
    const separable = (inChannels: number, outChannels: number, stride: number): Module[] => [
      new DepthwiseConv2d(inChannels, 3, { stride, padding: 1, bias: false, random }),
      new BatchNorm(inChannels),
      new ReLU6(),
      new Conv2d(inChannels, outChannels, 1, { bias: false, random }),
      new BatchNorm(outChannels),
      new ReLU6(),
    ];
    this.features = new Sequential(
      new Conv2d(1, width, 3, { stride: 2, padding: 1, bias: false, random }),
      new BatchNorm(width),
      new ReLU6(),
      ...separable(width, 2 * width, 2),
      ...separable(2 * width, 2 * width, 1),
      ...separable(2 * width, 4 * width, 2),
      ...separable(4 * width, 4 * width, 1),
    );
    this.classifier = new Linear(4 * width, classes, { random });
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(mean(this.features.forward(x), { axes: [1, 2] }));
  }
}
