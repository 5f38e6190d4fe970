/** Three convolutions with max pooling between them, and a linear layer. */
import type { Tensor } from '../autograd/index.js';
import { BatchNorm, Conv2d, Flatten, Linear, MaxPool2d, Module, ReLU, Sequential } from '../nn/index.js';
import type { ModelOptions } from './options.js';

/** x [N, 28, 28, 1] -> class scores [N, 10]. With width 8: 0.51 million multiply-adds per image, 8.8 thousand weights. */
export class PlainCnn extends Module {
  readonly features: Sequential;
  readonly classifier: Sequential;

  constructor(options: ModelOptions = {}) {
    super();
    const { width = 8, classes = 10, random } = options;
    const block = (inChannels: number, outChannels: number): Module[] => [
      new Conv2d(inChannels, outChannels, 3, { padding: 1, bias: false, random }),
      new BatchNorm(outChannels),
      new ReLU(),
      new MaxPool2d(2),
    ];
    this.features = new Sequential(
      ...block(1, width),
      ...block(width, 2 * width),
      ...block(2 * width, 4 * width),
    );
    this.classifier = new Sequential(new Flatten(), new Linear(3 * 3 * 4 * width, classes, { random }));
  }

  override forward(x: Tensor): Tensor {
    return this.classifier.forward(this.features.forward(x));
  }
}
