/** Runs a case of the autograd topic in float32 and float64: outputs, then gradients of the given output gradients. */
import { isFloat, NDArray } from '../../src/core/index.js';
import { Tensor } from '../../src/autograd/index.js';
import { expectClose, expectEqual, type CaseRunner, type Tolerance } from './common.js';

export type Tensors = Record<string, Tensor>;
/** Attributes come from JSON; each builder knows the type of its own. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Attrs = Record<string, any>;

/** From the inputs of a case to its output `y`, or to its outputs by name. */
export type Build = (x: Tensors, attrs: Attrs) => Tensor | Record<string, Tensor | NDArray>;

export function autogradCase(build: Build): CaseRunner {
  return (c, read) => {
    for (const dtype of ['float32', 'float64'] as const) {
      const tolerance = (dtype === 'float32' ? c.tol_f32 : c.tol_f64) as Tolerance;
      const inputs: Tensors = {};
      for (const [name, ref] of Object.entries(c.inputs ?? {})) {
        const array = new NDArray(read(ref), ref.shape);
        inputs[name] = isFloat(array.dtype)
          ? new Tensor(array.astype(dtype), { requiresGrad: name in (c.grads ?? {}) })
          : new Tensor(array.clone());
      }
      const built = build(inputs, c.attrs ?? {});
      const outputs = built instanceof Tensor ? { y: built } : built;
      for (const [name, ref] of Object.entries(c.outputs ?? {})) {
        const got = outputs[name];
        const what = `${dtype} ${name}`;
        if (got === undefined) throw new Error(`${what} is missing`);
        expectEqual(`shape of ${what}`, got.shape, ref.shape);
        expectClose(what, got.data, read(ref), isFloat(got.dtype) ? tolerance : { abs: 0, rel: 0 });
      }
      for (const [name, ref] of Object.entries(c.grad_outputs ?? {}))
        (outputs[name] as Tensor).backward(new NDArray(read(ref), ref.shape).astype(dtype), {
          retainGraph: true,
        });
      for (const [name, ref] of Object.entries(c.grads ?? {})) {
        const got = inputs[name].grad;
        if (got === null) throw new Error(`${dtype} gradient of ${name} is missing`);
        expectClose(`${dtype} gradient of ${name}`, got.data, read(ref), tolerance);
      }
    }
  };
}
