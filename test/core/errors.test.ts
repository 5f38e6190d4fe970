/** Errors: one class and one stable code per kind. */
import t from 'tap';
import * as core from '../../src/core/index.js';

t.test('class, name, code and message', (t) => {
  const kinds = {
    argument: core.ArgumentError,
    shape: core.ShapeError,
    dtype: core.DTypeError,
    disposed: core.DisposedError,
    autograd: core.AutogradError,
    graph: core.GraphError,
    quantization: core.QuantizationError,
    data: core.DataError,
    format: core.FormatError,
    unsupported: core.UnsupportedError,
  };
  for (const [code, Kind] of Object.entries(kinds)) {
    const e = new Kind('x: what, and what to do');
    t.ok(e instanceof core.OctogradError && e instanceof Error);
    t.equal(e.code, code);
    t.equal(e.name, Kind.name);
    t.equal(e.message, 'x: what, and what to do');
    t.match(e.stack, new RegExp(`^${Kind.name}`));
  }
  t.end();
});
