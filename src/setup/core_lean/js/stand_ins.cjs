'use strict';
/**
 * Environments in which definitions whose bodies the package does not have can be unfolded all the same:
 * each gets as its body a fresh axiom, its stand-in. What Lean does in such an environment it also does
 * where the true bodies are, up to where it looks into one; there it meets the stand-in, by name.
 */
const { box, isScalar } = require('./abi.cjs');
const { nameOf, textOf } = require('./names.cjs');

/** What the names of stand-ins begin with. */
const PREFIX = 'LeanReplStandIn';

/** Constructors of `ConstantInfo`, and of `ConstantKind` and `ReducibilityHints`. */
const INFO = { axiom: 0, definition: 1 };
const DEFINITION_KIND = 0;
const THEOREM_KIND = 1;
const REGULAR = 2;

/** Constructors of `Expr`, and the body of a binder. */
const EXPR = { constant: 4, application: 5, forall: 7 };
const BODY = 2;

/** `DefinitionSafety.safe`, the height of a definition that is unfolded last, and a safe axiom. */
const SAFE = [1];
const LOWEST = [0, 0, 0, 0];
const NOT_UNSAFE = [0];

/** Fields of `Environment`, `RealizationContext`, `Kernel.Environment`, `SMap` and `ConstantVal`. */
const ENVIRONMENT = { base: 0, checked: 2, realized: 5 };
const REALIZATION = { env: 0, constants: 2 };
const CONSTANTS = 0;
const IMPORTED = 0;
const CONSTANT = { name: 0, levels: 1, type: 2 };

/** Fields of `EnvironmentHeader` and `ModuleData`, and the constructor `Name.str`. */
const MODULES = 5;
const NAMES = 1;
const STRING_NAME = 1;

class StandIns {
  #abi;

  constructor(abi) {
    this.#abi = abi;
  }

  /** The `ConstantInfo` of a lent name, lent; lives as long as the scope. */
  find(env, name) {
    const abi = this.#abi;
    const mayRealize = box(0);
    const found = abi.own(abi.call('l_Lean_Environment_find_x3f', abi.use(env), abi.use(name), mayRealize));
    return isScalar(found) ? undefined : abi.field(found, 0);
  }

  /** Whether the name, lent, is that of a definition without its body. */
  isBodiless(env, name) {
    return this.#missingKind(env, name) === DEFINITION_KIND;
  }

  /** Whether the name, lent, is that of a definition without its body or a theorem without its proof. */
  isIncomplete(env, name) {
    return [DEFINITION_KIND, THEOREM_KIND].includes(this.#missingKind(env, name));
  }

  /** What a constant was before it became an axiom, as all do of which the package has the type alone. */
  #missingKind(env, name) {
    const abi = this.#abi;
    return abi.scope(() => {
      const info = this.find(env, name);
      if (info === undefined || abi.tag(info) !== INFO.axiom) return undefined;
      const kind = abi.own(abi.call('l_Lean_getOriginalConstKind_x3f', abi.use(env), abi.use(name)));
      return isScalar(kind) ? undefined : abi.tag(abi.field(kind, 0));
    });
  }

  /** The constant at the head of what an axiom concludes, if there is one. */
  conclusionOf(env, name) {
    const abi = this.#abi;
    let expr = abi.field(abi.field(abi.field(this.find(env, name), 0), 0), CONSTANT.type);
    while (abi.tag(expr) === EXPR.forall) expr = abi.field(expr, BODY);
    while (abi.tag(expr) === EXPR.application) expr = abi.field(expr, 0);
    return abi.tag(expr) === EXPR.constant ? textOf(abi, abi.field(expr, 0)) : undefined;
  }

  /** The body of a definition, lent, if it has one; lives as long as the scope. */
  bodyOf(env, name) {
    const abi = this.#abi;
    const info = this.find(env, name);
    return info !== undefined && abi.tag(info) === INFO.definition ? abi.field(abi.field(info, 0), 1) : undefined;
  }

  /** Whether some imported constant has that last part of its name. */
  hasNameEndingIn(env, part) {
    const abi = this.#abi;
    return abi.scope(() => {
      const header = abi.own(abi.call('l_Lean_Environment_header', abi.use(env)));
      return abi.elements(abi.field(header, MODULES)).some(module =>
        abi.elements(abi.field(module, NAMES)).some(name =>
          abi.tag(name) === STRING_NAME && abi.text(abi.field(name, 1)) === part));
    });
  }

  /** The lent environment with stand-ins for the lent names, owned. */
  provide(env, names) {
    const abi = this.#abi;
    return abi.scope(() => {
      const pairs = names.flatMap(name => this.#declare(env, name));
      const provided = this.#replace(env, pairs);
      const context = abi.field(provided, ENVIRONMENT.realized);
      if (isScalar(context)) return provided;
      // Lemmas about imported constants are made in an environment of their own, and shared by all.
      abi.own(provided);
      const [some, none] = [1, 1];
      const own = abi.with(abi.field(context, 0), [
        [REALIZATION.env, this.#replace(abi.field(abi.field(context, 0), REALIZATION.env), pairs)],
        [REALIZATION.constants, abi.call('lean_st_mk_ref', box(none))],
      ]);
      return abi.with(provided, [[ENVIRONMENT.realized, abi.construct(some, [own])]]);
    });
  }

  /** The names of the definitions whose stand-ins a text mentions. */
  static mentioned(text) {
    return [...text.matchAll(/LeanReplStandIn\.([^\s()[\]{},;:@]+)/g)].map(([, name]) => name.replace(/\.$/, ''));
  }

  /** `[name, info]` of a definition and of its stand-in; live as long as the scope. */
  #declare(env, name) {
    const abi = this.#abi;
    const value = abi.field(abi.field(this.find(env, name), 0), 0);
    const levels = abi.field(value, CONSTANT.levels);
    const standIn = abi.own(abi.call('l_Lean_Name_append', nameOf(abi, PREFIX), abi.use(name)));
    const constant = called => abi.construct(0, [called, levels, abi.field(value, CONSTANT.type)].map(part => abi.use(part)));
    const params = [...abi.list(levels)].map(level => abi.call('l_Lean_Level_param___override', abi.use(level)));
    const body = abi.call('l_Lean_Expr_const___override', abi.use(standIn), this.#list(params));
    const axiom = abi.construct(0, [constant(standIn)], NOT_UNSAFE);
    const definition = abi.construct(0,
      [constant(name), body, abi.construct(REGULAR, [], LOWEST), this.#list([abi.use(name)])], SAFE);
    return [
      [abi.own(abi.use(name)), abi.own(abi.construct(INFO.definition, [definition]))],
      [standIn, abi.own(abi.construct(INFO.axiom, [axiom]))],
    ];
  }

  /** The environment, owned, with other constants among the imported ones. */
  #replace(env, pairs) {
    const abi = this.#abi;
    const base = abi.field(env, ENVIRONMENT.base);
    const visible = [0, 1].map(index => this.#replaceInKernel(abi.field(base, index), pairs));
    // Nothing is being elaborated, so the task has ended.
    const checked = abi.call('lean_task_get', abi.field(env, ENVIRONMENT.checked));
    return abi.with(env, [
      [ENVIRONMENT.base, abi.construct(0, visible)],
      [ENVIRONMENT.checked, abi.call('lean_task_pure', this.#replaceInKernel(checked, pairs))],
    ]);
  }

  #replaceInKernel(env, pairs) {
    const abi = this.#abi;
    const constants = abi.field(env, CONSTANTS);
    const [equal, hash] = ['l_Lean_Name_instBEq', 'l_Lean_instHashableName'].map(name => abi.constant(name));
    const imported = pairs.reduce((map, [name, info]) =>
      abi.call('l_Std_HashMap_insert', box(0), box(0), equal, hash, map, abi.use(name), abi.use(info)),
    abi.use(abi.field(constants, IMPORTED)));
    return abi.with(env, [[CONSTANTS, abi.with(constants, [[IMPORTED, imported]])]]);
  }

  #list(elements) {
    const [nil, cons] = [box(0), 1];
    return elements.reduceRight((rest, head) => this.#abi.construct(cons, [head, rest]), nil);
  }
}

module.exports = { StandIns };
