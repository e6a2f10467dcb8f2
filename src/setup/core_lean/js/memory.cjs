'use strict';
/**
 * Copies of the memory of Lean and of the variables of its thread, and how they are put back. A copy holds the
 * blocks that are not zero or, if it is made from another one, those in which it differs. Knows where bytes are,
 * not what they mean.
 */
const { globalsOf } = require('./symbols.cjs');

/** The unit that is compared and put back, in bytes; the memory grows by it. */
const BLOCK = 65536;

const ZERO = Buffer.alloc(BLOCK);

/** The memory as bytes. */
const bytesOf = ({ memory }) => Buffer.from(memory.buffer);

class Copy {
  /** What each block is, by number; those that are missing are zero. */
  #blocks = new Map();
  #globals;

  /** Copies the memory of `length` bytes; `bytes` are those that `before`, another copy, does not share. */
  constructor(internals, before) {
    const now = bytesOf(internals);
    this.length = now.length;
    this.bytes = 0;
    for (let at = 0; at < now.length; at += BLOCK) {
      const number = at / BLOCK;
      const known = before?.block(number);
      if (known && now.compare(known, 0, BLOCK, at, at + BLOCK) === 0) {
        this.#blocks.set(number, known);
      } else if (now.compare(ZERO, 0, BLOCK, at, at + BLOCK) !== 0) {
        this.#blocks.set(number, Buffer.from(now.subarray(at, at + BLOCK)));
        this.bytes += BLOCK;
      }
    }
    this.#globals = globalsOf(internals.exports).map(([, { value }]) => value);
  }

  /** A block, if it is not zero throughout. */
  block(number) {
    return this.#blocks.get(number);
  }

  /** Makes the memory what it was. What it has grown by since stays, as zeros. */
  putBack(internals) {
    const now = bytesOf(internals);
    for (let at = 0; at < now.length; at += BLOCK) {
      const block = this.#blocks.get(at / BLOCK) ?? ZERO;
      if (now.compare(block, 0, BLOCK, at, at + BLOCK) !== 0) block.copy(now, at);
    }
    globalsOf(internals.exports).forEach(([, variable], at) => {
      variable.value = this.#globals[at];
    });
  }
}

module.exports = { Copy };
