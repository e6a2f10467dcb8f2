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

/** How often is looked for threads that were started meanwhile. */
const ROUNDS = 8;

/** How long threads may take until they all wait for work, in milliseconds. */
const QUIET_MS = 2000;

/** How many of them are kept for the next source; few start more, and a thread takes longer to start than most run. */
const KEPT = 2;

/** How much of a thread's stack is searched for what it waits at, in bytes, and where its end is noted. */
const SEARCHED = 32768;
const STACK_END = 52;

/** The message to a thread and from it. */
const HOME = 'home';

const pause = ms => new Promise(resolve => { setTimeout(resolve, ms); });

/** What a thread sent to that of Lean, before `lean.js` sees it; true for what is not for `lean.js`. */
function took(worker, { cmd }) {
  if (cmd === HOME) worker.isHome?.();
  return cmd === HOME || worker.isEnded === true;
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

  /** Has all of them come back; afterwards one is ready for the next source. Says whether none had to be ended. */
  async bringHome() {
    const { PThread } = this.#internals;
    let areAllHome = true;
    for (let round = 0; round < ROUNDS; round++) {
      const before = [...PThread.runningWorkers, ...PThread.unusedWorkers];
      if (round > 0 && PThread.runningWorkers.length === 0) {
        await this.#keep();
        return areAllHome;
      }
      Atomics.store(this.#word, 0, 1);
      const came = await Promise.all(before.map(worker => this.#call(worker)));
      Atomics.store(this.#word, 0, 0);
      areAllHome &&= came.every(Boolean);
      this.#free(before.filter((_, at) => came[at]));
    }
    throw new Error('the source starts threads without end');
  }

  /** Waits until each of them waits for work, which it holds no lock meanwhile; says whether they do. */
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

  /** Makes those that came back free for other work, as `lean.js` keeps its books; the others are gone. */
  #free(workers) {
    const { PThread } = this.#internals;
    for (const worker of workers) worker.pthread_ptr = 0;
    const known = new Set(PThread.runningWorkers.concat(PThread.unusedWorkers));
    const isNew = worker => known.has(worker) && !workers.includes(worker) && !worker.isEnded;
    PThread.runningWorkers = PThread.runningWorkers.filter(isNew);
    PThread.unusedWorkers = workers;
    const running = new Set(PThread.runningWorkers);
    for (const [address, worker] of Object.entries(PThread.pthreads)) {
      if (!running.has(worker)) delete PThread.pthreads[address];
    }
    PThread.finishedThreads.clear();
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

module.exports = { Threads, took };
