'use strict';
/**
 * The names of the functions and constants of Lean, in the file that trim.cjs writes: where each
 * function is in the table of the module, and at which address each constant. Knows nothing of Lean.
 *
 * The file: how many names there are (u32), where each ends among the texts (u32 each), what each stands
 * for (u32 each; the highest bit says that it is an address), and the texts, sorted by their bytes.
 */
const fs = require('fs');
const path = require('path');

/** The module and the names, in the folder of the package. */
const WASM = 'lean.wasm';
const SYMBOLS = 'symbols';

/** What the name of an exported variable of a thread begins with. */
const GLOBAL = 'leanrepl.global.';

/** The variables of a thread, which the module keeps outside of the memory: names with their globals. */
const globalsOf = exports => Object.keys(exports).filter(name => name.startsWith(GLOBAL)).map(name => [name, exports[name]]);

const ADDRESS_BIT = 0x80000000;

/** The bytes of the file for `[name, place, isAddress]`. */
function encode(symbols) {
  const texts = symbols.map(([name, place, isAddress]) => [Buffer.from(name, 'utf8'), place + (isAddress ? ADDRESS_BIT : 0)]);
  texts.sort(([a], [b]) => Buffer.compare(a, b));
  const head = new Uint32Array(1 + 2 * texts.length);
  head[0] = texts.length;
  let end = 0;
  texts.forEach(([text, value], at) => {
    end += text.length;
    head[1 + at] = end;
    head[1 + texts.length + at] = value;
  });
  return Buffer.concat([Buffer.from(head.buffer), ...texts.map(([text]) => text)]);
}

class Symbols {
  #count;
  #head;
  #texts;

  /** Those of a package; fails if there is no such file. */
  constructor(packageDir) {
    const file = fs.readFileSync(path.join(packageDir, SYMBOLS));
    this.#count = file.readUInt32LE(0);
    const end = 4 * (1 + 2 * this.#count);
    this.#head = new Uint32Array(file.buffer.slice(file.byteOffset, file.byteOffset + end));
    this.#texts = file.subarray(end);
  }

  /** `{ place, isAddress }` of a name, if there is such a name. */
  find(name) {
    const wanted = Buffer.from(name, 'utf8');
    let [low, high] = [0, this.#count];
    while (low < high) {
      const middle = (low + high) >> 1;
      const from = middle === 0 ? 0 : this.#head[middle];
      const order = this.#texts.compare(wanted, 0, wanted.length, from, this.#head[middle + 1]);
      if (order === 0) {
        const value = this.#head[1 + this.#count + middle];
        return { place: value % ADDRESS_BIT, isAddress: value >= ADDRESS_BIT };
      }
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return undefined;
  }

  /** The exports of an instance as they were before: by name, functions and constants with a `value`. */
  exportsOf(exports) {
    const table = exports.__indirect_function_table;
    const known = Object.assign(Object.create(null), exports);
    return new Proxy(known, {
      get: (_, name) => {
        if (name in known || typeof name !== 'string') return known[name];
        const found = this.find(name);
        if (found) known[name] = found.isAddress ? { value: found.place } : table.get(found.place);
        return known[name];
      },
    });
  }
}

module.exports = { GLOBAL, SYMBOLS, Symbols, WASM, encode, globalsOf };
