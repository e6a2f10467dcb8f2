'use strict';
/**
 * The states to which this process can go back, so that no source finds anything of another: the memory of
 * Lean, the variables of its thread, the files in memory, and what the session knows of them. The caller names
 * them by number, and forgets those that it does not need.
 */
const { FileState } = require('./file_state.cjs');
const { Copy } = require('./memory.cjs');
const { drawSeed } = require('./runtime.cjs');

class Snapshots {
  #lean;
  #session;
  #threads;
  #thread;
  #kept = new Map();
  #next = 0;

  /** `lean` is what runtime.cjs gives, `thread` is thread.cjs. */
  constructor({ lean, session, threads, thread }) {
    this.#lean = lean;
    this.#session = session;
    this.#threads = threads;
    this.#thread = thread;
  }

  /**
   * Keeps the present state; gives its number and how many bytes it takes, or nothing if a thread of Lean is
   * not at rest. To be called when no source has run since the last state that was gone back to.
   */
  async take() {
    const { abi, internals } = this.#lean;
    if (!await this.#threads.areQuiet()) return undefined;
    const areAllHome = await this.#threads.bringHome();
    this.#threads.open();
    // The threads of the last one are gone.
    internals.exports.lean_init_task_manager();
    if (!areAllHome) return undefined;
    const [before] = this.#kept.values();
    const memory = new Copy(internals, before?.memory);
    const state = { memory, files: new FileState(internals), session: this.#session.save() };
    const number = this.#next++;
    this.#kept.set(number, state);
    drawSeed(abi, internals);
    return { snapshot: number, snapshotBytes: memory.bytes };
  }

  /** Goes back to the state of that number; says so, and by how many bytes the memory is larger than it was. */
  async restore(number) {
    const state = this.#kept.get(number);
    if (!state) return undefined;
    const { abi, internals } = this.#lean;
    await this.#threads.bringHome();
    state.memory.putBack(internals);
    state.files.putBack(internals);
    this.#session.load(state.session);
    this.#thread.reset();
    this.#threads.open();
    drawSeed(abi, internals);
    return { restored: number, grownBytes: internals.memory.buffer.byteLength - state.memory.length };
  }

  /** Forgets the state of that number. */
  drop(number) {
    this.#kept.delete(number);
  }
}

module.exports = { Snapshots };
