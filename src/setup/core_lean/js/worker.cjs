'use strict';
/**
 * The thread in which Lean runs: starts it and answers one request after the other. It may block or
 * die at any time; main.cjs, in another thread, does not. The first message is the compiled module.
 * Arguments: thread.cjs, PACKAGE_DIR, PATCHED_LEAN_JS.
 */
const { once } = require('events');
const { parentPort, workerData } = require('worker_threads');
const { keep, thawed } = require('./beginning.cjs');
const { AxiomPrinter } = require('./axioms.cjs');
const { start, startTasks } = require('./runtime.cjs');
const { makeWord } = require('./home.cjs');
const { Session } = require('./session.cjs');
const { Snapshots } = require('./snapshots.cjs');
const { Threads } = require('./threads.cjs');
const thread = require('./thread.cjs');

/** Starts Lean, up to where it can be kept. */
async function begin(packageDir, patched, frozen) {
  const compiled = once(parentPort, 'message').then(([module]) => module);
  const lean = await start(packageDir, patched, { threadOptions: workerData.threadOptions, compiled, frozen });
  const printer = new AxiomPrinter(lean.abi);
  if (!frozen) printer.register();
  else if (frozen.state.printer !== printer.address) throw new Error('the frozen memory is of another module');
  return { ...lean, printer: printer.address };
}

/** Starts Lean and takes requests, or keeps it; `step` is that of freeze.cjs. */
async function main([, packageDir, patched]) {
  const { frozenFile, step } = workerData;
  const word = makeWord();
  const frozen = step === 'keep' ? undefined : thawed(frozenFile, packageDir);
  if (step === 'prove' && !frozen) throw new Error('what was kept cannot be used');
  const { abi, internals, printer } = await begin(packageDir, patched, frozen);
  if (step === 'keep') {
    keep(frozenFile, packageDir, { abi, internals, printer });
    thread.exit(0);
  }
  startTasks(internals);
  const session = new Session({ abi, files: internals.FS, imported: frozen?.state.imported });
  const threads = new Threads(internals, word);
  const snapshots = new Snapshots({ lean: { abi, internals }, session, threads, thread });
  parentPort.on('message', request => {
    answer(session, snapshots, request).then(reply => parentPort.postMessage(reply)).catch(thread.crash);
  });
}

/** Answers a request, which comes after the last is answered, with what it asks for of snapshots. */
async function answer(session, snapshots, request) {
  const { takeSnapshot, restoreSnapshot, dropSnapshot } = request.fields;
  if (dropSnapshot !== undefined) snapshots.drop(dropSnapshot);
  const restored = restoreSnapshot === undefined ? undefined : await snapshots.restore(restoreSnapshot);
  const reply = session.answer(request);
  const taken = takeSnapshot && reply.env !== undefined ? await snapshots.take() : undefined;
  return { ...reply, ...restored, ...taken };
}

main(process.argv.slice(2)).catch(thread.crash);
