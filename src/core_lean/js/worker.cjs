'use strict';
/**
 * The thread in which Lean runs: starts it and answers one request after the other. It may block or
 * die at any time; main.cjs, in another thread, does not.
 * Arguments: thread.cjs, PACKAGE_DIR, PATCHED_LEAN_JS.
 */
const { parentPort, workerData } = require('worker_threads');
const { start } = require('./runtime.cjs');
const { Session } = require('./session.cjs');
const thread = require('./thread.cjs');

/** Starts Lean and takes requests. */
async function main([, packageDir, patched]) {
  const session = new Session(await start(packageDir, patched, workerData.threadOptions));
  parentPort.on('message', request => {
    try {
      parentPort.postMessage(session.answer(request));
    } catch (error) {
      thread.crash(error);
    }
  });
}

main(process.argv.slice(2)).catch(thread.crash);
