'use strict';
/** `Lean.Name`s and texts. */
const { box, isScalar } = require('./abi.cjs');

/** The owned name `A.b.c`; no part may need guillemets. */
function nameOf(abi, text) {
  return text.split('.').reduce(
    (prefix, part) => abi.call('l_Lean_Name_str___override', prefix, abi.string(part)), box(0));
}

/** The owned name that Lean reads in a text, anonymous if it reads none. */
function parseName(abi, text) {
  return abi.call('l_String_toName', abi.string(text));
}

/** Whether a name has no parts. */
const isAnonymous = isScalar;

/** A lent name as Lean writes it. */
function textOf(abi, name) {
  const escape = box(1);
  return abi.scope(() => abi.text(abi.own(abi.call('l_Lean_Name_toString', abi.use(name), escape))));
}

module.exports = { isAnonymous, nameOf, parseName, textOf };
