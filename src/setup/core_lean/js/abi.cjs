'use strict';
/**
 * The C ABI of Lean on wasm32, as `lean/lean.h` has it: objects, strings, arrays, constructors,
 * closures and their reference counts. Knows no type of Lean's library.
 *
 * An object is an address; a scalar is `2n + 1`. Header: count (i32), size (u16), number of object
 * fields (u8), tag (u8); fields of 4 bytes follow at 8. A count is negative when threads share the
 * object and 0 when it lives for ever.
 *
 * Ownership: `call` consumes its arguments, as the `___boxed` form of every compiled function does,
 * and its result belongs to the caller. `field` and its kin lend. `scope` frees what was given to
 * `own` when it ends, so the code between reads without a single release.
 */

/** Tags of `lean.h`; constructors have theirs below. */
const TAG = { closure: 245, array: 246, string: 249 };
const HEADER = 8;
const ARRAY_HEADER = 16;
const CLOSURE_HEADER = 16;
const STRING_HEADER = 20;

/** A natural number or a constructor without fields. */
const box = n => (n << 1) | 1;
const unbox = object => object >> 1;
const isScalar = object => (object & 1) === 1;

/** An action of Lean ended with an error; the message is what Lean says. */
class LeanError extends Error {}

/** The last argument of an action in its `___boxed` form. */
const WORLD = box(0);

/** Sizes of small objects are multiples of 8. */
const align = bytes => (bytes + 7) & ~7;

class Abi {
  #internals;
  #exports;
  #views = {};
  #owned = [];
  #functions = new Map();

  constructor(internals) {
    this.#internals = internals;
    this.#exports = internals.exports;
  }

  /** Views of the memory, which is another buffer after it has grown. */
  get #memory() {
    const { buffer } = this.#internals.memory;
    if (this.#views.buffer !== buffer) {
      this.#views = { buffer, u8: new Uint8Array(buffer), i32: new Int32Array(buffer) };
    }
    return this.#views;
  }

  /** Runs `body` and then frees all that `own` was given meanwhile. */
  scope(body) {
    const outer = this.#owned;
    this.#owned = [];
    try {
      return body();
    } finally {
      for (const object of this.#owned) this.drop(object);
      this.#owned = outer;
    }
  }

  /** Makes the running scope free the object. */
  own(object) {
    this.#owned.push(object);
    return object;
  }

  /** One more reference, to give away. */
  use(object) {
    if (isScalar(object)) return object;
    const { i32 } = this.#memory;
    const count = i32[object >> 2];
    if (count > 0) i32[object >> 2] = count + 1;
    else if (count < 0) Atomics.sub(i32, object >> 2, 1);
    return object;
  }

  /** One reference less. */
  drop(object) {
    if (isScalar(object)) return;
    const { i32 } = this.#memory;
    const count = i32[object >> 2];
    if (count > 1) i32[object >> 2] = count - 1;
    else if (count !== 0) this.#exports.lean_dec_ref_cold(object);
  }

  /** Which constructor made the object. */
  tag(object) {
    return isScalar(object) ? unbox(object) : this.#memory.u8[object + 7];
  }

  /** The field, lent. */
  field(object, index) {
    return this.#memory.i32[(object + HEADER + 4 * index) >> 2];
  }

  /** The byte at an offset among the scalars of a constructor object. */
  scalar(object, offset) {
    return this.#memory.u8[object + HEADER + 4 * this.fieldCount(object) + offset];
  }

  /** Whether this, which may be anything, is a structure with so many fields that hold objects. */
  isStructure(object, fields) {
    const { u8 } = this.#memory;
    const inMemory = !isScalar(object) && object > 0 && object % 4 === 0 && object + HEADER <= u8.length;
    return inMemory && this.tag(object) === 0 && this.fieldCount(object) === fields;
  }

  /** How many fields hold objects. */
  fieldCount(object) {
    return this.#memory.u8[object + 6];
  }

  /** A constructor object of the owned fields; `scalars` are the bytes that follow them. */
  construct(tag, fields, scalars = []) {
    const end = HEADER + 4 * fields.length;
    const size = align(end + scalars.length);
    const object = this.#allocate(size, size, fields.length, tag);
    const { u8, i32 } = this.#memory;
    u8.fill(0, object + end, object + size);
    i32.set(fields, (object + HEADER) >> 2);
    u8.set(scalars, object + end);
    return object;
  }

  /** A copy of a constructor object in which the fields `[index, owned object]` are others. */
  with(object, changes) {
    const replaced = new Map(changes);
    const fields = [];
    for (let i = 0; i < this.fieldCount(object); i++) {
      fields.push(replaced.has(i) ? replaced.get(i) : this.use(this.field(object, i)));
    }
    const size = this.#memory.i32[(object + 4) >> 2] & 0xffff;
    const scalars = this.#memory.u8.slice(object + HEADER + 4 * fields.length, object + size);
    return this.construct(this.tag(object), fields, scalars);
  }

  /** The same constructor object with another byte among its scalars. */
  withScalar(object, offset, value) {
    const copy = this.with(object, []);
    this.#memory.u8[copy + HEADER + 4 * this.fieldCount(object) + offset] = value;
    return copy;
  }

  /** Writes bytes into the memory. */
  write(at, bytes) {
    this.#memory.u8.set(bytes, at);
  }

  /** A string of Lean; a lone surrogate becomes U+FFFD. */
  string(text) {
    const bytes = Buffer.from(text, 'utf8');
    const at = this.#exports.malloc(bytes.length + 1);
    this.write(at, bytes);
    const object = this.#exports.lean_mk_string_from_bytes_unchecked(at, bytes.length);
    this.#exports.free(at);
    return object;
  }

  /** What a string of Lean says. */
  text(object) {
    const { u8, i32 } = this.#memory;
    const start = object + STRING_HEADER;
    // A copy first: decoders refuse memory that threads share.
    return Buffer.from(u8.slice(start, start + i32[(object + HEADER) >> 2] - 1)).toString('utf8');
  }

  /** An array of the owned elements. */
  array(elements = []) {
    const object = this.#allocate(ARRAY_HEADER + 4 * elements.length, 0, 0, TAG.array);
    const { i32 } = this.#memory;
    i32.set([elements.length, elements.length, ...elements], (object + HEADER) >> 2);
    return object;
  }

  /** The elements of an array, lent. */
  elements(object) {
    const { i32 } = this.#memory;
    const start = (object + ARRAY_HEADER) >> 2;
    return Array.from(i32.subarray(start, start + i32[(object + HEADER) >> 2]));
  }

  /** The elements of a list, lent. */
  *list(object) {
    for (let rest = object; !isScalar(rest); rest = this.field(rest, 1)) yield this.field(rest, 0);
  }

  /** A closure of `arity` arguments that calls what `expose` gave; it must stay in this thread. */
  callback(address, arity) {
    const object = this.#allocate(CLOSURE_HEADER, CLOSURE_HEADER, 0, TAG.closure);
    this.#memory.i32.set([address, arity], (object + HEADER) >> 2);
    return object;
  }

  /** The address, valid for ever, at which Lean can call a function of JavaScript. */
  expose(run, arity) {
    return this.#internals.addFunction(run, 'i'.repeat(arity + 1));
  }

  /** Calls a compiled function with owned, boxed arguments; the result is owned. */
  call(name, ...args) {
    return this.#function(name)(...args);
  }

  /** Calls an action of `IO`; its value is owned, its error is thrown. */
  run(name, ...args) {
    return this.result(this.call(name, ...args, WORLD), error => this.call('lean_io_error_to_string', error));
  }

  /** The owned value of a result, which is consumed; `describe` makes the error a string of Lean. */
  result(result, describe) {
    const value = this.use(this.field(result, 0));
    const failed = this.tag(result) !== 0;
    this.drop(result);
    if (!failed) return value;
    const message = describe(value);
    const text = this.text(message);
    this.drop(message);
    throw new LeanError(text);
  }

  /** A constant of Lean's library; it lives for ever. */
  constant(name) {
    return this.#memory.i32[this.#exports[name].value >> 2];
  }

  #function(name) {
    let found = this.#functions.get(name);
    if (!found) {
      found = this.#exports[`${name}___boxed`] ?? this.#exports[name];
      if (!found) throw new Error(`this package has no function ${name}`);
      this.#functions.set(name, found);
    }
    return found;
  }

  #allocate(bytes, size, fields, tag) {
    const object = this.#exports.lean_alloc_object(bytes);
    const { u8, i32 } = this.#memory;
    i32[object >> 2] = 1;
    i32[(object + 4) >> 2] = size;
    u8[object + 6] = fields;
    u8[object + 7] = tag;
    return object;
  }
}

module.exports = { Abi, LeanError, WORLD, box, unbox, isScalar };
