'use strict';
/**
 * Proof states: goals with all that a tactic needs to go on, as `ProofSnapshot` in REPL/Snapshots.lean.
 * One is an array of Lean, so that one reference keeps it and one release forgets it.
 */
const { LeanError, box } = require('./abi.cjs');
const { countingOptions } = require('./counting.cjs');
const { goalTexts } = require('./formats.cjs');
const { Raised } = require('./monads.cjs');
const { nameOf } = require('./names.cjs');

/** The parts of a proof state. Contexts of terms and tactics are the same for all. */
const PART = {
  coreState: 0, coreContext: 1, metaState: 2, metaContext: 3, termState: 4, goals: 5, rootGoals: 6,
};

/** Fields of `Core.State`, `Core.Context`, `Meta.State`. */
const CORE_STATE = { env: 0, ngen: 2, traceState: 4, messages: 6, infoState: 7 };
const CORE_CONTEXT = { fileMap: 1, options: 2, currNamespace: 6, openDecls: 7 };
const METAVARIABLES = 0;

/** The constructor `Exception.internal`. */
const INTERNAL = 1;

/** The byte of `Core.Context` that says that Lean counts. */
const IS_COUNTING = 0;

/** `Tactic.Context.recover`. */
const RECOVER = 1;

const MAKE_TERM_CONTEXT = 'l___private_Lean_Elab_Command_0__Lean_Elab_Command_mkTermContext';

/** The empty list and the empty map. */
const NIL = box(0);
const LEAF = box(1);

class ProofStates {
  #abi;
  #frontend;
  #imports;
  #monads;
  #termContext;
  #tacticContext;

  constructor(abi, frontend, imports, monads) {
    this.#abi = abi;
    this.#frontend = frontend;
    this.#imports = imports;
    this.#monads = monads;
  }

  /**
   * The owned proof state in a lent `ContextInfo` with an owned local context. Goals and root goals are
   * lent lists, of which the latter may be absent; a goal for the lent `type`, if given, comes after
   * them. The environment is that of the context, or `env`, if that is given, lent.
   */
  create(context, localContext, { env, goals = NIL, rootGoals, type }) {
    const abi = this.#abi;
    const monads = this.#monads;
    return monads.inContext(context, localContext, meta => {
      const [metaContext, metaRef, coreContext, coreRef] = meta;
      const all = abi.own(type === undefined ? abi.use(goals) : this.#append(goals, this.#newGoal(type, meta)));
      const state = abi.own(monads.read(coreRef));
      const parts = {
        coreState: env === undefined ? abi.use(state) : abi.with(state, [[CORE_STATE.env, abi.use(env)]]),
        coreContext: abi.use(coreContext),
        metaState: monads.read(metaRef),
        metaContext: abi.use(metaContext),
        termState: abi.construct(0, [NIL, LEAF, NIL, NIL, NIL, LEAF, NIL]),
        goals: abi.use(all),
        rootGoals: abi.use(rootGoals ?? all),
      };
      return this.assemble(parts);
    });
  }

  /** A proof state of parts, which it owns. */
  assemble(parts) {
    return this.#abi.array(Object.keys(PART).map(name => parts[name]));
  }

  /** The parts of a proof state, lent. */
  parts(state) {
    const elements = this.#abi.elements(state);
    return Object.fromEntries(Object.entries(PART).map(([name, index]) => [name, elements[index]]));
  }

  /** The environment of a proof state, lent. */
  environment(state) {
    return this.#abi.field(this.parts(state).coreState, CORE_STATE.env);
  }

  /** The goals as Lean prints them. */
  goalTexts(state) {
    let texts;
    this.inMeta(state, meta => {
      texts = goalTexts(this.#abi, this.#monads, this.parts(state).goals, meta);
      return box(0);
    });
    return texts;
  }

  /** Runs a body in `MetaM` in a lent proof state; what it does to states is forgotten, as its value. */
  inMeta(state, body) {
    const { value, after } = this.#runMeta(this.parts(state), body);
    [value, after.coreState, after.metaState].forEach(object => this.#abi.drop(object));
  }

  /** The owned proof state after a tactic; what Lean objects to is thrown. */
  step(state, text) {
    const abi = this.#abi;
    return abi.scope(() => {
      const before = this.parts(state);
      const syntax = this.#parse(this.environment(state), text);
      const { value, after } = this.#reporting(before, report => this.#runMeta(before, meta => {
        const ran = this.#monads.inTerm(abi.use(this.#contexts().term), abi.use(before.termState), meta,
          term => report(term, () => this.#evaluate(syntax, before.goals, term)));
        return abi.construct(0, [ran.value, ran.state]);
      }));
      abi.own(value);
      return this.assemble({
        ...after,
        coreContext: abi.use(before.coreContext),
        metaContext: abi.use(before.metaContext),
        goals: abi.use(abi.field(value, 0)),
        termState: abi.use(abi.field(value, 1)),
        rootGoals: abi.use(before.rootGoals),
      });
    });
  }

  /**
   * What Lean says and counts (counting.cjs) when a tactic runs on the goals, in a lent environment: the new
   * messages, and the error that ends it, if one does. What it does is forgotten.
   */
  count(state, text, env) {
    const abi = this.#abi;
    return abi.scope(() => {
      const { coreState, coreContext, ...before } = this.parts(state);
      const options = countingOptions(abi, abi.field(coreContext, CORE_CONTEXT.options));
      const context = abi.own(abi.with(coreContext, [[CORE_CONTEXT.options, options]]));
      const states = {
        ...before,
        coreContext: abi.own(abi.withScalar(context, IS_COUNTING, 1)),
        coreState: abi.own(abi.with(coreState, [[CORE_STATE.env, abi.use(env)]])),
      };
      let messages = [];
      const report = meta => {
        abi.drop(this.#monads.call('l_Lean_Meta_reportDiag', ...meta.map(arg => abi.use(arg))));
        const log = abi.field(abi.own(this.#monads.read(meta.at(-1))), CORE_STATE.messages);
        messages = this.#frontend.readLog(log, this.#frontend.countLog(abi.field(coreState, CORE_STATE.messages)));
      };
      try {
        const syntax = this.#parse(env, text);
        const { value, after } = this.#runMeta(states, meta => {
          try {
            const ran = this.#monads.inTerm(abi.use(this.#contexts().term), abi.use(before.termState), meta,
              term => this.#evaluate(syntax, before.goals, term));
            return abi.construct(0, [ran.value, ran.state]);
          } finally {
            report(meta);
          }
        });
        [value, after.coreState, after.metaState].forEach(object => abi.drop(object));
        return { messages, error: undefined };
      } catch (error) {
        if (!(error instanceof LeanError)) throw error;
        return { messages, error: error.message };
      }
    });
  }

  /** The `ContextInfo` of what happens in a proof state, as an owned `PartialContextInfo`. */
  context(state) {
    const abi = this.#abi;
    const { coreState, coreContext, metaState } = this.parts(state);
    const of = (object, index) => abi.use(abi.field(object, index));
    const [commandContext, noEnv] = [0, box(0)];
    return abi.construct(commandContext, [abi.construct(0, [
      of(coreState, CORE_STATE.env), noEnv, of(coreContext, CORE_CONTEXT.fileMap), of(metaState, METAVARIABLES),
      of(coreContext, CORE_CONTEXT.options), of(coreContext, CORE_CONTEXT.currNamespace),
      of(coreContext, CORE_CONTEXT.openDecls), of(coreState, CORE_STATE.ngen),
    ])]);
  }

  /** The metavariables of a proof state, lent. */
  metavariables(state) {
    return this.#abi.field(this.parts(state).metaState, METAVARIABLES);
  }

  /** What Lean has written down in a proof state: logs, lent. */
  logs(state) {
    const { coreState } = this.parts(state);
    const field = name => this.#abi.field(coreState, CORE_STATE[name]);
    return { messages: field('messages'), infoState: field('infoState'), traceState: field('traceState') };
  }

  /**
   * Runs a body that elaborates inside `report`. What is thrown says as well which errors Lean had logged
   * before it gave up. They may be all that it says: elaboration that ends early raises an internal
   * exception, of which `CoreM.toIO` knows only a number.
   */
  #reporting({ coreState }, body) {
    let logged = [];
    let isInternal = false;
    const report = (term, elaborate) => {
      try {
        return elaborate();
      } catch (error) {
        if (error instanceof Raised) {
          isInternal = this.#abi.tag(error.exception) === INTERNAL;
          logged = this.#newErrors(coreState, term.at(-1));
        }
        throw error;
      }
    };
    try {
      return body(report);
    } catch (error) {
      if (!(error instanceof LeanError) || logged.length === 0) throw error;
      throw new LeanError([...logged, ...isInternal ? [] : [error.message]].join('\n\n'));
    }
  }

  /** The errors in the lent reference to a `Core.State` that the lent state before has not. */
  #newErrors(before, reference) {
    const abi = this.#abi;
    return abi.scope(() => {
      const [old, now] = [before, abi.own(this.#monads.read(reference))]
        .map(state => abi.field(state, CORE_STATE.messages));
      return this.#frontend.readLog(now, this.#frontend.countLog(old))
        .filter(({ severity }) => severity === 'error')
        .map(({ data }) => data);
    });
  }

  /** Runs a body in `MetaM`; gives its value and the states after it, owned. */
  #runMeta({ coreContext, coreState, metaContext, metaState }, body) {
    const abi = this.#abi;
    const monads = this.#monads;
    let metaAfter;
    const { value, state } = monads.inCore(abi.use(coreContext), abi.use(coreState), core => {
      const reference = abi.own(monads.reference(abi.use(metaState)));
      const result = body([metaContext, reference, ...core]);
      metaAfter = monads.read(reference);
      return result;
    });
    return { value, after: { coreState: state, metaState: metaAfter } };
  }

  /** The syntax of a tactic; lives as long as the scope. */
  #parse(env, text) {
    const abi = this.#abi;
    const parsed = abi.own(abi.call('l_Lean_Parser_runParserCategory',
      abi.use(env), nameOf(abi, 'tactic'), abi.string(text), abi.string('<input>')));
    const failed = abi.tag(parsed) === 0;
    if (failed) throw new LeanError(abi.text(abi.field(parsed, 0)));
    return abi.field(parsed, 0);
  }

  /** Runs a tactic on the goals, inside an action of `TermElabM`; gives the owned goals after it. */
  #evaluate(syntax, goals, term) {
    const abi = this.#abi;
    const monads = this.#monads;
    const lent = () => term.map(arg => abi.use(arg));
    const reference = abi.own(monads.reference(abi.use(goals)));
    abi.drop(monads.call('l_Lean_Elab_Tactic_evalTactic',
      abi.use(syntax), abi.use(this.#contexts().tactic), abi.use(reference), ...lent()));
    const left = abi.own(monads.read(reference));
    const ignoreStuckTC = box(0);
    abi.drop(monads.call('l_Lean_Elab_Term_synthesizeSyntheticMVarsNoPostponing', ignoreStuckTC, ...lent()));
    return abi.use(left);
  }

  /** A new goal of the lent type, owned. */
  #newGoal(type, meta) {
    const abi = this.#abi;
    const [some, natural, anonymous] = [abi.construct(1, [abi.use(type)]), box(0), box(0)];
    const expr = abi.own(this.#monads.call('l_Lean_Meta_mkFreshExprMVar',
      some, natural, anonymous, ...meta.map(arg => abi.use(arg))));
    return abi.use(abi.field(expr, 0));
  }

  /** The lent list with one more element, owned. */
  #append(list, element) {
    const abi = this.#abi;
    const cons = 1;
    return [...abi.list(list)].reduceRight(
      (rest, head) => abi.construct(cons, [abi.use(head), rest]), abi.construct(cons, [element, NIL]));
  }

  /** Makes the contexts anew when they are next needed: the memory is as it was before. */
  forgetContexts() {
    this.#termContext = undefined;
    this.#tacticContext = undefined;
  }

  /** The contexts of terms and tactics that say nothing, lent; made when they are first needed. */
  #contexts() {
    const abi = this.#abi;
    if (this.#termContext === undefined) {
      // Lean makes it: it holds a function, and one of JavaScript would be none in other threads.
      this.#termContext = abi.scope(() => {
        const context = abi.own(this.#frontend.blankContext());
        const state = abi.own(this.#frontend.stateIn(this.#imports.empty()));
        const reference = abi.own(this.#monads.reference(abi.use(state)));
        return this.#monads.call(MAKE_TERM_CONTEXT,
          abi.use(context), abi.use(state), abi.use(context), abi.use(reference));
      });
      this.#tacticContext = abi.construct(0, [box(0)], [RECOVER]);
    }
    return { term: this.#termContext, tactic: this.#tacticContext };
  }
}

module.exports = { CORE_STATE, PART, ProofStates };
