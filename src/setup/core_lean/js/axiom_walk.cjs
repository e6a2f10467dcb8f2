'use strict';
/**
 * Which axioms constants depend on, by Lean's own walk over the environment. The package holds imported
 * theorems, and some definitions, without their bodies, and shows those as axioms; what such a one was
 * when it was declared tells it from an axiom. Its proof cannot be looked into: it is taken as shipped.
 */
const { box, isScalar } = require('./abi.cjs');
const { nameOf, textOf } = require('./names.cjs');

/** Fields of the walk's state, which comes second in a pair, and its empty set of names. */
const WALK = { visited: 0, axioms: 1 };
const STATE = 1;
const NO_NAMES = box(1);

/** The map of imported constants in a `ConstMap`. */
const IMPORTED = 0;

/** `Lean.ConstantKind.axiom`. */
const AXIOM_KIND = 2;

/**
 * Opaque constants whose bodies, which the package lacks, use an axiom for the sole purpose that it is found
 * (Init/Core.lean).
 */
const TRUSTING = ['Lean.reduceBool', 'Lean.reduceNat'];
const TRUST = 'Lean.trustCompiler';

/** The owned state after walking from a lent name; consumes the set of visited names. */
function walk(abi, env, name, visited) {
  const before = abi.construct(0, [visited, abi.array()]);
  const pair = abi.call('l_Lean_CollectAxioms_collect', abi.use(name), abi.use(env), before);
  const after = abi.use(abi.field(pair, STATE));
  abi.drop(pair);
  return after;
}

/** What decides about constants of the lent environment; it lives as long as the scope. */
class Constants {
  #abi;
  #env;
  #equal;
  #hash;
  #imported;

  constructor(abi, env) {
    this.#abi = abi;
    this.#env = env;
    [this.#equal, this.#hash] = ['l_Lean_Name_instBEq', 'l_Lean_instHashableName'].map(name => abi.constant(name));
    const all = abi.own(abi.call('l_Lean_Environment_constants', abi.use(env)));
    this.#imported = abi.field(all, IMPORTED);
  }

  /** Whether a lent name is that of an imported constant. */
  isImported(name) {
    const abi = this.#abi;
    return abi.tag(abi.call('l_Std_HashMap_contains',
      box(0), box(0), this.#equal, this.#hash, abi.use(this.#imported), abi.use(name))) === 1;
  }

  /** Whether what the environment shows as an axiom is one. */
  isAxiom(name) {
    const abi = this.#abi;
    // A theorem of this source that the kernel refused is one too.
    if (!this.isImported(name)) return true;
    const kind = abi.own(abi.call('l_Lean_getOriginalConstKind_x3f', abi.use(this.#env), abi.use(name)));
    return isScalar(kind) || abi.tag(abi.field(kind, 0)) === AXIOM_KIND;
  }

  /** The imported constants that a lent one names. */
  importedBy(name) {
    const abi = this.#abi;
    const kernel = abi.call('lean_elab_environment_to_kernel_env', abi.use(this.#env));
    const found = abi.own(abi.call('lean_environment_find', kernel, abi.use(name)));
    if (isScalar(found)) return [];
    const used = abi.call('l_Lean_ConstantInfo_getUsedConstantsAsSet', abi.use(abi.field(found, 0)));
    const list = abi.own(abi.call('l_Std_TreeSet_toList___redArg', used));
    return [...abi.list(list)].filter(other => this.isImported(other));
  }
}

/**
 * The axioms that the lent name depends on, as owned names in the order in which they are met, and how
 * many constants on the way have no body here: they may depend on more.
 */
function axiomsOf(abi, env, name) {
  return abi.scope(() => {
    const constants = new Constants(abi, env);
    const after = abi.own(walk(abi, env, name, NO_NAMES));
    const ends = abi.elements(abi.field(after, WALK.axioms));
    const axioms = ends.filter(end => constants.isAxiom(end)).map(axiom => abi.use(axiom));
    const closed = ends.length - axioms.length;
    const texts = ends.map(end => textOf(abi, end));
    if (texts.some(text => TRUSTING.includes(text)) && !texts.includes(TRUST)) axioms.push(nameOf(abi, TRUST));
    return { axioms, closed };
  });
}

/** Those of the lent names that depend on one of the axioms, which are texts. */
function dependents(abi, env, names, axioms) {
  return abi.scope(() => {
    const constants = new Constants(abi, env);
    const isWanted = end => axioms.includes(textOf(abi, end)) && constants.isAxiom(end);
    // What was visited without meeting one of the axioms needs no second look.
    let clean = NO_NAMES;
    const depends = name => {
      const after = abi.own(walk(abi, env, name, abi.use(clean)));
      if (abi.elements(abi.field(after, WALK.axioms)).some(isWanted)) return true;
      clean = abi.field(after, WALK.visited);
      return false;
    };
    return names.filter(name => {
      if (!depends(name)) return false;
      // Names that depend on the axiom have most of what they use in common.
      for (const used of constants.importedBy(name)) depends(used);
      return true;
    });
  });
}

module.exports = { axiomsOf, dependents };
