'use strict';
/** Pickles of proof states, in the shape and with the meaning of REPL/Snapshots.lean at v4.27. */
const { box } = require('./abi.cjs');

/** Fields of `Core.State` and `Command.State`, of which a fresh one has what a pickle leaves out. */
const CORE = { nextMacroScope: 1, ngen: 2 };
const FRESH = { auxDeclNGen: 7, traceState: 9, messages: 1, infoState: 8, snapshotTasks: 10 };

/** The open declarations in a `Core.Context`. */
const OPEN_DECLS = 7;

/** Fields of `Meta.Context`, and its bytes. */
const META = { keyedConfig: 0, lctx: 2, localInstances: 3, defEqCtx: 4, synthPendingDepth: 5 };
const META_BYTES = 3;

/** How many fields the parts after imports and constants have; parts without a number are no structures. */
const SHAPE = [2, 14, 5, 5, 7, undefined, undefined, undefined, undefined];

/** The key that decides where in memory Lean would like a pickle to be. */
const KEY = 'REPL.ProofSnapshot.pickle';

class ProofPickles {
  #abi;
  #frontend;
  #pickles;
  #states;

  constructor(abi, frontend, pickles, states) {
    this.#abi = abi;
    this.#frontend = frontend;
    this.#pickles = pickles;
    this.#states = states;
  }

  /** Writes a lent proof state. */
  save(state, file) {
    const abi = this.#abi;
    abi.scope(() => {
      const parts = this.#states.parts(state);
      const meta = name => abi.use(abi.field(parts.metaContext, META[name]));
      const config = abi.use(abi.field(abi.field(parts.metaContext, META.keyedConfig), 0));
      // The contexts of terms and tactics are those of every proof state.
      const nothing = box(0);
      this.#pickles.save(file, KEY, [
        ...this.#pickles.describe(this.#states.environment(state)),
        abi.construct(0, Object.values(CORE).map(index => abi.use(abi.field(parts.coreState, index)))),
        abi.use(parts.coreContext),
        abi.use(parts.metaState),
        abi.construct(0, [config, meta('lctx'), meta('localInstances'), meta('defEqCtx'), meta('synthPendingDepth')]),
        abi.use(parts.termState),
        nothing,
        abi.use(parts.goals),
        nothing,
        abi.use(parts.rootGoals),
      ]);
    });
  }

  /** The owned proof state of a pickle, in a lent environment or, without one, in that of its imports. */
  load(file, env) {
    const abi = this.#abi;
    return abi.scope(() => {
      const [imports, constants, core, coreContext, metaState, meta, termState, , goals, , rootGoals] =
        this.#pickles.load(file, SHAPE);
      const base = env ?? this.#pickles.importAll(imports);
      const replayed = this.#pickles.replay(base, constants);
      const active = this.#pickles.activate(replayed, abi.field(coreContext, OPEN_DECLS));
      return this.#states.assemble({
        coreState: this.#coreState(active, core),
        coreContext,
        metaState,
        metaContext: this.#metaContext(meta),
        termState,
        goals,
        rootGoals,
      });
    });
  }

  /** A `Core.State` in the environment, which is consumed. */
  #coreState(env, core) {
    const abi = this.#abi;
    const fresh = abi.own(this.#frontend.stateIn(abi.use(env)));
    const of = name => abi.use(abi.field(fresh, FRESH[name]));
    const cache = abi.use(abi.constant('l_Lean_Core_instInhabitedCache'));
    return abi.construct(0, [env, abi.field(core, 0), abi.field(core, 1), of('auxDeclNGen'), of('traceState'), cache,
      of('messages'), of('infoState'), of('snapshotTasks')]);
  }

  /** A `Meta.Context`; the configuration is the default, as the REPL's own. */
  #metaContext(meta) {
    const abi = this.#abi;
    const config = abi.use(abi.constant('l_Lean_Meta_instInhabitedConfigWithKey'));
    const [lctx, localInstances, defEqCtx, synthPendingDepth] = [1, 2, 3, 4].map(index => abi.field(meta, index));
    const [empty, none] = [box(1), box(0)];
    return abi.construct(0, [config, empty, lctx, localInstances, defEqCtx, synthPendingDepth, none],
      Array(META_BYTES).fill(0));
  }
}

module.exports = { ProofPickles };
