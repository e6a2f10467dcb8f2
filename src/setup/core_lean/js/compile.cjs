'use strict';
/**
 * Compiles modules, as `lean -o` does:
 *
 *     node compile.cjs PACKAGE_DIR PATCHED_LEAN_JS SOURCES OUT MODULE...
 *
 * SOURCES holds the texts (`A/B.lean` for `A.B`), OUT gets the modules (`A/B.olean`); those that
 * import others come after them. Variables are as for main.cjs. Messages go to stderr, a line each.
 * Exit codes are those of main.cjs, and 1 for a text with an error, which is not written.
 */
const fs = require('fs');
const path = require('path');
const { writeAll } = require('./output.cjs');
const { exit, startLean } = require('./supervisor.cjs');
const { verdict } = require('./thread.cjs');

/** The file of a module in a folder. */
const fileOf = (folder, module, ending) => `${path.resolve(folder, ...module.split('.'))}${ending}`;

/** Compiles all modules. */
async function main([packageDir, patched, sources, out, ...modules]) {
  if (modules.length === 0) exit([2, 'usage: node compile.cjs PACKAGE_DIR PATCHED_LEAN_JS SOURCES OUT MODULE...']);
  fs.mkdirSync(out, { recursive: true });
  process.env.LEAN_PATH = [process.env.LEAN_PATH, path.resolve(out)].filter(Boolean).join(':');
  const ask = startLean(packageDir, patched);
  for (const module of modules) {
    const source = fileOf(sources, module, '.lean');
    const olean = fileOf(out, module, '.olean');
    fs.mkdirSync(path.dirname(olean), { recursive: true });
    const { messages } = await ask({ kind: 'compile', fields: { source, module, olean } });
    for (const { severity, pos, data } of messages) {
      writeAll(2, `${source}:${pos.line}:${pos.column}: ${severity}: ${data}\n`);
    }
    if (messages.some(({ severity }) => severity === 'error')) exit([1]);
  }
  exit([0]);
}

main(process.argv.slice(2)).catch(error => exit(verdict(error)));
