/** The process-wide list of kernels that the float ops compute with. */
import { js, type Backend } from '../../kernels/index.js';

let current: Backend = js;

/** The kernels in use; plain JavaScript by default. */
export function backend(): Backend {
  return current;
}

/** Uses `next` from now on. Returns a function that puts the previous backend back. */
export function setBackend(next: Backend): () => void {
  const previous = current;
  current = next;
  return () => {
    current = previous;
  };
}
