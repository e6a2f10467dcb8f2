'use strict';
/**
 * Rewrites the package's `lean.wasm`, once, at install:
 *
 *     node trim.cjs PACKAGE_DIR
 *
 * The published module exports 200,000 functions and constants by name. Every thread that starts makes
 * objects of all of them, which takes more time and memory than Lean itself. Here the functions go into
 * the module's table, where only those that are asked for become objects, and their names go into the
 * file `symbols`, which symbols.cjs reads. Code and data stay as they are, byte for byte.
 * What is left of the exports: the table, what the module imports from itself, and the variables of each
 * thread, which frozen.cjs keeps.
 * Exit codes: 0 written, 1 the module is not as expected or a file cannot be read or written.
 */
const fs = require('fs');
const path = require('path');
const { isKnown } = require('./host_imports.cjs');
const { replace } = require('./replace.cjs');
const { GLOBAL, SYMBOLS, WASM, encode } = require('./symbols.cjs');

/** Numbers of sections. */
const SECTION = { custom: 0, import: 2, table: 4, global: 6, export: 7, elements: 9 };

/** Kinds of what is imported and exported. */
const KIND = { function: 0, table: 1, memory: 2, global: 3 };

/** Instructions of which constants are made. */
const OPCODE = { i32Const: 0x41, end: 0x0b };

/** `funcref` and `i32`. */
const TYPE = { funcref: 0x70, i32: 0x7f };

/** The module that holds what dynamic linking replaces by addresses. */
const OWN_IMPORTS = /^GOT\./;

/** Ends the process with a message that names the cause. */
function fail(message) {
  process.stderr.write(`trim.cjs: ${message}\n`);
  process.exit(1);
}

/** Ends the process unless the module is as expected. */
function expect(condition, what) {
  if (!condition) fail(`the module is not as expected: ${what}`);
}

/** Reads the pieces of which modules are made, from a place on. */
class Reader {
  #bytes;

  constructor(bytes, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  byte() {
    return this.#bytes[this.at++];
  }

  unsigned() {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  signed() {
    let value = 0;
    for (let shift = 0; ; ) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      shift += 7;
      if (byte < 128) return shift < 32 && byte & 64 ? value | (-1 << shift) : value;
    }
  }

  /** The next bytes, after their number. */
  block() {
    const length = this.unsigned();
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  text() {
    return this.block().toString('utf8');
  }

  limits() {
    const [hasMaximum, minimum] = [this.byte() & 1, this.unsigned()];
    return { minimum, maximum: hasMaximum ? this.unsigned() : undefined };
  }

  /** A list of what `read` reads. */
  list(read) {
    return Array.from({ length: this.unsigned() }, read);
  }
}

/** A number in the form of modules. */
function unsigned(value) {
  const bytes = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 128);
  }
}

/** Bytes after their number. */
const block = bytes => Buffer.concat([unsigned(bytes.length), bytes]);

/** A list of parts after its length. */
const list = parts => Buffer.concat([unsigned(parts.length), ...parts]);

/** The sections of a module as `{ id, bytes }`, in order. */
function sectionsOf(wasm) {
  expect(wasm.subarray(0, 8).toString('latin1') === '\0asm\x01\0\0\0', 'its beginning');
  const reader = new Reader(wasm, 8);
  const sections = [];
  while (reader.at < wasm.length) sections.push({ id: reader.byte(), bytes: reader.block() });
  return sections;
}

/** What is imported from the module's own exports, and how many globals there are among the imports. */
function readImports(bytes) {
  const reader = new Reader(bytes);
  const own = new Set();
  let globals = 0;
  reader.list(() => {
    const [module, name, kind] = [reader.text(), reader.text(), reader.byte()];
    if (OWN_IMPORTS.test(module)) own.add(name);
    expect(kind !== KIND.function || isKnown(name), `it asks for ${name}`);
    switch (kind) {
      case KIND.function: return reader.unsigned();
      case KIND.memory: return reader.limits();
      case KIND.global:
        globals++;
        return [reader.byte(), reader.byte()];
      default: return expect(false, `an import of kind ${kind}`);
    }
  });
  return { own, globals };
}

/** The globals of a module: `[isMutable, first value]`. */
function readGlobals(bytes) {
  const reader = new Reader(bytes);
  return reader.list(() => {
    const [type, isMutable, opcode] = [reader.byte(), reader.byte(), reader.byte()];
    expect(type === TYPE.i32 && opcode === OPCODE.i32Const, 'a global that is no number');
    const value = reader.signed();
    expect(reader.byte() === OPCODE.end, 'the end of a global');
    return [isMutable === 1, value];
  });
}

/** The exports of a module, with the bytes of each. */
function readExports(bytes) {
  const reader = new Reader(bytes);
  return reader.list(() => {
    const from = reader.at;
    const [name, kind, index] = [reader.text(), reader.byte(), reader.unsigned()];
    return { name, kind, index, bytes: bytes.subarray(from, reader.at) };
  });
}

/** The one list of functions in the table: the index of the first and the functions. */
function readElements(bytes) {
  const reader = new Reader(bytes);
  expect(reader.unsigned() === 1 && reader.unsigned() === 0, 'the contents of the table');
  expect(reader.byte() === OPCODE.i32Const, 'the place of the contents of the table');
  const first = reader.signed();
  expect(reader.byte() === OPCODE.end, 'the place of the contents of the table');
  return { first, functions: reader.list(() => reader.unsigned()) };
}

/** The module without the names, and the names with what they stand for. */
function trim(wasm) {
  const sections = sectionsOf(wasm);
  const section = (id, what) => {
    const found = sections.filter(candidate => candidate.id === id);
    expect(found.length === 1, what);
    return found[0];
  };
  const linking = section(SECTION.custom, 'its custom section');
  const imports = readImports(section(SECTION.import, 'its imports').bytes);
  const globals = readGlobals(section(SECTION.global, 'its globals').bytes);
  const exports = section(SECTION.export, 'its exports');
  const elements = section(SECTION.elements, 'the contents of its table');
  const table = section(SECTION.table, 'its table');
  const { first, functions } = readElements(elements.bytes);
  const places = new Map();
  functions.forEach((index, at) => places.has(index) || places.set(index, first + at));
  const kept = [];
  const symbols = [];
  for (const { name, kind, index, bytes } of readExports(exports.bytes)) {
    if (kind === KIND.function) {
      if (!places.has(index)) places.set(index, first + functions.push(index) - 1);
      symbols.push([name, places.get(index), false]);
    } else if (kind === KIND.global) {
      const [isMutable, value] = globals[index - imports.globals] ?? fail(`the global ${name} is missing`);
      if (!isMutable) symbols.push([name, value, true]);
      // Addresses that are counted from the variables of a thread are made absolute by lean.js.
      if (isMutable || linking.bytes.includes(name)) kept.push(bytes);
    } else {
      kept.push(bytes);
    }
  }
  globals.forEach(([isMutable], at) => {
    const index = imports.globals + at;
    const name = Buffer.from(`${GLOBAL}${index}`);
    if (isMutable) kept.push(Buffer.concat([block(name), Buffer.from([KIND.global]), unsigned(index)]));
  });
  exports.bytes = list(kept);
  elements.bytes = Buffer.concat([unsigned(1), unsigned(0), Buffer.from([OPCODE.i32Const]), unsigned(first),
    Buffer.from([OPCODE.end]), list(functions.map(unsigned))]);
  expect(first < 64, 'the place of the contents of the table');
  expect(table.bytes[0] === 1 && table.bytes[1] === TYPE.funcref, 'its table');
  table.bytes = Buffer.concat([Buffer.from([1, TYPE.funcref, 0]), unsigned(first + functions.length)]);
  const parts = sections.flatMap(({ id, bytes }) => [Buffer.from([id]), unsigned(bytes.length), bytes]);
  return { wasm: Buffer.concat([wasm.subarray(0, 8), ...parts]), symbols: encode(symbols) };
}

/** Reads, trims and writes. */
function main([packageDir]) {
  if (!packageDir) fail('usage: node trim.cjs PACKAGE_DIR');
  try {
    const { wasm, symbols } = trim(fs.readFileSync(path.join(packageDir, WASM)));
    expect(WebAssembly.validate(wasm), 'what became of it is not valid');
    replace(path.join(packageDir, SYMBOLS), beside => fs.writeFileSync(beside, symbols));
    replace(path.join(packageDir, WASM), beside => fs.writeFileSync(beside, wasm));
  } catch (error) {
    fail(error.message);
  }
}

main(process.argv.slice(2));
