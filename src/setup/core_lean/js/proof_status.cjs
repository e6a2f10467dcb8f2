'use strict';
/** What the REPL thinks of a proof: `getProofStatus` in REPL/Main.lean at v4.27. */
const { box, isScalar } = require('./abi.cjs');
const { exceptionText } = require('./formats.cjs');
const { textOf } = require('./names.cjs');
const { Raised } = require('./monads.cjs');

const STATUS = {
  completed: 'Completed',
  openGoals: 'Incomplete: open goals remain',
  hasSorry: 'Incomplete: contains sorry',
  hasMetavariables: 'Incomplete: contains metavariable(s)',
  unassigned: 'Error: Goal not assigned',
  severalGoals: 'Not verified: more than one initial goal',
};

/** Fields of `Meta.State`, `Meta.Context`, `LocalContext`, `CollectFVars.State`, `CollectLevelParams.State`. */
const METAVARIABLES = 0;
const LOCAL_CONTEXT = 2;
const DECLS = 1;
const FVARS = 2;
const LEVEL_PARAMS = 2;

/** The second field of a `LocalDecl`, and the byte that says its kind: 0 for what a user sees. */
const FVAR = 1;
const KIND = 1;

/** `Declaration.defnDecl` and `DefinitionSafety.safe`. */
const DEFINITION = 1;
const SAFE = 1;

class ProofStatus {
  #abi;
  #frontend;
  #monads;
  #states;

  constructor(abi, frontend, monads, states) {
    this.#abi = abi;
    this.#frontend = frontend;
    this.#monads = monads;
    this.#states = states;
  }

  /** The status of a lent proof state. */
  of(state) {
    const abi = this.#abi;
    const { goals, rootGoals } = this.#states.parts(state);
    if (!isScalar(goals)) return STATUS.openGoals;
    const roots = [...abi.list(rootGoals)];
    if (roots.length !== 1) return STATUS.severalGoals;
    let status;
    this.#states.inMeta(state, meta => this.#monads.withGoal(roots[0], meta, inside => {
      status = this.#judge(roots[0], inside);
      return box(0);
    }));
    return status;
  }

  /** Judges the proof of a lent goal, inside its context. */
  #judge(goal, meta) {
    const abi = this.#abi;
    const mctx = abi.own(this.#metavariables(meta));
    const assigned = abi.own(abi.call('l_Lean_MetavarContext_getExprAssignmentCore_x3f', abi.use(mctx), abi.use(goal)));
    if (isScalar(assigned)) return STATUS.unassigned;
    const found = this.#instantiate(abi.field(assigned, 0), meta);
    const foundType = this.#typeOf(found, meta);
    const goalExpr = abi.own(abi.call('l_Lean_mkMVar', abi.use(goal)));
    const expected = this.#typeOf(goalExpr, meta);
    if (this.#run('l_Lean_Meta_isDefEq', meta, abi.use(foundType), abi.use(expected)) === box(0)) {
      return `Error: proof has type ${this.#debug(foundType)} but root goal has type ${this.#debug(expected)}`;
    }
    const proof = this.#close(found, meta);
    const type = this.#typeOf(proof, meta);
    if (this.#holds('l_Lean_Expr_hasExprMVar', proof)) return STATUS.hasMetavariables;
    const objection = this.#objection(proof, type, meta);
    if (objection !== undefined) return `Error: kernel type check failed: ${objection}`;
    return this.#holds('l_Lean_Expr_hasSorry', proof) ? STATUS.hasSorry : STATUS.completed;
  }

  /** What the kernel objects to a proof, or `undefined`. */
  #objection(proof, type, meta) {
    const abi = this.#abi;
    const forceExpose = box(0);
    const core = meta.slice(2).map(arg => abi.use(arg));
    try {
      abi.drop(this.#monads.call('l_Lean_addDecl', this.#definition(proof, type), forceExpose, ...core));
      return undefined;
    } catch (error) {
      if (!(error instanceof Raised) || this.#holds('l_Lean_Exception_isRuntime', error.exception)) throw error;
      return exceptionText(abi, error.exception);
    }
  }

  /** A nameless definition with the level parameters of both, owned. */
  #definition(proof, type) {
    const abi = this.#abi;
    const anonymous = box(0);
    const opaque = box(0);
    const empty = abi.use(abi.constant('l_Lean_CollectLevelParams_instInhabitedState'));
    const levels = [type, proof].reduce(
      (state, expr) => abi.call('l_Lean_collectLevelParams', state, abi.use(expr)), empty);
    const params = abi.elements(abi.field(abi.own(levels), LEVEL_PARAMS)).map(name => abi.use(name));
    const constant = abi.construct(0, [anonymous, this.#list(params), abi.use(type)]);
    const value = abi.construct(0, [constant, abi.use(proof), opaque, this.#list([anonymous])], [SAFE]);
    return abi.construct(DEFINITION, [value]);
  }

  /** The expression with its local variables abstracted, those that users see; owned by the scope. */
  #close(expr, meta) {
    const abi = this.#abi;
    const [usedOnly, usedLetOnly, etaReduce, generalize, implicit] = [0, 1, 0, 1, 1].map(box);
    let closed = expr;
    while (this.#holds('l_Lean_Expr_hasFVar', closed)) {
      const variables = this.#variables(closed, meta);
      if (variables.length === 0) break;
      closed = abi.own(this.#run('l_Lean_Meta_mkLambdaFVars', meta, abi.array(variables), abi.use(closed),
        usedOnly, usedLetOnly, etaReduce, generalize, implicit));
    }
    return closed;
  }

  /** The variables of the local context that occur in the expression, owned. */
  #variables(expr, meta) {
    const abi = this.#abi;
    const none = abi.use(abi.constant('l_Lean_CollectFVars_instInhabitedState'));
    const collected = abi.own(abi.call('l_Lean_collectFVars', none, abi.use(expr)));
    const used = new Set(abi.elements(abi.field(collected, FVARS)).map(name => textOf(abi, name)));
    const decls = abi.field(abi.field(meta[0], LOCAL_CONTEXT), DECLS);
    return [...this.#frontend.persistent(decls)]
      .filter(decl => !isScalar(decl))
      .map(some => abi.field(some, 0))
      .filter(decl => abi.scalar(decl, KIND) === 0 && used.has(textOf(abi, abi.field(decl, FVAR))))
      .map(decl => abi.call('l_Lean_mkFVar', abi.use(abi.field(decl, FVAR))));
  }

  /** The type of an expression; owned by the scope. */
  #typeOf(expr, meta) {
    return this.#instantiate(this.#abi.own(this.#run('l_Lean_Meta_inferType', meta, this.#abi.use(expr))), meta);
  }

  /** The lent expression with its metavariables replaced; owned by the scope. */
  #instantiate(expr, meta) {
    const abi = this.#abi;
    const pair = abi.own(abi.call('l_Lean_instantiateMVarsCore', this.#metavariables(meta), abi.use(expr)));
    const state = abi.own(this.#monads.read(meta[1]));
    abi.call('lean_st_ref_set', meta[1], abi.with(state, [[METAVARIABLES, abi.use(abi.field(pair, 1))]]));
    return abi.field(pair, 0);
  }

  /** The metavariables of an action's state, owned. */
  #metavariables(meta) {
    const state = this.#abi.own(this.#monads.read(meta[1]));
    return this.#abi.use(this.#abi.field(state, METAVARIABLES));
  }

  #run(name, meta, ...args) {
    return this.#monads.call(name, ...args, ...meta.map(arg => this.#abi.use(arg)));
  }

  #holds(name, object) {
    return this.#abi.call(name, this.#abi.use(object)) === box(1);
  }

  #debug(expr) {
    return this.#abi.text(this.#abi.own(this.#abi.call('l_Lean_Expr_dbgToString', this.#abi.use(expr))));
  }

  #list(elements) {
    const [nil, cons] = [box(0), 1];
    return elements.reduceRight((rest, head) => this.#abi.construct(cons, [head, rest]), nil);
  }
}

module.exports = { ProofStatus };
