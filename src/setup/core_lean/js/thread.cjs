'use strict';
/**
 * What the patched `lean.js` needs in each of its threads: a place for stray output, and the end of
 * the whole process. A thread of Node can only end itself, so the word goes to the supervisor
 * (main.cjs) over a channel of this process, and the thread blocks: after a trap nothing in the
 * memory of Lean can be trusted, and no reply may follow.
 */
const { BroadcastChannel } = require('worker_threads');
const home = require('./home.cjs');
const { isSymbol, restrict } = require('./host_imports.cjs');
const { writeAll } = require('./output.cjs');
const { Symbols } = require('./symbols.cjs');
const { isClosed, took } = require('./threads.cjs');

/** The name of the channel on which the exit status travels. */
const CHANNEL = 'leanrepl-end';

/** Exit codes, besides those that the user's program asks for. */
const STATUS = { uncaught: 1, stackOverflow: 134, outOfMemory: 137 };

/** The last lines of stderr that belong to them. */
const LINE = {
  stackOverflow: 'Stack overflow detected. Aborting.',
  outOfMemory: 'out of memory',
};

/** Types and messages of errors that mean one of these; the words are those of V8 and of Lean. */
const STACK_ERROR = /: Maximum call stack size exceeded|: deep recursion was detected/;
const MEMORY_ERROR = /out of memory|bad_alloc|: excessive memory consumption/i;

let symbols;
let proxied;
let exhausted = false;
let inDebugLines = false;

/** Ends the process; `line`, if there is one, is the last that it writes to stderr. */
function end(status, line) {
  try {
    if (line !== undefined) writeAll(2, `${line}\n`);
  } finally {
    new BroadcastChannel(CHANNEL).postMessage(status);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
}

/** The type and the message of an error; one of C++ is thrown as its address. */
function describe(error) {
  if (typeof error === 'number') return module.exports.explain(error);
  return [error?.name ?? '', String(error?.message ?? error)];
}

/** What an error of JavaScript, wasm or C++ means for the process, as `[status, line]`. */
function verdict(error) {
  const [type, text] = describe(error);
  if (STACK_ERROR.test(`${type}: ${text}`)) return [STATUS.stackOverflow, LINE.stackOverflow];
  if (exhausted || MEMORY_ERROR.test(`${type}: ${text}`)) return [STATUS.outOfMemory, LINE.outOfMemory];
  // Lean's interpreter adds all of its stack, a line for each call.
  return [STATUS.uncaught, `uncaught exception: ${text.split('\n', 1)[0]}`];
}

/** Ends the process because its program called what it must not. */
function close(name) {
  end(STATUS.uncaught, `this program called \`${name}\`, which is closed`);
}

module.exports = {
  CHANNEL,
  verdict,

  /** The functions of JavaScript that the module gets; `also` is one that threads hand over to that of Lean. */
  restrict(functions, also) {
    const restricted = home.guard(restrict(functions, { close, end }));
    proxied = new Set([...Object.values(restricted), also]);
    return restricted;
  },

  /** The function that another thread hands over to this one, if it may. */
  proxied: run => (proxied.has(run) ? run : () => close(run?.name ?? 'EM_ASM')),

  /** Where the table of the module has the compiled code of that name, or at which address the constant is. */
  place: name => (isSymbol(name) ? module.exports.symbols().find(name)?.place ?? 0 : 0),

  /** Set by `lean.js`: the type and the message of an exception of C++. */
  explain: address => ['', `exception ${address}`],

  /** The names of the package, which each thread reads when it first asks. */
  symbols: () => (symbols ??= new Symbols(process.argv[3])),

  /** The exports of the instance of this thread, which has not run yet. */
  exportsOf(exports) {
    home.begin(exports);
    return module.exports.symbols().exportsOf(exports);
  },

  isClosed,
  took,

  /** Forgets what a source left in the variables of JavaScript. */
  reset() {
    exhausted = false;
    inDebugLines = false;
    module.exports.forgetExceptions();
  },

  /** This thread, which a source started, is back where it takes messages. */
  home() {
    home.reset();
    module.exports.reset();
  },

  /** Set by `lean.js`: forgets exceptions of C++ that were not seen to their end. */
  forgetExceptions() {},

  /** A line of output, of Lean's or of the user's; descriptor 1 carries replies and nothing else. */
  print(line) {
    // The package prints `[DEBUG:…]` lines, some of them continued by indented ones.
    inDebugLines = line.startsWith('[DEBUG:') || (inDebugLines && line.startsWith('  '));
    if (!inDebugLines) writeAll(2, `${line}\n`);
  },

  /** The wasm memory has reached its cap: what ends the process next, ends it for that reason. */
  heapExhausted() {
    exhausted = true;
  },

  /** The program asked to end. Lean's own answer to a failed allocation is `exit(1)`. */
  exit(status) {
    if (exhausted && status === STATUS.uncaught) end(STATUS.outOfMemory, LINE.outOfMemory);
    end(status);
  },

  /** The C library gave up, as after an exception of C++ that nobody catches. */
  abort(what) {
    if (exhausted) end(STATUS.outOfMemory, LINE.outOfMemory);
    end(STATUS.uncaught, `uncaught exception: abort(${what})`);
  },

  /** An error reached the top of a thread. */
  crash(error) {
    end(...verdict(error));
  },
};
