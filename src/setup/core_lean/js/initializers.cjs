'use strict';
/**
 * Whether an import runs the `initialize` code of modules. Lean keeps one flag for the process: the
 * REPL sets it for every command (`processInput` in REPL/Frontend.lean), each import clears it, and
 * `unpickleEnvFrom` of v4.27 leaves it as it is.
 */
const { box } = require('./abi.cjs');

const FLAG = 'l___private_Lean_ImportingFlag_0__Lean_runInitializersRef';
const IMPORTING = 'l___private_Lean_ImportingFlag_0__Lean_importingRef';

class Initializers {
  #abi;

  constructor(abi) {
    this.#abi = abi;
  }

  /** Whether the next import runs them. */
  get allowed() {
    return this.#abi.call('lean_st_ref_get', this.#abi.constant(FLAG)) === box(1);
  }

  /** As before every command. */
  allow() {
    this.#set(FLAG, true);
  }

  /** As after every import. */
  forbid() {
    this.#set(FLAG, false);
  }

  /**
   * What `withImporting` of Lean does, for an import in two steps, of which the first is one to Lean;
   * the second gets what that gave.
   */
  duringImport(first, second) {
    const { allowed } = this;
    try {
      const imported = first();
      this.#set(IMPORTING, true);
      this.#set(FLAG, allowed);
      return second(imported);
    } finally {
      this.#set(IMPORTING, false);
      this.forbid();
    }
  }

  #set(reference, value) {
    this.#abi.call('lean_st_ref_set', this.#abi.constant(reference), box(Number(value)));
  }
}

module.exports = { Initializers };
