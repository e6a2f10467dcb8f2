'use strict';
/** The definitions without a body that come up while a source is looked into, by their names as Lean writes them. */
class Bodiless {
  #abi;
  #env;
  #standIns;
  #known = new Map();
  #others = new Set();

  /** Those of a lent environment; lives as long as the scope. */
  constructor(abi, standIns, env) {
    this.#abi = abi;
    this.#standIns = standIns;
    this.#env = env;
  }

  /** Whether the name is that of such a definition; it is remembered. */
  has(text) {
    if (this.#known.has(text)) return true;
    if (this.#others.has(text)) return false;
    const name = this.#abi.own(this.#abi.call('l_String_toName', this.#abi.string(text)));
    const isOne = this.#standIns.isBodiless(this.#env, name);
    if (isOne) this.#known.set(text, name);
    else this.#others.add(text);
    return isOne;
  }

  /** How many came up. */
  get count() {
    return this.#known.size;
  }

  /** Their texts, and their names, lent. */
  get texts() {
    return [...this.#known.keys()];
  }

  get names() {
    return [...this.#known.values()];
  }
}

module.exports = { Bodiless };
