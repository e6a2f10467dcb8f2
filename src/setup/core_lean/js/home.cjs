'use strict';
/**
 * Brings a thread that a source started back to where it takes messages. A thread of JavaScript can only be
 * ended as a whole, which costs more than most sources; but all that it calls of JavaScript passes here, and
 * what is thrown here unwinds all of Lean. Whether it is to come is in a word that no source can reach, since
 * it is not in the memory of Lean. Knows nothing of messages: threads.cjs sends them.
 */
const { getEnvironmentData, setEnvironmentData, workerData } = require('worker_threads');
const { globalsOf } = require('./symbols.cjs');

/** What threads find the word by. */
const NAME = 'leanrepl-home';

/** What `lean.js` lets pass through Lean, up to where messages are taken. */
const UNWIND = 'unwind';

/** Functions that are in the middle of an exception of C++, and would not be left in order. */
const EXCEPTION = /^(?:invoke_|__cxa_|__resumeException|llvm_)/;

/** Whether this thread is one that a source started. */
const isOfSource = workerData === 'em-pthread';

/** The variables of this thread outside of the memory, and what they were before it first ran. */
let own;
let first = [];

/** Makes the word; threads that are started after this share it. */
function makeWord() {
  const word = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData(NAME, word);
  return word;
}

/** The functions of JavaScript as a thread gets them that a source started. */
function guard(functions) {
  if (!isOfSource) return functions;
  const word = getEnvironmentData(NAME);
  const guarded = run => Object.assign((...args) => {
    if (Atomics.load(word, 0) !== 0) throw UNWIND;
    return run(...args);
  }, { sig: run.sig });
  return Object.fromEntries(Object.entries(functions).map(([name, run]) =>
    [name, typeof run === 'function' && !EXCEPTION.test(name) ? guarded(run) : run]));
}

/** Notes the variables of this thread, which has not run yet. */
function begin(exports) {
  own = globalsOf(exports).map(([, variable]) => variable);
  first = own.map(({ value }) => value);
}

/** Makes the variables of this thread what they were before it first ran. */
function reset() {
  own.forEach((variable, at) => {
    variable.value = first[at];
  });
}

module.exports = { begin, guard, makeWord, reset };
