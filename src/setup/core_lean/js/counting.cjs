'use strict';
/** Lean's own counts of what it unfolds, and of what it would have unfolded: its option `diagnostics`. */
const { box } = require('./abi.cjs');
const { nameOf } = require('./names.cjs');

/** A line of them. */
const COUNTED = /^\s*\[\w+\] (\S+) ↦ \d+$/gm;

/** The lent options, owned, with those that make Lean count and report all counts. */
function countingOptions(abi, options) {
  const yes = box(1);
  const counting = abi.call('l_Lean_KVMap_setBool', abi.use(options), nameOf(abi, 'diagnostics'), yes);
  return abi.call('l_Lean_KVMap_setNat', counting, nameOf(abi, 'diagnostics.threshold'), box(0));
}

/** The names that are counted in messages. */
function countedIn(messages) {
  return messages.flatMap(({ data }) => [...data.matchAll(COUNTED)].map(([, name]) => name));
}

module.exports = { countedIn, countingOptions };
