'use strict';
/** `Lean.Name`s of plain words. */
const { box } = require('./abi.cjs');

/** The owned name `A.b.c`; no part may need guillemets. */
function nameOf(abi, text) {
  return text.split('.').reduce(
    (prefix, part) => abi.call('l_Lean_Name_str___override', prefix, abi.string(part)), box(0));
}

module.exports = { nameOf };
