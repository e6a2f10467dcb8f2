'use strict';
/**
 * The beginning of every session: Lean initialized, and `Init` imported. Says what may be kept of it in
 * a file, and when that can be used. The file is made once, at install.
 */
const fs = require('fs');
const path = require('path');
const { freeze, thaw } = require('./frozen.cjs');
const { Frontend } = require('./frontend.cjs');
const { Headers } = require('./header.cjs');
const { Imports } = require('./imports.cjs');
const { Initializers } = require('./initializers.cjs');
const { SYMBOLS, WASM } = require('./symbols.cjs');

/** Variables that a thawed Lean is told anew; it has read no other that may differ. */
const TOLD = new Set(['LEAN_PATH', 'LEAN_SYSROOT', 'LEAN_NUM_THREADS']);

/** The module whose environment is kept, in the first folder of LEAN_PATH. */
const ROOT = 'Init.olean';

/** What shows at a glance that a file is another one; some tools that copy keep only whole seconds. */
function look(file) {
  const { size, mtimeMs } = fs.statSync(file);
  return [size, Math.floor(mtimeMs / 1000)];
}

/** Everything that the memory depends on, besides the scripts, in whose folder the file is. */
function conditions(packageDir) {
  const variables = Object.entries(process.env).filter(([name]) => /^LEAN_/.test(name) && !TOLD.has(name));
  const [modules] = (process.env.LEAN_PATH ?? '').split(':');
  return {
    node: process.version,
    processor: process.arch,
    variables: variables.sort(),
    files: [path.join(packageDir, WASM), path.join(packageDir, SYMBOLS), path.join(modules, ROOT)].map(look),
  };
}

/** Imports `Init` as a text without a header does, and writes the file. */
function keep(file, packageDir, { abi, internals, printer }) {
  const frontend = new Frontend(abi);
  const initializers = new Initializers(abi);
  const imports = new Imports(abi, initializers);
  const headers = new Headers(abi, frontend, imports);
  initializers.allow();
  abi.scope(() => abi.drop(headers.open(abi.own(frontend.inputContext(''))).parserState));
  if (internals.PThread.runningWorkers.length > 0) throw new Error('a thread of Lean is running');
  freeze(file, internals, conditions(packageDir), { printer, imported: imports.all });
}

/** What was kept, if it can be used now. */
function thawed(file, packageDir) {
  try {
    return file === undefined ? undefined : thaw(file, conditions(packageDir));
  } catch {
    return undefined;
  }
}

module.exports = { keep, thawed };
