'use strict';
/** Which command of a source each message of Lean is about: by its place. Columns count characters. */
const { ELAB_INFO, TACTIC, TERM } = require('./trees.cjs');
const { isScalar } = require('./abi.cjs');
const { textOf } = require('./names.cjs');
const { kindOf, rangeOf } = require('./syntax.cjs');

const isBefore = (a, b) => a.line < b.line || (a.line === b.line && a.column < b.column);

class CommandRanges {
  #abi;
  #trees;

  constructor(abi, trees) {
    this.#abi = abi;
    this.#trees = trees;
  }

  /**
   * The commands of the lent info trees in their order: where each starts and ends, its `text` in the
   * source, whether Lean could not parse all of it (`isBroken`), its lent `tree`, and the `messages`
   * from there to the next one, with the `errors` among them; `cut` gives the text between two places.
   */
  of(trees, source, messages) {
    const lines = source.split('\n').map(line => Array.from(line));
    const commands = trees.flatMap(tree => this.#command(tree, lines));
    for (const message of messages) this.#commandAt(commands, message.pos)?.messages.push(message);
    return commands.map(command =>
      ({ ...command, errors: command.messages.filter(({ severity }) => severity === 'error') }));
  }

  /** The kind of the tactic that stands exactly where a message of a command does, if there is one. */
  tacticAt(command, message) {
    let found;
    this.#visitAt(command, message, 'TacticInfo', TACTIC.info, (_, stx) => found = kindOf(this.#abi, stx));
    return found;
  }

  /** The constants of the type that is wanted of the term there, if it is known. */
  typeWantedAt(command, message) {
    const abi = this.#abi;
    let found;
    this.#visitAt(command, message, 'TermInfo', TERM.info, info => {
      const type = abi.field(info, TERM.expectedType);
      if (isScalar(type) || abi.tag(abi.call('l_Lean_Expr_hasMVar', abi.use(abi.field(type, 0)))) === 1) return;
      const names = abi.own(abi.call('l_Lean_Expr_getUsedConstants', abi.use(abi.field(type, 0))));
      found = abi.elements(names).map(name => textOf(abi, name));
    });
    return found;
  }

  /** Calls `visit(info, stx)` for the nodes of a kind whose syntax stands where a message does. */
  #visitAt({ tree }, { pos, endPos }, wanted, common, visit) {
    const abi = this.#abi;
    const isSame = (a, b) => b !== null && a.line === b.line && a.column === b.column;
    abi.scope(() => this.#trees.walk(tree, true, ({ kind, info, context }) => {
      if (kind !== wanted || !context) return true;
      const stx = abi.field(abi.field(info, common), ELAB_INFO.stx);
      const { start, end } = rangeOf(abi, stx, this.#trees.fileMap(context));
      if (isSame(start, pos) && isSame(end, endPos)) visit(info, stx);
      return true;
    }));
  }

  /** The last command that does not start after a place. */
  #commandAt(commands, place) {
    let [low, high] = [0, commands.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(place, commands[middle].start)) high = middle;
      else low = middle + 1;
    }
    return commands[low - 1];
  }

  #command(tree, lines) {
    const abi = this.#abi;
    const found = [];
    abi.scope(() => this.#trees.walk(tree, true, ({ kind, info, context }) => {
      if (kind !== 'CommandInfo' || !context) return true;
      const stx = abi.field(info, ELAB_INFO.stx);
      const { start, end } = rangeOf(abi, stx, this.#trees.fileMap(context));
      const isBroken = abi.tag(abi.call('l_Lean_Syntax_hasMissing', abi.use(stx))) === 1;
      found.push({ start, end, text: cut(lines, start, end), isBroken, tree, messages: [], cut: (from, to) => cut(lines, from, to) });
      return undefined;
    }));
    return found.slice(0, 1);
  }
}

/** The text between two places. */
function cut(lines, start, end) {
  const part = lines.slice(start.line - 1, end.line).map(line => [...line]);
  if (part.length === 0) return '';
  part.push(part.pop().slice(0, end.column));
  part[0] = part[0].slice(start.column);
  return part.map(line => line.join('')).join('\n');
}

module.exports = { CommandRanges, isBefore };
