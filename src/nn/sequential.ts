/** Modules one after the other. */
import type { Tensor } from '../autograd/index.js';
import { Module } from './module.js';

/** Its children are named by their position: '0.weight', '1.bias', ... */
export class Sequential extends Module {
  readonly layers: readonly Module[];

  constructor(...layers: Module[]) {
    super();
    this.layers = layers;
  }

  protected override properties(): Iterable<readonly [string, unknown]> {
    return this.layers.map((layer, i) => [String(i), layer] as const);
  }

  override forward(x: Tensor): Tensor {
    return this.layers.reduce((h, layer) => layer.forward(h), x);
  }
}
