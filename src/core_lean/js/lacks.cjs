'use strict';
/**
 * Tells an objection of Lean from a lack of the package. The package holds each module without what
 * it keeps private, so Lean does not find the compiled code of some functions and objects to a text
 * that is right. Pure.
 */

/** What `#print axioms` answers: Lean would name the theorems themselves as axioms. */
const AXIOMS = 'core Lean cannot tell axioms: it has imported theorems without their proofs';

/** A constant that Lean did not find. */
const UNKNOWN = /Unknown constant `([^`]+)`/g;

/** Compilers' and private names have a part that begins so; users' names have none. */
const INTERNAL = /(^|\.)_/;

/** What the package lacks according to Lean's messages, each once; empty if all is there. */
function lacks(messages) {
  const found = new Set();
  for (const { severity, data } of messages) {
    if (severity !== 'error') continue;
    if (data === AXIOMS) found.add('the proofs of imported theorems');
    for (const [, name] of data.matchAll(UNKNOWN)) {
      if (INTERNAL.test(name)) found.add(`the compiled code of \`${name}\``);
    }
  }
  return [...found];
}

module.exports = { AXIOMS, lacks };
