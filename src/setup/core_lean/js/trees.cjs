'use strict';
/** Walks `Lean.Elab.InfoTree`s. Knows what nodes are made of, not what they are wanted for. */
const { box, isScalar } = require('./abi.cjs');

/** Constructors of an `InfoTree`. */
const TREE = { context: 0, node: 1, hole: 2 };

/** Constructors of an `Info`, in order. */
const KINDS = ['TacticInfo', 'TermInfo', 'PartialTermInfo', 'CommandInfo', 'MacroExpansionInfo', 'OptionInfo',
  'ErrorNameInfo', 'FieldInfo', 'CompletionInfo', 'UserWidgetInfo', 'CustomInfo', 'FVarAliasInfo',
  'FieldRedeclInfo', 'DelabTermInfo', 'ChoiceInfo', 'DocInfo', 'DocElabInfo'];

/** Fields of `ElabInfo`, `TacticInfo`, `TermInfo`, `ContextInfo` and `CommandContextInfo`. */
const ELAB_INFO = { elaborator: 0, stx: 1 };
const TACTIC = { info: 0, mctxBefore: 1, goalsBefore: 2, mctxAfter: 3, goalsAfter: 4 };
const TERM = { info: 0, localContext: 1, expectedType: 2, expr: 3 };
const CONTEXT = { env: 0, fileMap: 2, mctx: 3, ngen: 7 };
const IS_BINDER = 0;

class Trees {
  #abi;
  #frontend;

  constructor(abi, frontend) {
    this.#abi = abi;
    this.#frontend = frontend;
  }

  /**
   * Calls `visit(node, inherited)` for each node of a lent tree, outside in. A node has a `kind`, its
   * lent `info` and the lent `context` around it, if there is one, which lives as long as the scope.
   * What `visit` gives is inherited by the children; they are left out if that is `undefined`.
   */
  walk(tree, inherited, visit, context = box(0)) {
    const abi = this.#abi;
    if (isScalar(tree) || abi.tag(tree) === TREE.hole) return;
    if (abi.tag(tree) === TREE.context) {
      this.walk(abi.field(tree, 1), inherited, visit, this.#merge(tree, context));
      return;
    }
    const handedDown = visit(this.#node(tree, context), inherited);
    if (handedDown === undefined) return;
    for (const child of this.#children(tree)) this.walk(child, handedDown, visit, context);
  }

  /**
   * Makes something of a lent tree, inside out: `fold.node(node, children)` and `fold.hole(goal, context)`
   * give lists, which are joined.
   */
  fold(tree, fold, context = box(0)) {
    const abi = this.#abi;
    if (abi.tag(tree) === TREE.context) return this.fold(abi.field(tree, 1), fold, this.#merge(tree, context));
    if (abi.tag(tree) === TREE.hole) return fold.hole(abi.field(tree, 0), this.#open(context));
    const children = this.#children(tree).flatMap(child => this.fold(child, fold, context));
    return fold.node(this.#node(tree, context), children);
  }

  /** The context, owned, with other metavariables, which are lent, and a name generator of its own. */
  inside(context, mctx) {
    const abi = this.#abi;
    return abi.scope(() => {
      const command = abi.field(context, 0);
      const child = abi.own(abi.call('l_Lean_NameGenerator_mkChild', abi.use(abi.field(command, CONTEXT.ngen))));
      return abi.with(context, [[0, abi.with(command, [
        [CONTEXT.mctx, abi.use(mctx)],
        [CONTEXT.ngen, abi.use(abi.field(child, 0))],
      ])]]);
    });
  }

  /** The context, owned, with other metavariables, which are lent. */
  withMetavariables(context, mctx) {
    const abi = this.#abi;
    return abi.with(context, [[0, abi.with(abi.field(context, 0), [[CONTEXT.mctx, abi.use(mctx)]])]]);
  }

  /** The file map and the metavariables of a context, lent. */
  fileMap(context) {
    return this.#abi.field(this.#abi.field(context, 0), CONTEXT.fileMap);
  }

  metavariables(context) {
    return this.#abi.field(this.#abi.field(context, 0), CONTEXT.mctx);
  }

  #node(tree, context) {
    const abi = this.#abi;
    const info = abi.field(tree, 0);
    return { kind: KINDS[abi.tag(info)], info: abi.field(info, 0), context: this.#open(context) };
  }

  #children(tree) {
    return [...this.#frontend.persistent(this.#abi.field(tree, 1))];
  }

  #open(context) {
    return isScalar(context) ? undefined : this.#abi.field(context, 0);
  }

  #merge(tree, context) {
    const abi = this.#abi;
    return abi.own(abi.call('l_Lean_Elab_PartialContextInfo_mergeIntoOuter_x3f',
      abi.use(abi.field(tree, 0)), abi.use(context)));
  }
}

module.exports = { ELAB_INFO, IS_BINDER, TACTIC, TERM, Trees };
