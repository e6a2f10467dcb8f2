'use strict';
/**
 * Which declarations of a source depend on `sorryAx`, by a walk over what they are made of: whatever the
 * source says, prints or switches off, its environment holds the proofs. An `example` is in no environment
 * after its command, but the info tree keeps the one in which it was declared.
 */
const { box, isScalar } = require('./abi.cjs');
const { dependents } = require('./axiom_walk.cjs');
const { textOf } = require('./names.cjs');

/** The axiom, and how an `example` is called, which has no name of its own. */
const AXIOM = 'sorryAx';
const EXAMPLE = 'example';

/** The map of the constants since the imports in a `ConstMap`. */
const ADDED = 1;

/** Fields of a `ContextInfo` and of its `CommandContextInfo`. */
const CONTEXT = { command: 0, parentDecl: 1 };
const ENV = 0;

/** Names that Lean makes beside those of the source have a part that begins so. */
const GENERATED = /(^|\.)_/;

class SorryDecls {
  #abi;
  #trees;

  constructor(abi, trees) {
    this.#abi = abi;
    this.#trees = trees;
  }

  /** Those that a lent environment has more than the one before, and those of the lent trees; as texts. */
  find(before, after, trees) {
    const abi = this.#abi;
    return abi.scope(() => {
      const added = this.#added(after).filter(name => !this.#has(before, name));
      const found = dependents(abi, after, added, [AXIOM]).map(name => this.#textOf(name));
      const named = found.filter(name => !GENERATED.test(name));
      return [...named.length > 0 ? named : found, ...trees.flatMap(tree => this.#inTree(tree, after))].sort();
    });
  }

  /** The names of the constants since the imports; they live as long as the scope. */
  #added(env) {
    const abi = this.#abi;
    const [equal, hash] = ['l_Lean_Name_instBEq', 'l_Lean_instHashableName'].map(name => abi.constant(name));
    const all = abi.own(abi.call('l_Lean_Environment_constants', abi.use(env)));
    const list = abi.own(abi.call('l_Lean_PersistentHashMap_toList', box(0), box(0), equal, hash, abi.use(abi.field(all, ADDED))));
    return [...abi.list(list)].map(pair => abi.field(pair, 0));
  }

  /** The name as the source has it, if it is private. */
  #textOf(name) {
    const abi = this.#abi;
    const user = abi.own(abi.call('l_Lean_privateToUserName', abi.use(name)));
    return textOf(abi, user);
  }

  #has(env, name) {
    const abi = this.#abi;
    return abi.scope(() => {
      const kernel = abi.call('lean_elab_environment_to_kernel_env', abi.use(env));
      return !isScalar(abi.own(abi.call('lean_environment_find', kernel, abi.use(name))));
    });
  }

  /** Those that a command has declared and that are not in the lent environment any more. */
  #inTree(tree, after) {
    const abi = this.#abi;
    return abi.scope(() => {
      let found = false;
      this.#trees.walk(tree, true, ({ context }) => {
        if (found) return undefined;
        const parent = context === undefined ? box(0) : abi.field(context, CONTEXT.parentDecl);
        if (isScalar(parent)) return true;
        const name = abi.field(parent, 0);
        const env = abi.field(abi.field(context, CONTEXT.command), ENV);
        found = this.#has(env, name) && !this.#has(after, name) && dependents(abi, env, [name], [AXIOM]).length > 0;
        return undefined;
      });
      return found ? [EXAMPLE] : [];
    });
  }
}

module.exports = { SorryDecls };
