'use strict';
/**
 * Finds the `sorry`s of info trees and prints their goals, in the order and the environment in which
 * the REPL does (`InfoTree.sorries` and `sorries` in REPL/Main.lean): of each tree first the tactics,
 * then the terms.
 */
const { WORLD, box, isScalar } = require('./abi.cjs');
const { positionOf } = require('./header.cjs');

/** Constructors and fields of `Lean.Elab.InfoTree` and what is in it. */
const TREE = { context: 0, node: 1 };
const INFO = { tactic: 0, term: 1 };
const ELAB_INFO = { stx: 1 };
const TACTIC = { mctxBefore: 1, goalsBefore: 2 };
const TERM = { lctx: 1, expectedType: 2 };
const CONTEXT = { env: 0, fileMap: 2, mctx: 3, ngen: 7 };
const SYNTAX = { node: 1, atom: 2 };

/** What `Name.str` says last and before, for the syntax of `sorry`. */
const SORRY_TACTIC = ['Lean', 'Parser', 'Tactic', 'tacticSorry'];
const SORRY_TERM = ['Lean', 'Parser', 'Term', 'sorry'];

/** Width of a page of `Std.Format`. */
const PAGE_WIDTH = 120;

/** Arguments of an action of `MetaM`, with the world. */
const META_ARITY = 5;

class Sorries {
  #abi;
  #frontend;
  #metaAction;
  #run;

  constructor(abi, frontend) {
    this.#abi = abi;
    this.#frontend = frontend;
    // Lean's memory holds addresses, not functions: one for ever, which runs what is set just then.
    this.#metaAction = abi.expose((...args) => this.#run(args), META_ARITY);
  }

  /**
   * The sorries of the trees; goals are printed in the lent environment `env`, that before the text.
   * `record` is told of each, in order, and gives the number of its proof state.
   */
  collect(trees, env, record) {
    const abi = this.#abi;
    return abi.scope(() => trees.flatMap(tree => {
      const found = { tactics: [], terms: [] };
      this.#walk(tree, box(0), false, found);
      return [...found.tactics, ...found.terms].map(sorry => abi.scope(() => ({
        ...this.#range(sorry),
        goal: this.#goal(sorry, env),
        proofState: record(),
      })));
    }));
  }

  /** Adds the sorries of a tree; `context` is the `Option ContextInfo` around it, lent. */
  #walk(tree, context, inSorry, found) {
    const abi = this.#abi;
    if (isScalar(tree)) return;
    if (abi.tag(tree) === TREE.context) {
      const inner = abi.own(abi.call('l_Lean_Elab_PartialContextInfo_mergeIntoOuter_x3f',
        abi.use(abi.field(tree, 0)), abi.use(context)));
      this.#walk(abi.field(tree, 1), inner, inSorry, found);
    } else if (abi.tag(tree) === TREE.node) {
      const info = abi.field(tree, 0);
      const inside = this.#visit(info, context, inSorry, found) || inSorry;
      for (const child of this.#frontend.persistent(abi.field(tree, 1))) {
        this.#walk(child, context, inside, found);
      }
    }
  }

  /** Adds the node if it is a sorry; says whether it is a tactic, in which terms do not count. */
  #visit(info, context, inSorry, found) {
    const abi = this.#abi;
    const kind = abi.tag(info);
    if (kind !== INFO.tactic && kind !== INFO.term) return false;
    const details = abi.field(info, 0);
    const stx = abi.field(abi.field(details, 0), ELAB_INFO.stx);
    const isTactic = kind === INFO.tactic;
    if (!this.#isSorry(stx, isTactic ? SORRY_TACTIC : SORRY_TERM)) return false;
    const subject = abi.field(details, isTactic ? TACTIC.goalsBefore : TERM.expectedType);
    // Without a goal, a type or a context there is nothing to tell.
    if (!isScalar(subject) && !isScalar(context)) {
      const sorry = { isTactic, details, stx, subject: abi.field(subject, 0), context: abi.field(context, 0) };
      if (isTactic) found.tactics.push(sorry);
      else if (!inSorry) found.terms.push(sorry);
    }
    return isTactic;
  }

  /** Whether the syntax is a node of that kind around the word `sorry`. */
  #isSorry(stx, kind) {
    const abi = this.#abi;
    if (abi.tag(stx) !== SYNTAX.node) return false;
    const children = abi.elements(abi.field(stx, 2));
    if (children.length !== 1 || abi.tag(children[0]) !== SYNTAX.atom) return false;
    if (abi.text(abi.field(children[0], 1)) !== 'sorry') return false;
    let name = abi.field(stx, 1);
    for (let i = kind.length - 1; i >= 0; i--) {
      if (isScalar(name) || abi.tag(name) !== 1) return false;
      if (abi.text(abi.field(name, 1)) !== kind[i]) return false;
      name = abi.field(name, 0);
    }
    return isScalar(name);
  }

  /** Where the sorry stands in the text. */
  #range({ stx, context }) {
    const abi = this.#abi;
    const fileMap = abi.field(abi.field(context, 0), CONTEXT.fileMap);
    const canonicalOnly = box(0);
    const at = (name, otherwise) => {
      const found = abi.own(abi.call(name, abi.use(stx), canonicalOnly));
      return isScalar(found) ? otherwise : abi.field(found, 0);
    };
    const start = at('l_Lean_Syntax_getPos_x3f', box(0));
    const end = at('l_Lean_Syntax_getTailPos_x3f', start);
    return {
      pos: positionOf(abi, fileMap, abi.use(start)),
      endPos: positionOf(abi, fileMap, abi.use(end)),
    };
  }

  /** The goal as Lean prints it. */
  #goal({ isTactic, details, subject, context }, env) {
    const abi = this.#abi;
    const command = abi.field(context, 0);
    const changes = [[CONTEXT.env, abi.use(env)]];
    if (isTactic) {
      const children = abi.own(abi.call('l_Lean_NameGenerator_mkChild', abi.use(abi.field(command, CONTEXT.ngen))));
      changes.push([CONTEXT.mctx, abi.use(abi.field(details, TACTIC.mctxBefore))]);
      changes.push([CONTEXT.ngen, abi.use(abi.field(children, 0))]);
    }
    const inside = abi.with(context, [[0, abi.with(command, changes)]]);
    const lctx = isTactic ? abi.constant('l_Lean_LocalContext_empty') : abi.field(details, TERM.lctx);
    const format = this.#inMeta(inside, abi.use(lctx), meta => {
      const goal = isTactic ? abi.use(subject) : this.#freshGoal(subject, meta);
      return abi.call('l_Lean_Meta_ppGoal', goal, ...meta.map(arg => abi.use(arg)), WORLD);
    });
    const text = abi.own(abi.call('l_Std_Format_pretty', format, box(PAGE_WIDTH), box(0), box(0)));
    return abi.text(text);
  }

  /** A new goal of the lent type, owned. */
  #freshGoal(type, meta) {
    const abi = this.#abi;
    const some = abi.construct(1, [abi.use(type)]);
    const natural = box(0);
    const anonymous = box(0);
    const expr = abi.own(abi.result(
      abi.call('l_Lean_Meta_mkFreshExprMVar', some, natural, anonymous,
        ...meta.map(arg => abi.use(arg)), WORLD),
      error => this.#describe(error)));
    return abi.use(abi.field(expr, 0));
  }

  /** Runs the body, which gets the lent contexts and states of `MetaM`; consumes its arguments. */
  #inMeta(context, lctx, body) {
    const abi = this.#abi;
    this.#run = args => {
      const meta = args.slice(0, META_ARITY - 1);
      meta.forEach(arg => abi.own(arg));
      return body(meta);
    };
    const action = abi.callback(this.#metaAction, META_ARITY);
    const type = box(0);
    return abi.result(
      abi.call('l_Lean_Elab_ContextInfo_runMetaM', type, context, lctx, action, WORLD),
      error => this.#describe(error));
  }

  /** What an exception of Lean says, as a string of Lean; consumes it. */
  #describe(exception) {
    const abi = this.#abi;
    const message = abi.call('l_Lean_Exception_toMessageData', exception);
    return abi.call('l_Lean_MessageData_toString', message, WORLD);
  }
}

module.exports = { Sorries };
