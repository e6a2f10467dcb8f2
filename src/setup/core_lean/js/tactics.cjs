'use strict';
/**
 * Finds the tactics of info trees, and the goals with which proofs begin, as the REPL does (`tactics`
 * and `collectRootGoalsAsSorries` in REPL/Main.lean at v4.27).
 */
const { box, isScalar } = require('./abi.cjs');
const { pretty } = require('./formats.cjs');
const { trim } = require('./frontend.cjs');
const { Raised } = require('./monads.cjs');
const { textOf } = require('./names.cjs');
const { isOriginal, nodeName, rangeOf } = require('./syntax.cjs');
const { ELAB_INFO, TACTIC } = require('./trees.cjs');

/** Nodes that combine or arrange tactics. */
const COMBINATORS = new Set(['null', 'Lean.cdot', 'Lean.cdotTk', 'Lean.Parser.Term.byTactic',
  'Lean.Parser.Tactic.tacticSeq', 'Lean.Parser.Tactic.tacticSeq1Indented',
  'Lean.Parser.Tactic.«tactic_<;>_»', 'Lean.Parser.Tactic.paren']);

/** What stands for a tactic that cannot be printed. */
const UNPRINTABLE = '<failed to pretty print>';

/** Fields of `Std.TreeSet`'s nodes, and of `CollectMVars.State`. */
const TREE_SET = { key: 1, left: 3, right: 4 };
const FOUND = 1;

class Tactics {
  #abi;
  #monads;
  #states;
  #trees;

  constructor(abi, monads, trees, states) {
    this.#abi = abi;
    this.#monads = monads;
    this.#trees = trees;
    this.#states = states;
  }

  /** All tactics of the lent trees; `env` and `record` are as those of sorries. */
  collect(trees, env, record) {
    const abi = this.#abi;
    const visit = found => ({ kind, info, context }, rootGoals) => {
      if (kind !== 'TacticInfo') return rootGoals;
      const stx = this.#syntax(info);
      if (!isOriginal(abi, stx) || !this.isSubstantive(stx)) return rootGoals;
      const goals = abi.field(info, TACTIC.goalsBefore);
      // Those of the outermost tactic; only what it is handed down to may differ.
      const roots = isScalar(rootGoals) ? goals : rootGoals;
      if (context) found.push({ info, context, rootGoals: roots });
      return rootGoals;
    };
    return this.#each(trees, box(0), visit, ({ info, context, rootGoals }) => {
      const goals = abi.field(info, TACTIC.goalsBefore);
      const state = this.#states.create(context.inside, this.#noLocals(), { env, goals, rootGoals });
      const { start, end } = rangeOf(abi, this.#syntax(info), this.#trees.fileMap(context.inside));
      return {
        pos: start,
        endPos: end,
        goals: this.#goals(context.inside, goals),
        tactic: this.text(info, context.inside),
        proofState: record(state),
        usedConstants: this.#usedConstants(info),
      };
    });
  }

  /** The goals of each outermost tactic, as sorries. */
  rootGoals(trees, env, record) {
    const abi = this.#abi;
    const visit = found => ({ kind, info, context }) => {
      if (kind !== 'TacticInfo') return true;
      if (context) found.push({ info, context });
      return undefined;
    };
    return this.#each(trees, true, visit, ({ info, context }) => {
      const goals = abi.field(info, TACTIC.goalsBefore);
      const state = this.#states.create(context.inside, this.#noLocals(), { env, goals, rootGoals: goals });
      const { start } = rangeOf(abi, this.#syntax(info), this.#trees.fileMap(context.inside));
      return {
        ...(start.line > 0 && { pos: start, endPos: start }),
        goal: this.#goals(context.inside, goals),
        proofState: record(state),
      };
    });
  }

  /** Whether the syntax is a tactic by itself, not one that combines others. */
  isSubstantive(stx) {
    const name = nodeName(this.#abi, stx);
    return name !== undefined && !COMBINATORS.has(name);
  }

  /** The text of a tactic in a lent context. */
  text(info, context) {
    const abi = this.#abi;
    let text;
    this.#monads.inContext(context, this.#noLocals(), meta => {
      text = this.#print(this.#syntax(info), meta.slice(2));
      return box(0);
    });
    return text;
  }

  /** Tells of each node that `visit` finds, in the context before it. */
  #each(trees, inherited, visit, tell) {
    const abi = this.#abi;
    return abi.scope(() => trees.flatMap(tree => {
      const found = [];
      this.#trees.walk(tree, inherited, visit(found));
      return found.map(item => abi.scope(() => {
        const inside = abi.own(this.#trees.inside(item.context, abi.field(item.info, TACTIC.mctxBefore)));
        return tell({ ...item, context: { inside } });
      }));
    }));
  }

  #print(stx, core) {
    const abi = this.#abi;
    try {
      return pretty(abi, this.#monads.call('l_Lean_PrettyPrinter_ppTactic', abi.use(stx), ...core.map(arg => abi.use(arg))));
    } catch (error) {
      if (!(error instanceof Raised)) throw error;
      abi.drop(error.exception);
      return UNPRINTABLE;
    }
  }

  /** All goals in one text. */
  #goals(context, goals) {
    const abi = this.#abi;
    return trim(pretty(abi, abi.run('l_Lean_Elab_ContextInfo_ppGoals', abi.use(context), abi.use(goals))));
  }

  /** The constants in what the tactic assigned to its goals, and to theirs, in the order of a `NameSet`. */
  #usedConstants(info) {
    const abi = this.#abi;
    const mctx = abi.field(info, TACTIC.mctxAfter);
    let goals = [...abi.list(abi.field(info, TACTIC.goalsBefore))];
    let names = box(1);
    while (goals.length > 0) {
      const assigned = goals
        .map(goal => abi.own(abi.call('l_Lean_MetavarContext_getExprAssignmentCore_x3f', abi.use(mctx), abi.use(goal))))
        .filter(option => !isScalar(option))
        .map(some => abi.field(some, 0));
      for (const expr of assigned) {
        const constants = abi.own(abi.call('l_Lean_Expr_getUsedConstants', abi.use(expr)));
        for (const name of abi.elements(constants)) names = abi.call('l_Lean_NameSet_insert', names, abi.use(name));
      }
      goals = assigned.flatMap(expr => {
        const none = abi.use(abi.constant('l_Lean_CollectMVars_instInhabitedState'));
        return abi.elements(abi.field(abi.own(abi.call('l_Lean_Expr_collectMVars', none, abi.use(expr))), FOUND));
      });
    }
    return [...this.#inOrder(abi.own(names))].map(name => textOf(abi, name));
  }

  *#inOrder(tree) {
    if (isScalar(tree)) return;
    yield* this.#inOrder(this.#abi.field(tree, TREE_SET.left));
    yield this.#abi.field(tree, TREE_SET.key);
    yield* this.#inOrder(this.#abi.field(tree, TREE_SET.right));
  }

  #syntax(info) {
    return this.#abi.field(this.#abi.field(info, TACTIC.info), ELAB_INFO.stx);
  }

  #noLocals() {
    return this.#abi.use(this.#abi.constant('l_Lean_LocalContext_empty'));
  }
}

module.exports = { Tactics };
