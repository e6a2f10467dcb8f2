'use strict';
/**
 * The thread that outlives whatever happens in the thread of Lean (worker.cjs): starts that and ends
 * the process when it is told to. Knows no request.
 */
const fs = require('fs');
const path = require('path');
const v8 = require('v8');
const { BroadcastChannel, Worker } = require('worker_threads');
const { writeAll } = require('./output.cjs');
const { WASM } = require('./symbols.cjs');
const { CHANNEL, verdict } = require('./thread.cjs');

/**
 * Compiling 116 MB of wasm ahead takes longer than all of the start, and so does validating it: trim.cjs
 * has done that once, and V8 does it again for each function before it is first run.
 */
const V8_FLAGS = ['--wasm-lazy-compilation', '--wasm-lazy-validation'];

/** Stack of each thread that runs Lean, in MiB; the limit of the shell does not matter to it. */
const STACK_MB = 256;

/** Ends the process; threads that are busy or blocked are stopped. */
function exit([status, line]) {
  if (line !== undefined) writeAll(2, `${line}\n`);
  process.exit(status);
}

/**
 * Starts the thread of Lean; gives a function that asks it. The process ends with that thread.
 * `frozenFile` is what it may start from; `step` is that of freeze.cjs.
 */
function startLean(packageDir, patched, { frozenFile, step } = {}) {
  for (const flag of V8_FLAGS) v8.setFlagsFromString(flag);
  new BroadcastChannel(CHANNEL).onmessage = ({ data }) => exit([data]);
  const argv = [path.join(__dirname, 'thread.cjs'), packageDir, patched].map(part => path.resolve(part));
  const resourceLimits = { stackSizeMb: STACK_MB };
  const threadOptions = { argv, resourceLimits, name: 'em-pthread', workerData: 'em-pthread' };
  const lean = new Worker(path.join(__dirname, 'worker.cjs'),
    { argv, resourceLimits, workerData: { threadOptions, frozenFile, step } });
  // The module is compiled here while the other thread starts; its requests wait behind it.
  const compiled = WebAssembly.compile(fs.readFileSync(path.join(packageDir, WASM)))
    .then(module => lean.postMessage(module))
    .catch(error => exit(verdict(error)));
  let answered;
  lean.on('message', reply => answered(reply));
  lean.on('error', error => exit(verdict(error)));
  lean.on('exit', () => exit([1, 'uncaught exception: the thread of Lean ended']));
  return async request => {
    await compiled;
    return new Promise(resolve => {
      answered = resolve;
      lean.postMessage(request);
    });
  };
}

module.exports = { exit, startLean };
