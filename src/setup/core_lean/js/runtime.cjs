'use strict';
/**
 * Starts Lean in this thread: loads the patched `lean.js`, shows it the folders that it may read,
 * gives it a stack and initializes it. Knows nothing of requests.
 */
const { randomBytes } = require('crypto');
const fs = require('fs');
const path = require('path');
const { Abi } = require('./abi.cjs');

/**
 * Stack of Lean in the wasm memory, in bytes. Lean's C++ code watches this one and answers `deep
 * recursion` before it ends; compiled Lean code needs less of it than of the stack of the thread
 * (`STACK_MB` in main.cjs), which then ends first, with a RangeError.
 */
const WASM_STACK_BYTES = 64 << 20;

/** What the guard leaves unused, in bytes, for code that does not ask it. */
const WASM_STACK_MARGIN = 1 << 20;

/** The same for each thread that user code starts; Lean's own default. */
const THREAD_STACK_BYTES = 8 << 20;

/** `EROFS` as emscripten numbers it. */
const READ_ONLY_ERROR = 69;

/** What the C library takes for the name of the program; the same wherever it is installed. */
const PROGRAM = 'lean';

/** A natural number that certainly needs more than a scalar of Lean. */
const SMALLEST_LARGE = 1n << 32n;

/** Variables that Lean may see. */
const VARIABLES = /^LEAN_/;

/** Makes every file system of the machine that is mounted, read-only. */
function forbidWriting({ FS, NODEFS }) {
  const refuse = () => {
    throw new FS.ErrnoError(READ_ONLY_ERROR);
  };
  const { open } = NODEFS.stream_ops;
  for (const name of ['setattr', 'mknod', 'rename', 'unlink', 'rmdir', 'symlink']) {
    NODEFS.node_ops[name] = refuse;
  }
  for (const name of ['setattr', 'write', 'msync']) NODEFS.stream_ops[name] = refuse;
  NODEFS.stream_ops.open = stream => {
    if ((stream.flags & 3) !== 0) refuse();
    open(stream);
  };
}

/** Makes links look like what they lead to, which need not lie in a folder that is mounted. */
function followLinks({ NODEFS }) {
  const follow = file => NODEFS.tryFSOperation(() => fs.statSync(file));
  NODEFS.getMode = file => follow(file).mode;
  NODEFS.node_ops.getattr = node => NODEFS.getattr(() => follow(NODEFS.realPath(node)), node);
}

/** Mounts the folder at its own path; one that lies in a mounted folder is there already. */
function mountAll({ FS, NODEFS }, folders) {
  const mounted = [];
  for (const folder of [...new Set(folders)].sort()) {
    if (mounted.some(parent => folder.startsWith(`${parent}/`))) continue;
    if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) continue;
    FS.mkdirTree(folder);
    FS.mount(NODEFS, { root: folder }, folder);
    mounted.push(folder);
  }
}

/** The folders and variables of Lean. */
function prepare(internals, patched) {
  const variables = Object.entries(process.env).filter(([name]) => VARIABLES.test(name));
  Object.assign(internals.ENV, Object.fromEntries(variables));
  forbidWriting(internals);
  followLinks(internals);
  // Lean has a folder of its own in which it runs, so relative paths would be others to it.
  const modules = (process.env.LEAN_PATH ?? '').split(':').filter(Boolean).map(folder => path.resolve(folder));
  internals.ENV.LEAN_PATH = modules.join(':');
  mountAll(internals, [process.env.LEAN_SYSROOT, ...modules].filter(Boolean));
  // Lean takes the script for its own program and resolves the folder that it lies in.
  internals.FS.mkdirTree(path.dirname(patched));
}

/** Moves this thread to a stack of its own, and tells the guard in Lean's C++ code where it ends. */
function moveStack(exports) {
  const low = exports.malloc(WASM_STACK_BYTES);
  const high = (low + WASM_STACK_BYTES) & ~15;
  exports.emscripten_stack_set_limits(high, low);
  exports._emscripten_stack_restore(high);
}

/** Lean takes the size of the main thread's stack with the wrong sign, which turns its guard off. */
function guardStack(exports) {
  exports.lean_internal_set_thread_stack_size(WASM_STACK_BYTES - WASM_STACK_MARGIN);
  exports._ZN4lean15save_stack_infoEb(0);
  exports.lean_internal_set_thread_stack_size(THREAD_STACK_BYTES);
}

/** Starts the thread that tasks of Lean need, such as that which completes an info tree. */
function startThread({ PThread }) {
  PThread.allocateUnusedWorker();
  PThread.loadWasmModuleToWorker(PThread.unusedWorkers[0]);
}

/** Initializes Lean, in the order of its own `main`. */
function initialize(abi, exports) {
  moveStack(exports);
  exports.lean_initialize();
  guardStack(exports);
  abi.drop(abi.run('lean_init_search_path'));
  exports.lean_io_mark_end_initialization();
}

/** Tells a thawed Lean the variables of this process, and what it reads from them when it initializes. */
function tellVariables(abi, { exports, getEnvStrings }) {
  const text = string => {
    const bytes = Buffer.from(`${string}\0`, 'utf8');
    const at = exports.malloc(bytes.length);
    abi.write(at, bytes);
    return at;
  };
  for (const line of getEnvStrings()) {
    const [name, value] = [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)].map(text);
    exports.setenv(name, value, 1);
    exports.free(name);
    exports.free(value);
  }
  abi.drop(abi.run('lean_init_search_path'));
}

/** Gives a thawed Lean random numbers of its own, as it has drawn a seed when it initialized itself. */
function drawSeed(abi, { exports }) {
  let seed;
  do seed = randomBytes(8).readBigUInt64LE(); while (seed < SMALLEST_LARGE);
  abi.drop(abi.run('l_IO_setRandSeed', exports.lean_big_uint64_to_nat(seed)));
}

/** Puts this thread where the kept one was, in place of what the C library does before `main`. */
function takeUp({ globals }, { exports, awaitMailbox }) {
  for (const [name, value] of Object.entries(globals)) exports[name].value = value;
  awaitMailbox(exports.pthread_self());
}

/**
 * Starts Lean from PACKAGE_DIR and the patched copy of its `lean.js`, or from what was kept of such a
 * start (frozen.cjs); gives what it is made of. No task can run before `startTasks`.
 * `threadOptions` are those of the threads that user code may start, `compiled` is the promise of the
 * module.
 */
function start(packageDir, patched, { threadOptions, compiled, frozen }) {
  return new Promise((resolve, reject) => {
    const internals = () => globalThis.leanModule.internals();
    globalThis.leanModule = {
      noInitialRun: true,
      // A task of Lean may end, and tell this thread so, while no request is being answered.
      noExitRuntime: true,
      thisProgram: PROGRAM,
      instantiateWasm(imports, done) {
        compiled.then(module => done(new WebAssembly.Instance(module, imports), module)).catch(reject);
      },
      mainScriptUrlOrBlob: patched,
      threadOptions,
      stdin: () => null,
      wasmMemory: frozen?.memory,
      preRun: [() => prepare(internals(), patched)],
      thaw() {
        if (frozen) takeUp(frozen, internals());
        return frozen !== undefined;
      },
      onRuntimeInitialized() {
        try {
          const inside = internals();
          const abi = new Abi(inside);
          if (frozen) {
            tellVariables(abi, inside);
            drawSeed(abi, inside);
          } else {
            initialize(abi, inside.exports);
          }
          resolve({ abi, internals: inside });
        } catch (error) {
          reject(error);
        }
      },
    };
    require(patched);
  });
}

/** Lets tasks run, in threads of their own. */
function startTasks(internals) {
  startThread(internals);
  internals.exports.lean_init_task_manager();
}

module.exports = { drawSeed, start, startTasks };
