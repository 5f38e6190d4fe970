/**
 * State dicts in PyTorch's names and layouts. The graph says what each parameter is: filters are OHWI here and OIHW there,
 * and a linear layer that reads a flattened image has its columns in HWC order here and in CHW order there.
 */
import type { NDArray } from '../core/index.js';
import { FormatError, formatShape, permuteArray, sizeOf, type Shape } from '../core/index.js';
import { isLayer, type Graph, type Node } from '../graph/index.js';

/** Views a parameter as `shape` and then puts its axes into the order `perm`. */
interface Layout {
  readonly shape: Shape;
  readonly perm: readonly number[];
}

const CHANNELS_FIRST = [0, 3, 1, 2];
const CHANNELS_LAST = [0, 2, 3, 1];

/** The image that `id` is the flattened form of; null where it is none, or one pixel. */
function flattenedImage(graph: Graph, id: string): Shape | null {
  const reshape = graph.nodes.find((node) => node.id === id);
  if (reshape?.op !== 'reshape' || reshape.shape.length !== 2) return null;
  const image = graph.values.get(reshape.inputs[0])!.shape;
  return image.length === 4 && image[1] * image[2] > 1 ? image.slice(1) : null;
}

function layoutOf(graph: Graph, node: Node): Layout | null {
  if (!isLayer(node)) return null;
  const { shape } = graph.params.get(node.weight)!.array;
  if (node.op === 'conv2d') return { shape, perm: CHANNELS_FIRST };
  const image = flattenedImage(graph, node.inputs[0]);
  return image === null ? null : { shape: [shape[0], ...image], perm: CHANNELS_FIRST };
}

function layouts(graph: Graph): Map<string, Layout> {
  const found = new Map<string, Layout>();
  for (const node of graph.nodes) {
    const layout = layoutOf(graph, node);
    if (layout !== null && isLayer(node)) found.set(node.weight, layout);
  }
  return found;
}

const NAMES: readonly (readonly [ours: string, theirs: string])[] = [
  ['runningMean', 'running_mean'],
  ['runningVar', 'running_var'],
];

function renamed(name: string, from: 0 | 1): string {
  const pair = NAMES.find((names) => name === names[from] || name.endsWith(`.${names[from]}`));
  return pair === undefined ? name : name.slice(0, -pair[from].length) + pair[1 - from];
}

/**
 * The state of a model as PyTorch's `load_state_dict` takes it.
 *
 * @param graph the traced model; parameters it does not name keep their layout
 * @param state `model.stateDict()`
 */
export function toTorchState(graph: Graph, state: ReadonlyMap<string, NDArray>): Map<string, NDArray> {
  const known = layouts(graph);
  return new Map(
    Array.from(state, ([name, array]) => {
      const layout = known.get(name);
      if (layout === undefined) return [renamed(name, 0), array];
      const moved = permuteArray(array.reshape(layout.shape), layout.perm);
      return [renamed(name, 0), array.rank === moved.rank ? moved : moved.reshape(array.shape)];
    }),
  );
}

/**
 * PyTorch's state dict as `model.loadStateDict` takes it; counts of batches, which nothing here uses, are left out.
 *
 * @param graph the traced model of the same architecture
 * @throws FormatError for a weight that does not have the shape that the graph's has in PyTorch
 */
export function fromTorchState(graph: Graph, state: ReadonlyMap<string, NDArray>): Map<string, NDArray> {
  const known = layouts(graph);
  const out = new Map<string, NDArray>();
  for (const [theirs, array] of state) {
    if (theirs === 'num_batches_tracked' || theirs.endsWith('.num_batches_tracked')) continue;
    const name = renamed(theirs, 1);
    const layout = known.get(name);
    if (layout === undefined) {
      out.set(name, array);
      continue;
    }
    const { shape } = graph.params.get(name)!.array;
    const there = layout.perm.map((axis) => layout.shape[axis]);
    const want = shape.length === there.length ? there : [there[0], sizeOf(there.slice(1))];
    if (array.shape.join() !== want.join())
      throw new FormatError(
        `${theirs}: has shape ${formatShape(array.shape)}; this network takes ${formatShape(want)} there`,
      );
    out.set(name, permuteArray(array.reshape(there), CHANNELS_LAST).reshape(shape));
  }
  return out;
}
