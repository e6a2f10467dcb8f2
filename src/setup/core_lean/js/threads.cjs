'use strict';
/**
 * The threads that a source started, as that of Lean sees them. Between two sources none of them may run, nor
 * may anything of theirs still be on its way: each says that it is back where it takes messages (home.cjs), and
 * what does not is ended. Knows nothing of what they ran.
 */

/** How long a thread may take to come back, in milliseconds; one that waits looks up every 100. */
const PATIENCE_MS = 250;

/** How long is waited before a thread is woken once more, in milliseconds, and how much longer each time. */
const WAKE_MS = 2;

/** How long threads may take until they all wait for work, in milliseconds. */
const QUIET_MS = 2000;

/** How many of them are kept for the next source; few start more, and a thread takes longer to start than most run. */
const KEPT = 2;

/** How much of a thread's stack is searched for what it waits at, in bytes, and where its end is noted. */
const SEARCHED = 32768;
const STACK_END = 52;

/** The message to a thread and from it, and that of a thread that was just started. */
const HOME = 'home';
const LOADED = 'loaded';

const pause = ms => new Promise(resolve => { setTimeout(resolve, ms); });

/** Whether nothing that threads ask for is done: what they have sent before they came back is forgotten. */
let isClosed = false;

/** What a thread sent to that of Lean, before `lean.js` sees it; true for what is not for `lean.js`. */
function took(worker, { cmd }) {
  if (cmd === HOME) worker.isHome?.();
  return cmd === HOME || worker.isEnded === true || (isClosed && cmd !== LOADED);
}

class Threads {
  #internals;
  #word;
  /** How far below the end of its stack a thread waits for work, once that is known. */
  #place;

  /** `word` is that of home.cjs. */
  constructor(internals, word) {
    this.#internals = internals;
    this.#word = word;
  }

  /**
   * Has all of them come back, of which some are ready for the next source then; says whether none had to be
   * ended. Nothing that is asked of the thread of Lean is done from then on, until `open`.
   */
  async bringHome() {
    const { PThread } = this.#internals;
    isClosed = true;
    const all = [...PThread.runningWorkers, ...PThread.unusedWorkers];
    Atomics.store(this.#word, 0, 1);
    const came = await Promise.all(all.map(worker => this.#call(worker)));
    Atomics.store(this.#word, 0, 0);
    const workers = all.filter((_, at) => came[at]);
    for (const worker of workers) worker.pthread_ptr = 0;
    Object.assign(PThread, { runningWorkers: [], unusedWorkers: workers, pthreads: {} });
    PThread.finishedThreads.clear();
    await this.#keep();
    return came.every(Boolean);
  }

  /** Has the thread of Lean do again what threads ask for. */
  open() {
    const { awaitMailbox, exports } = this.#internals;
    isClosed = false;
    awaitMailbox(exports.pthread_self());
  }

  /** Waits until each of them waits for work, and so holds no lock; says whether they do. */
  async areQuiet() {
    for (const end = Date.now() + QUIET_MS; Date.now() < end; await pause(1)) {
      if (this.#internals.PThread.runningWorkers.every(worker => this.#wake(worker))) return true;
    }
    return false;
  }

  /** Asks a thread to come back, and ends it if it does not; says whether it did. */
  async #call(worker) {
    const answer = new Promise(resolve => { worker.isHome = () => resolve(true); });
    worker.postMessage({ cmd: HOME });
    for (let [wait, end] = [WAKE_MS, Date.now() + PATIENCE_MS]; Date.now() < end; wait *= 2) {
      if (worker.pthread_ptr) this.#wake(worker);
      if (await Promise.race([answer, pause(wait)])) return true;
    }
    // What it sent before is not delivered any more.
    worker.isEnded = true;
    await worker.terminate();
    return false;
  }

  /** Wakes a thread that waits, which then looks whether it is to come; says whether it waited. */
  #wake(worker) {
    const words = new Int32Array(this.#internals.memory.buffer);
    const end = words[(worker.pthread_ptr + STACK_END) >> 2];
    const isWaitingAt = place => {
      const at = end - place;
      return at > 0 && at < words.length * 4 && Atomics.notify(words, at >> 2) > 0;
    };
    if (this.#place !== undefined && isWaitingAt(this.#place)) return true;
    for (let place = 4; place < SEARCHED; place += 4) {
      if (!isWaitingAt(place)) continue;
      this.#place ??= place;
      return true;
    }
    return false;
  }

  /** Keeps as many as are kept, of which the first is started if there is none. */
  async #keep() {
    const { PThread } = this.#internals;
    const others = PThread.unusedWorkers.splice(KEPT);
    await Promise.all(others.map(worker => {
      worker.isEnded = true;
      return worker.terminate();
    }));
    if (PThread.unusedWorkers.length === 0) {
      PThread.allocateUnusedWorker();
      await PThread.loadWasmModuleToWorker(PThread.unusedWorkers[0]);
    }
  }
}

module.exports = { Threads, isClosed: () => isClosed, took };
