'use strict';
/**
 * Info trees as JSON: REPL/Lean/InfoTree/ToJson.lean and the filters of `infotree` in REPL/Main.lean
 * at v4.27.
 */
const { LeanError, box, isScalar } = require('./abi.cjs');
const { goalTexts, pretty } = require('./formats.cjs');
const { textOf } = require('./names.cjs');
const { argumentKinds, isOriginal, kindOf, nodeName, rangeOf } = require('./syntax.cjs');
const { ELAB_INFO, IS_BINDER, TACTIC, TERM } = require('./trees.cjs');

/** What Lean says in place of a syntax that it cannot print. */
const UNPRINTABLE =
  "failed to pretty print term (use 'set_option pp.rawOnError true' for raw representation)";

class TreeJson {
  #abi;
  #monads;
  #tactics;
  #trees;

  constructor(abi, monads, trees, tactics) {
    this.#abi = abi;
    this.#monads = monads;
    this.#trees = trees;
    this.#tactics = tactics;
  }

  /** The lent trees, with the nodes that an option keeps; an option that means nothing keeps no tree. */
  of(trees, option) {
    const keeps = this.#filters()[option];
    if (!keeps) return [];
    const fold = {
      hole: (goal, context) => option === 'full' ? [{ goalState: this.#hole(goal, this.#needed(context)) }] : [],
      node: (node, children) => keeps(node) ? [this.#node(node, children)] : children,
    };
    return this.#abi.scope(() => trees.flatMap(tree => this.#trees.fold(tree, fold)));
  }

  /** Which nodes each value of `infotree` keeps. */
  #filters() {
    const isTactic = ({ kind }) => kind === 'TacticInfo';
    return {
      full: () => true,
      tactics: isTactic,
      original: node => isTactic(node) && isOriginal(this.#abi, this.#syntaxOf(node.info)),
      substantive: node => isTactic(node) && this.#tactics.isSubstantive(this.#syntaxOf(node.info)),
    };
  }

  #node({ kind, info, context: given }, children) {
    const context = this.#needed(given);
    const contents = {
      TacticInfo: () => this.#tactic(info, context),
      TermInfo: () => this.#term(info, context),
      // A structure of one field is that field.
      CommandInfo: () => this.#command(info, context),
    };
    return { kind, node: contents[kind]?.() ?? null, children };
  }

  #tactic(info, context) {
    const abi = this.#abi;
    const stx = this.#syntaxOf(info);
    const goals = (mctx, list) => abi.scope(() => {
      const inside = abi.own(this.#trees.withMetavariables(context, abi.field(info, mctx)));
      return this.#goals(abi.field(info, list), inside);
    });
    return {
      name: nodeName(abi, stx) ?? null,
      stx: this.#syntax(stx, this.#tactics.text(info, context), context),
      goalsBefore: goals(TACTIC.mctxBefore, TACTIC.goalsBefore),
      goalsAfter: goals(TACTIC.mctxAfter, TACTIC.goalsAfter),
    };
  }

  #term(info, context) {
    const abi = this.#abi;
    const locals = abi.field(info, TERM.localContext);
    const type = abi.field(info, TERM.expectedType);
    const common = abi.field(info, TERM.info);
    return {
      elaborator: this.#elaborator(common),
      stx: this.#printed(abi.field(common, ELAB_INFO.stx), locals, context),
      ...(!isScalar(type) && { expectedType: this.#expr(abi.field(type, 0), locals, context) }),
      expr: this.#expr(abi.field(info, TERM.expr), locals, context),
      isBinder: abi.scalar(info, IS_BINDER) === 1,
    };
  }

  #command(info, context) {
    const abi = this.#abi;
    const stx = abi.field(info, ELAB_INFO.stx);
    return {
      elaborator: this.#elaborator(info),
      stx: this.#printed(stx, abi.constant('l_Lean_LocalContext_empty'), context),
    };
  }

  /** The name of the elaborator, if it has one. */
  #elaborator(info) {
    const name = this.#abi.field(info, ELAB_INFO.elaborator);
    return isScalar(name) ? null : textOf(this.#abi, name);
  }

  /** A syntax with its text. */
  #printed(stx, locals, context) {
    const abi = this.#abi;
    const text = pretty(abi, abi.run('l_Lean_Elab_ContextInfo_ppSyntax', abi.use(context), abi.use(locals), abi.use(stx)));
    return this.#syntax(stx, text === UNPRINTABLE ? null : text, context);
  }

  #syntax(stx, pp, context) {
    const abi = this.#abi;
    const { start, end } = rangeOf(abi, stx, this.#trees.fileMap(context));
    return {
      pp,
      range: { synthetic: !isOriginal(abi, stx), start, finish: end },
      kind: kindOf(abi, stx),
      argKinds: argumentKinds(abi, stx),
    };
  }

  /** The text of an expression. */
  #expr(expr, locals, context) {
    const abi = this.#abi;
    return this.#inside(context, locals, meta => {
      const pair = abi.own(abi.call('l_Lean_instantiateMVarsCore',
        abi.use(this.#trees.metavariables(context)), abi.use(expr)));
      return pretty(abi, this.#monads.call('l_Lean_Meta_ppExpr',
        abi.use(abi.field(pair, 0)), ...meta.map(arg => abi.use(arg))));
    });
  }

  #goals(goals, context) {
    const noLocals = this.#abi.constant('l_Lean_LocalContext_empty');
    return this.#inside(context, noLocals, meta => goalTexts(this.#abi, this.#monads, goals, meta));
  }

  #hole(goal, context) {
    const abi = this.#abi;
    const [cons, nil] = [1, box(0)];
    const goals = abi.own(abi.construct(cons, [abi.use(goal), nil]));
    return this.#goals(goals, context)[0];
  }

  /** What a body makes in `MetaM`, in a lent context. */
  #inside(context, locals, body) {
    let made;
    this.#monads.inContext(context, this.#abi.use(locals), meta => {
      made = body(meta);
      return box(0);
    });
    return made;
  }

  #needed(context) {
    if (context === undefined) throw new LeanError('No `ContextInfo` available.');
    return context;
  }

  #syntaxOf(info) {
    return this.#abi.field(this.#abi.field(info, TACTIC.info), ELAB_INFO.stx);
  }
}

module.exports = { TreeJson };
