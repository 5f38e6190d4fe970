/** What imports of every format have in common: limits of shapes, and the end of a graph. */
import { FormatError, GraphError, OctogradError, UnsupportedError } from '../core/errors.js';
import { formatShape, sizeOf, type Shape } from '../core/index.js';
import type { Graph, GraphBuilder, ValueId } from '../graph/index.js';

/** More axes than any operator needs: images taken apart into blocks have 6. */
const MAX_RANK = 8;
/** Elements of one value; what is larger cannot be computed anyway. */
const MAX_SIZE = 2 ** 31;

/** Throws where a shape is none that a network can have. */
export function checkSize(shape: Shape, where: string): void {
  if (shape.some((d) => !Number.isSafeInteger(d) || d < 0))
    throw new FormatError(`${where}: makes ${formatShape(shape)}, which is no shape; the file is corrupt`);
  if (shape.length > MAX_RANK || sizeOf(shape) > MAX_SIZE)
    throw new UnsupportedError(
      `${where}: makes a value of ${shape.length > MAX_RANK ? `${shape.length} axes` : `shape ${formatShape(shape)}`}; at most ${MAX_RANK} axes and 2^31 elements are supported`,
    );
}

/** A graph for any batch where every node treats its rows alike, else one for the shapes of the file. */
export function finishGraph(build: GraphBuilder, outputs: readonly ValueId[]): Graph {
  try {
    return build.finish(outputs, 'free');
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
  }
  try {
    return build.finish(outputs, 'fixed');
  } catch (error) {
    if (error instanceof OctogradError) throw new UnsupportedError(`bytes: ${error.message}`);
    throw error;
  }
}
