'use strict';
/**
 * Runs actions of Lean's elaboration monads that are written in JavaScript. The contexts and
 * references to states that an action gets are lent; they are the last arguments, before the world,
 * of Lean's own actions. Knows nothing of what an action does.
 */
const { WORLD, box } = require('./abi.cjs');

/** How many arguments an action has, with the world. */
const ARITY = { core: 3, meta: 5, term: 7 };

/** The fields of a pair. */
const [FIRST, SECOND] = [0, 1];

/** An exception of Lean, owned, on its way through JavaScript. */
class Raised extends Error {
  constructor(exception) {
    super('an exception of Lean');
    this.exception = exception;
  }
}

class Monads {
  #abi;
  #addresses = new Map();
  #body;

  constructor(abi) {
    this.#abi = abi;
  }

  /** Forgets what was run last: the memory is as it was before. */
  forget() {
    this.#body = undefined;
  }

  /** Calls an action of Lean in such a monad; its value is owned, its exception is thrown. */
  call(name, ...args) {
    const abi = this.#abi;
    const result = abi.call(name, ...args, WORLD);
    const value = abi.use(abi.field(result, 0));
    const failed = abi.tag(result) !== 0;
    abi.drop(result);
    if (failed) throw new Raised(value);
    return value;
  }

  /** An owned reference to an owned value. */
  reference(value) {
    return this.#abi.call('lean_st_mk_ref', value);
  }

  /** The owned value of a lent reference. */
  read(reference) {
    return this.#abi.call('lean_st_ref_get', reference);
  }

  /** Runs a body in `MetaM` where a lent `ContextInfo` was made, with an owned local context. */
  inContext(context, localContext, body) {
    const erased = box(0);
    return this.#abi.run('l_Lean_Elab_ContextInfo_runMetaM',
      erased, this.#abi.use(context), localContext, this.#action(ARITY.meta, body));
  }

  /** Runs a body in `CoreM`; consumes context and state, gives the owned `{ value, state }`. */
  inCore(context, state, body) {
    const erased = box(0);
    return this.#split(this.#abi.run('l_Lean_Core_CoreM_toIO',
      erased, this.#action(ARITY.core, body), context, state));
  }

  /** Runs a body in `TermElabM`, inside an action of `MetaM`; consumes context and state. */
  inTerm(context, state, meta, body) {
    const abi = this.#abi;
    const erased = box(0);
    return this.#split(this.call('l_Lean_Elab_Term_TermElabM_run',
      erased, this.#action(ARITY.term, body), context, state, ...meta.map(arg => abi.use(arg))));
  }

  /** Runs a body in the local context of a lent metavariable, inside an action of `MetaM`. */
  withGoal(goal, meta, body) {
    const abi = this.#abi;
    const erased = box(0);
    return this.call('l___private_Lean_Meta_Basic_0__Lean_Meta_withMVarContextImp',
      erased, abi.use(goal), this.#action(ARITY.meta, body), ...meta.map(arg => abi.use(arg)));
  }

  #split(pair) {
    const abi = this.#abi;
    const [value, state] = [FIRST, SECOND].map(index => abi.use(abi.field(pair, index)));
    abi.drop(pair);
    return { value, state };
  }

  /** An owned action, which must be run before another is made. */
  #action(arity, body) {
    this.#body = body;
    let address = this.#addresses.get(arity);
    if (!address) {
      // Lean's memory holds addresses, not functions: one for ever, which runs what is set just then.
      address = this.#abi.expose((...args) => this.#perform(args.slice(0, -1)), arity);
      this.#addresses.set(arity, address);
    }
    return this.#abi.callback(address, arity);
  }

  #perform(args) {
    const abi = this.#abi;
    const body = this.#body;
    const [succeeded, failed] = [0, 1];
    return abi.scope(() => {
      args.forEach(arg => abi.own(arg));
      try {
        return abi.construct(succeeded, [body(args)]);
      } catch (error) {
        if (error instanceof Raised) return abi.construct(failed, [error.exception]);
        throw error;
      }
    });
  }
}

module.exports = { Monads, Raised };
