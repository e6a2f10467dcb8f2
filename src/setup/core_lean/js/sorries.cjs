'use strict';
/**
 * Finds the `sorry`s of info trees, in the order in which the REPL does (`InfoTree.sorries` and
 * `sorries` in REPL/Main.lean): of each tree first the tactics, then the terms.
 */
const { LeanError, isScalar } = require('./abi.cjs');
const { isWord, rangeOf } = require('./syntax.cjs');
const { ELAB_INFO, TACTIC, TERM } = require('./trees.cjs');

/** The kinds of syntax around the word `sorry`. */
const SORRY_TACTIC = 'Lean.Parser.Tactic.tacticSorry';
const SORRY_TERM = 'Lean.Parser.Term.sorry';

/** The local context of a `MetavarDecl`. */
const LOCAL_CONTEXT = 1;

class Sorries {
  #abi;
  #states;
  #trees;

  constructor(abi, trees, states) {
    this.#abi = abi;
    this.#trees = trees;
    this.#states = states;
  }

  /**
   * The sorries of the lent trees. `env` and `rootGoals`, lent, are those of their proof states, if
   * given; `record` takes each proof state, in order, and gives its number.
   */
  collect(trees, { env, rootGoals }, record) {
    const abi = this.#abi;
    return abi.scope(() => trees.flatMap(tree => {
      const found = { tactics: [], terms: [] };
      this.#trees.walk(tree, false, (node, inSorry) => this.#visit(node, inSorry, found));
      return [...found.tactics, ...found.terms].map(sorry => abi.scope(() => {
        const state = sorry.open({ env, rootGoals });
        const goal = this.#states.goalTexts(state).join('\n');
        return { ...this.#places(sorry), goal, proofState: record(state) };
      }));
    }));
  }

  /** Adds the node if it is a sorry; says whether it is in a tactic, in which terms do not count. */
  #visit({ kind, info, context }, inSorry, found) {
    const abi = this.#abi;
    if (kind !== 'TacticInfo' && kind !== 'TermInfo') return inSorry;
    const stx = abi.field(abi.field(info, 0), ELAB_INFO.stx);
    if (kind === 'TacticInfo') {
      if (!isWord(abi, stx, SORRY_TACTIC, 'sorry')) return inSorry;
      if (context && !isScalar(abi.field(info, TACTIC.goalsBefore))) {
        found.tactics.push({ stx, context, open: options => this.#openTactic(info, context, options) });
      }
      return true;
    }
    // A term whose type nobody expects says nothing.
    const type = abi.field(info, TERM.expectedType);
    if (!inSorry && context && !isScalar(type) && isWord(abi, stx, SORRY_TERM, 'sorry')) {
      found.terms.push({ stx, context, open: options => this.#openTerm(info, context, options) });
    }
    return inSorry;
  }

  /** The proof state before a tactic, of its first goal only; owned. */
  #openTactic(info, context, options) {
    const abi = this.#abi;
    const mctx = abi.field(info, TACTIC.mctxBefore);
    const goal = abi.field(abi.field(info, TACTIC.goalsBefore), 0);
    const inside = abi.own(this.#trees.inside(context, mctx));
    const decl = abi.own(abi.call('l_Lean_MetavarContext_findDecl_x3f', abi.use(mctx), abi.use(goal)));
    if (isScalar(decl)) throw new LeanError('unknown metavariable of a goal');
    const localContext = abi.use(abi.field(abi.field(decl, 0), LOCAL_CONTEXT));
    const [cons, nil] = [1, 1];
    const goals = abi.own(abi.construct(cons, [abi.use(goal), nil]));
    return this.#states.create(inside, localContext, { ...options, goals });
  }

  /** The proof state of a term, with one goal of its type; owned. */
  #openTerm(info, context, options) {
    const abi = this.#abi;
    const localContext = abi.use(abi.field(info, TERM.localContext));
    return this.#states.create(context, localContext, { ...options, type: abi.field(abi.field(info, TERM.expectedType), 0) });
  }

  /** Where the sorry stands in the text, if it is one. */
  #places({ stx, context }) {
    const { start, end } = rangeOf(this.#abi, stx, this.#trees.fileMap(context));
    return { ...(start.line > 0 && { pos: start }), ...(end.line > 0 && { endPos: end }) };
  }
}

module.exports = { Sorries };
