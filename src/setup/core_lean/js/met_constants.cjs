'use strict';
/** The constants that the elaboration of a command met: those in the terms and goals of its info tree. */
const { isScalar } = require('./abi.cjs');
const { textOf } = require('./names.cjs');
const { TACTIC, TERM } = require('./trees.cjs');

/** Fields of `MetavarDecl`, `LocalContext` and `LocalDecl`. */
const GOAL = { locals: 1, type: 2 };
const DECLS = 1;
const LOCAL = { type: 3, value: 4 };

class MetConstants {
  #abi;
  #frontend;
  #trees;

  constructor(abi, frontend, trees) {
    this.#abi = abi;
    this.#frontend = frontend;
    this.#trees = trees;
  }

  /** The names in a lent tree, each once, as Lean writes them. */
  of(tree) {
    const abi = this.#abi;
    return abi.scope(() => {
      const found = { names: new Map(), expressions: new Set() };
      this.#trees.walk(tree, true, node => {
        this.#look(node, found);
        return true;
      });
      return new Set(found.names.values());
    });
  }

  /** The names in lent goals, each once. */
  ofGoals(goals, mctx) {
    return this.#abi.scope(() => {
      const found = { names: new Map(), expressions: new Set() };
      for (const goal of this.#abi.list(goals)) this.#addGoal(goal, mctx, found);
      return new Set(found.names.values());
    });
  }

  #look({ kind, info, context }, found) {
    const abi = this.#abi;
    if (kind === 'TermInfo') {
      const mctx = context && this.#trees.metavariables(context);
      this.#add(abi.field(info, TERM.expr), mctx, found);
      const type = abi.field(info, TERM.expectedType);
      if (!isScalar(type)) this.#add(abi.field(type, 0), mctx, found);
    }
    if (kind !== 'TacticInfo') return;
    for (const [state, goals] of [[TACTIC.mctxBefore, TACTIC.goalsBefore], [TACTIC.mctxAfter, TACTIC.goalsAfter]]) {
      const mctx = abi.field(info, state);
      for (const goal of abi.list(abi.field(info, goals))) this.#addGoal(goal, mctx, found);
    }
  }

  #addGoal(goal, mctx, found) {
    const abi = this.#abi;
    const decl = abi.own(abi.call('l_Lean_MetavarContext_findDecl_x3f', abi.use(mctx), abi.use(goal)));
    if (isScalar(decl)) return;
    this.#add(abi.field(abi.field(decl, 0), GOAL.type), mctx, found);
    const locals = abi.field(abi.field(abi.field(decl, 0), GOAL.locals), DECLS);
    for (const local of this.#frontend.persistent(locals)) {
      if (isScalar(local)) continue;
      const definition = abi.field(local, 0);
      this.#add(abi.field(definition, LOCAL.type), mctx, found);
      if (abi.tag(definition) === 1) this.#add(abi.field(definition, LOCAL.value), mctx, found);
    }
  }

  /** Adds the constants of a lent expression; one that was seen has nothing new but in its metavariables. */
  #add(expr, mctx, found) {
    const abi = this.#abi;
    const hasMetavariables = abi.tag(abi.call('l_Lean_Expr_hasMVar', abi.use(expr))) === 1;
    if (!hasMetavariables && found.expressions.has(expr)) return;
    found.expressions.add(expr);
    abi.scope(() => {
      const whole = hasMetavariables && mctx !== undefined
        ? abi.field(abi.own(abi.call('l_Lean_instantiateMVarsCore', abi.use(mctx), abi.use(expr))), 0) : expr;
      for (const name of abi.elements(abi.own(abi.call('l_Lean_Expr_getUsedConstants', abi.use(whole))))) {
        if (!found.names.has(name)) found.names.set(name, textOf(abi, name));
      }
    });
  }
}

module.exports = { MetConstants };
