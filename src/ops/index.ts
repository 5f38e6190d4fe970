/** Every differentiable operation: the functions to call, and the total map of op objects by name. */
export { backend, setBackend } from './backend.js';

export const OPS = {} as const;

export type OpName = keyof typeof OPS;
