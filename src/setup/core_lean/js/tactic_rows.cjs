'use strict';
/**
 * The tactics of a source as rows of a table, in the columns and the order of Lean Scout
 * (LeanScout/DataExtractors/Tactics.lean): children before their parents, only those whose syntax stands in
 * the source. Goals are printed in the metavariables before a tactic; what it assigned to them is read in
 * those after it.
 */
const { LeanError, box, isScalar, unbox } = require('./abi.cjs');
const { pretty } = require('./formats.cjs');
const { textOf } = require('./names.cjs');
const { isOriginal, kindOf, positionOf } = require('./syntax.cjs');
const { ELAB_INFO, TACTIC } = require('./trees.cjs');

/** Constructors of `MetavarKind`. */
const KINDS = ['natural', 'synthetic', 'syntheticOpaque'];

/** Fields of `Core.Context`, `Meta.Context` and `MetavarDecl`. */
const CORE_CONTEXT = { options: 2, maxHeartbeats: 9 };
const META_CONTEXT = { localContext: 2, localInstances: 3 };
const DECLARATION = { localContext: 1, localInstances: 4 };

/** Fields of `CollectMVars.State`, `CollectFVars.State`, and of `DelayedMVarAssignment`. */
const METAVARIABLES = 1;
const VARIABLES = 2;
const PENDING = 1;

/** Fields of `Std.TreeSet`'s nodes; its empty set, the empty list and that there is no limit. */
const TREE_SET = { key: 1, left: 3, right: 4 };
const NO_NAMES = box(1);
const NIL = box(0);
const NO_LIMIT = box(0);

class TacticRows {
  #abi;
  #monads;
  #trees;

  constructor(abi, monads, trees) {
    this.#abi = abi;
    this.#monads = monads;
    this.#trees = trees;
  }

  /**
   * The rows of the lent trees from number `first` on: at most `maxRows`, and none after `maxBytes` of JSON
   * are reached. `next` is the number of the first row that is left, or `null`.
   */
  of(trees, { module = null, first, maxRows, maxBytes }) {
    return this.#abi.scope(() => {
      const found = trees.flatMap(tree => this.#find(tree));
      const rows = [];
      let bytes = 0;
      while (first + rows.length < found.length && rows.length < maxRows && (rows.length === 0 || bytes < maxBytes)) {
        const row = this.#row(module, found[first + rows.length]);
        bytes += Buffer.byteLength(JSON.stringify(row)) + 1;
        rows.push(row);
      }
      const next = first + rows.length;
      return { rows, next: next < found.length ? next : null };
    });
  }

  /** The tactics of a lent tree, inside out. */
  #find(tree) {
    const isTactic = ({ kind, info, context }) => kind === 'TacticInfo' && context && isOriginal(this.#abi, this.#syntax(info));
    return this.#trees.fold(tree, {
      hole: () => [],
      node: (node, children) => isTactic(node) ? [...children, node] : children,
    });
  }

  #row(module, { info, context }) {
    const abi = this.#abi;
    return abi.scope(() => {
      const stx = this.#syntax(info);
      const elaborator = abi.field(abi.field(info, TACTIC.info), ELAB_INFO.elaborator);
      const place = (what, end) => this.#position(stx, context, what, end);
      const after = [...abi.list(abi.field(info, TACTIC.goalsAfter))];
      return {
        module,
        startPos: place('start', 'l_Lean_Syntax_getPos_x3f'),
        endPos: place('end', 'l_Lean_Syntax_getTailPos_x3f'),
        nextStartPos: place('end after white space', 'l_Lean_Syntax_getTrailingTailPos_x3f'),
        goals: [...abi.list(abi.field(info, TACTIC.goalsBefore))].map(goal => this.#goal(goal, info, context, after)),
        goalsAfter: this.#inMeta(context, abi.field(info, TACTIC.mctxAfter), meta => after.map(goal => this.#printGoal(goal, meta))),
        ppTac: pretty(abi, abi.call('l_Lean_Syntax_prettyPrint', abi.use(stx))),
        elaborator: textOf(abi, elaborator),
        kind: kindOf(abi, stx),
      };
    });
  }

  /** A place that Lean knows of all syntax that stands in the source. */
  #position(stx, context, what, find) {
    const abi = this.#abi;
    const canonicalOnly = box(0);
    const found = abi.own(abi.call(find, abi.use(stx), canonicalOnly));
    if (isScalar(found)) throw new LeanError(`the tactic ${kindOf(abi, stx)} has no position of its ${what}`);
    return positionOf(abi, this.#trees.fileMap(context), abi.use(abi.field(found, 0)));
  }

  #goal(goal, info, context, goalsAfter) {
    const abi = this.#abi;
    const [before, after] = [TACTIC.mctxBefore, TACTIC.mctxAfter].map(index => abi.field(info, index));
    const declaration = this.#declaration(before, goal);
    if (declaration === undefined) throw new LeanError('a tactic has a goal that is not declared');
    const printed = this.#inMeta(context, before, meta => ({ pp: this.#printGoal(goal, meta), ppTerm: this.#printTerm(goal, meta) }));
    const used = this.#inMeta(context, after, meta =>
      this.#used(goal, { before, after, goalsAfter }, this.#inside(meta, declaration)));
    return { ...printed, ...used };
  }

  /** What the tactic has assigned to the goal. */
  #used(goal, { before, after, goalsAfter }, meta) {
    const abi = this.#abi;
    const assigned = !isScalar(abi.own(abi.call('l_Lean_MetavarContext_getExprAssignmentCore_x3f', abi.use(after), abi.use(goal))));
    const term = this.#instantiate(after, this.#termOf(goal));
    const usedFVars = this.#variables(term, meta);
    if (!assigned) return { assigned, usedConstants: [], usedFVars, usedGoals: [] };
    const { constants, goals } = this.#collect(after, term);
    return {
      assigned,
      usedConstants: constants,
      usedFVars,
      usedGoals: goals.map(used => {
        const index = goalsAfter.findIndex(other => this.#isSame(other, used));
        return {
          new: this.#declaration(before, used) === undefined,
          index: index < 0 ? null : index,
          kind: KINDS[unbox(this.#monads.call('l_Lean_MVarId_getKind', abi.use(used), ...this.#lend(meta)))],
          pp: this.#printGoal(used, meta),
          ppTerm: this.#printTerm(used, meta),
        };
      }),
    };
  }

  /** The names of the variables in a lent term as goals show them. */
  #variables(term, meta) {
    const abi = this.#abi;
    const none = abi.use(abi.constant('l_Lean_CollectFVars_instInhabitedState'));
    const ids = abi.elements(abi.field(abi.own(abi.call('l_Lean_CollectFVars_main', abi.use(term), none)), VARIABLES));
    if (ids.length === 0) return [];
    const [context, , core] = meta;
    const sanitizer = abi.construct(0, [abi.use(abi.field(core, CORE_CONTEXT.options)), NO_NAMES, NO_NAMES]);
    const localContext = abi.use(abi.field(context, META_CONTEXT.localContext));
    const sanitized = abi.own(abi.call('l_Lean_LocalContext_sanitizeNames', localContext, sanitizer));
    const inside = [abi.own(abi.with(context, [[META_CONTEXT.localContext, abi.use(abi.field(sanitized, 0))]])), ...meta.slice(1)];
    return ids.map(id => textOf(abi, abi.own(this.#monads.call('l_Lean_FVarId_getUserName', abi.use(id), ...this.#lend(inside)))));
  }

  /** The constants in a lent term and the metavariables that are left in it, through delayed assignments. */
  #collect(mctx, term) {
    const abi = this.#abi;
    let names = NO_NAMES;
    let state = abi.use(abi.constant('l_Lean_CollectMVars_instInhabitedState'));
    const visit = expr => {
      const instantiated = this.#instantiate(mctx, expr);
      const constants = abi.own(abi.call('l_Lean_Expr_getUsedConstants', abi.use(instantiated)));
      for (const name of abi.elements(constants)) names = abi.call('l_Lean_NameSet_insert', names, abi.use(name));
      const known = abi.elements(abi.field(state, METAVARIABLES)).length;
      state = abi.call('l_Lean_Expr_collectMVars', state, abi.use(instantiated));
      for (const found of abi.elements(abi.field(state, METAVARIABLES)).slice(known)) {
        const delayed = this.#delayed(mctx, found);
        if (delayed !== undefined) visit(this.#termOf(abi.field(delayed, PENDING)));
      }
    };
    visit(term);
    const constants = [...this.#inOrder(abi.own(names))].map(name => textOf(abi, name));
    const goals = abi.elements(abi.field(abi.own(state), METAVARIABLES)).filter(id => this.#delayed(mctx, id) === undefined);
    return { constants, goals };
  }

  /** The delayed assignment of a metavariable, lent, or `undefined`. */
  #delayed(mctx, id) {
    const abi = this.#abi;
    const found = abi.own(abi.call('l_Lean_MetavarContext_getDelayedMVarAssignmentCore_x3f', abi.use(mctx), abi.use(id)));
    return isScalar(found) ? undefined : abi.field(found, 0);
  }

  /** The declaration of a metavariable, lent, or `undefined`. */
  #declaration(mctx, id) {
    const abi = this.#abi;
    const found = abi.own(abi.call('l_Lean_MetavarContext_findDecl_x3f', abi.use(mctx), abi.use(id)));
    return isScalar(found) ? undefined : abi.field(found, 0);
  }

  #instantiate(mctx, expr) {
    const abi = this.#abi;
    return abi.field(abi.own(abi.call('l_Lean_instantiateMVarsCore', abi.use(mctx), abi.use(expr))), 0);
  }

  #termOf(id) {
    return this.#abi.own(this.#abi.call('l_Lean_mkMVar', this.#abi.use(id)));
  }

  #isSame(left, right) {
    const abi = this.#abi;
    return left === right || unbox(abi.call('l_Lean_Name_beq', abi.use(left), abi.use(right))) === 1;
  }

  #printGoal(goal, meta) {
    const abi = this.#abi;
    return pretty(abi, this.#monads.call('l_Lean_Meta_ppGoal', abi.use(goal), ...this.#lend(meta)));
  }

  #printTerm(goal, meta) {
    const abi = this.#abi;
    return pretty(abi, this.#monads.call('l_Lean_Meta_ppExpr', abi.use(this.#termOf(goal)), ...this.#lend(meta)));
  }

  #lend(meta) {
    return meta.map(arg => this.#abi.use(arg));
  }

  /** An action's arguments with the local context and instances of a lent declaration. */
  #inside([context, ...rest], declaration) {
    const abi = this.#abi;
    return [abi.own(abi.with(context, [
      [META_CONTEXT.localContext, abi.use(abi.field(declaration, DECLARATION.localContext))],
      [META_CONTEXT.localInstances, abi.use(abi.field(declaration, DECLARATION.localInstances))],
    ])), ...rest];
  }

  /** What a body makes of an action's arguments in a lent context with those metavariables, without a limit of heartbeats. */
  #inMeta(context, mctx, body) {
    const abi = this.#abi;
    return abi.scope(() => {
      const inside = abi.own(this.#trees.withMetavariables(context, mctx));
      const noLocals = abi.use(abi.constant('l_Lean_LocalContext_empty'));
      let made;
      abi.drop(this.#monads.inContext(inside, noLocals, ([metaContext, metaState, coreContext, coreState]) => {
        const unlimited = abi.own(abi.with(coreContext, [[CORE_CONTEXT.maxHeartbeats, NO_LIMIT]]));
        made = body([metaContext, metaState, unlimited, coreState]);
        return NIL;
      }));
      return made;
    });
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
}

module.exports = { TacticRows };
