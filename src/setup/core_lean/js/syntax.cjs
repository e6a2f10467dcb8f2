'use strict';
/** Reads `Lean.Syntax`: kinds, and places in the text. All objects are lent. */
const { box, isScalar } = require('./abi.cjs');
const { textOf } = require('./names.cjs');

/** Constructors of `Syntax` and of `SourceInfo`, and fields of a node. */
const SYNTAX = { node: 1, atom: 2 };
const ORIGINAL = 0;
const NODE = { kind: 1, children: 2 };
const ATOM_TEXT = 1;

/** Line and column of a position, which is consumed, in a file map. */
function positionOf(abi, fileMap, at) {
  const position = abi.call('l_Lean_FileMap_toPosition', abi.use(fileMap), at);
  const [line, column] = [0, 1].map(index => abi.tag(abi.field(position, index)));
  abi.drop(position);
  return { line, column };
}

/** Where the syntax starts, or `undefined`. */
function startOf(abi, stx, fileMap) {
  const canonicalOnly = box(0);
  return abi.scope(() => {
    const found = abi.own(abi.call('l_Lean_Syntax_getPos_x3f', abi.use(stx), canonicalOnly));
    return isScalar(found) ? undefined : positionOf(abi, fileMap, abi.use(abi.field(found, 0)));
  });
}

/** Where the syntax starts and ends, as the REPL has it: at the start of the text if it has no place. */
function rangeOf(abi, stx, fileMap) {
  const canonicalOnly = box(0);
  return abi.scope(() => {
    const start = startOf(abi, stx, fileMap) ?? positionOf(abi, fileMap, box(0));
    const tail = abi.own(abi.call('l_Lean_Syntax_getTailPos_x3f', abi.use(stx), canonicalOnly));
    const end = isScalar(tail) ? start : positionOf(abi, fileMap, abi.use(abi.field(tail, 0)));
    return { start, end };
  });
}

/** Whether the syntax stands in the text as it is. */
function isOriginal(abi, stx) {
  return abi.scope(() => {
    const info = abi.own(abi.call('l_Lean_Syntax_getHeadInfo', abi.use(stx)));
    return !isScalar(info) && abi.tag(info) === ORIGINAL;
  });
}

/** The name of a node, or `undefined` for other syntax. */
function nodeName(abi, stx) {
  return !isScalar(stx) && abi.tag(stx) === SYNTAX.node ? textOf(abi, abi.field(stx, NODE.kind)) : undefined;
}

/** Whether the syntax is a node of that kind around one word. */
function isWord(abi, stx, kind, word) {
  if (nodeName(abi, stx) !== kind) return false;
  const children = abi.elements(abi.field(stx, NODE.children));
  if (children.length !== 1 || isScalar(children[0]) || abi.tag(children[0]) !== SYNTAX.atom) return false;
  return abi.text(abi.field(children[0], ATOM_TEXT)) === word;
}

/** What Lean calls the kind of any syntax. */
function kindOf(abi, stx) {
  return abi.scope(() => textOf(abi, abi.own(abi.call('l_Lean_Syntax_getKind', abi.use(stx)))));
}

/** The kinds of its arguments. */
function argumentKinds(abi, stx) {
  return abi.scope(() => {
    const args = abi.own(abi.call('l_Lean_Syntax_getArgs', abi.use(stx)));
    return abi.elements(args).map(arg => kindOf(abi, arg));
  });
}

module.exports = { argumentKinds, isOriginal, isWord, kindOf, nodeName, positionOf, rangeOf, startOf };
