'use strict';
/**
 * Answers `#print axioms`. Lean's own elaborator would take each imported constant without a body for an
 * axiom; axiom_walk.cjs does not, and the rest is done as there (`elabPrintAxioms` in Lean/Elab/Print.lean).
 */
const { WORLD, box } = require('./abi.cjs');
const { axiomsOf } = require('./axiom_walk.cjs');
const { nameOf } = require('./names.cjs');

const KIND = 'Lean.Parser.Command.printAxioms';

/** Arguments of a command's elaborator and of an action of `CoreM`, with the world. */
const COMMAND_ARITY = 4;
const CORE_ARITY = 3;

/** Where the word `#print` and the identifier are in the command. */
const [WORD, IDENTIFIER] = [0, 2];

/** Fields of `Command.State` and of `Command.Context`, and the byte of `EnvironmentHeader` after its trust level. */
const ENV = 0;
const REF = 7;
const IS_MODULE = 4;

/** Results of actions, and the constructors of lists and of composed messages. */
const [OK, ERROR] = [0, 1];
const [NIL, CONS] = [box(0), 1];
const COMPOSED = 7;

/** Private functions of Lean's library under their compiled names. */
const LOG_INFO = 'l_Lean_logInfo___at___00__private_Lean_Elab_Print_0__Lean_Elab_Command_printAxiomLike_spec__0';

class AxiomPrinter {
  #abi;
  #action;
  #identifier;

  /** What Lean can call has the same `address` in each thread that makes this first. */
  constructor(abi) {
    this.#abi = abi;
    this.address = abi.expose((stx, context, state) =>
      abi.scope(() => this.#elaborate(...[stx, context, state].map(object => abi.own(object)))), COMMAND_ARITY);
    this.#action = abi.expose((context, state) => this.#resolve(context, state), CORE_ARITY);
  }

  /** Puts the elaborator into every environment that is imported after this. */
  register() {
    const abi = this.#abi;
    const name = nameOf(abi, KIND);
    abi.drop(abi.run('l_Lean_KeyedDeclsAttribute_addBuiltin', box(0),
      abi.constant('l_Lean_Elab_Command_commandElabAttribute'), abi.use(name), name,
      abi.callback(this.address, COMMAND_ARITY)));
  }

  /** Elaborates a lent command; gives the result of the action. */
  #elaborate(stx, context, state) {
    const abi = this.#abi;
    const part = index => abi.own(abi.call('l_Lean_Syntax_getArg', abi.use(stx), box(index)));
    const identifier = part(IDENTIFIER);
    // Both are errors, which Lean words.
    if (!this.#isIdentifier(identifier) || this.#isModule(state)) {
      return abi.call('l_Lean_Elab_Command_elabPrintAxioms', ...[stx, context, state].map(object => abi.use(object)), WORLD);
    }
    const ref = abi.call('l_Lean_replaceRef', abi.use(part(WORD)), abi.use(abi.field(context, REF)));
    const inside = abi.own(abi.with(context, [[REF, ref]]));
    this.#identifier = identifier;
    const resolved = abi.call('l_Lean_Elab_Command_liftCoreM',
      box(0), abi.callback(this.#action, CORE_ARITY), abi.use(inside), abi.use(state), WORLD);
    if (abi.tag(resolved) === ERROR) return resolved;
    for (const name of abi.list(abi.field(abi.own(resolved), 0))) {
      for (const message of this.#messages(this.#environment(state), name)) {
        const logged = abi.call(LOG_INFO, message, abi.use(inside), abi.use(state), WORLD);
        if (abi.tag(logged) === ERROR) return logged;
        abi.drop(logged);
      }
    }
    return abi.construct(OK, [box(0)]);
  }

  /** What the identifier of the running command may mean; consumes context and state of `CoreM`. */
  #resolve(context, state) {
    const expectedType = box(0);
    return this.#abi.call('l_Lean_Elab_realizeGlobalConstWithInfos',
      this.#abi.use(this.#identifier), expectedType, context, state, WORLD);
  }

  /** The owned messages about a lent name. */
  #messages(env, name) {
    const abi = this.#abi;
    const { axioms, closed } = axiomsOf(abi, env, name);
    const text = string => abi.call('l_Lean_stringToMessageData', abi.string(string));
    const nameData = owned => abi.call('l_Lean_MessageData_ofName', owned);
    const join = parts => parts.reduce((left, right) => abi.construct(COMPOSED, [left, right]));
    const list = this.#sorted(axioms).reduceRight((rest, axiom) => abi.construct(CONS, [nameData(axiom), rest]), NIL);
    const found = axioms.length === 0
      ? [text("' does not depend on any axioms")]
      : [text("' depends on axioms: "), abi.call('l_Lean_MessageData_ofList', list)];
    const answer = join([text("'"), nameData(abi.use(name)), ...found]);
    const note = `imported constants taken as shipped, without their bodies: ${closed}`;
    return closed === 0 ? [answer] : [answer, text(note)];
  }

  /** The names in the order of `Name.lt`. */
  #sorted(names) {
    const abi = this.#abi;
    const isLess = (a, b) => abi.tag(abi.call('l_Lean_Name_lt', abi.use(a), abi.use(b))) === 1;
    return names.sort((a, b) => isLess(a, b) ? -1 : Number(isLess(b, a)));
  }

  /** The environment of a state, which lives as long as the scope. */
  #environment(state) {
    const abi = this.#abi;
    return abi.field(abi.own(abi.call('lean_st_ref_get', state)), ENV);
  }

  #isIdentifier(stx) {
    return this.#abi.tag(this.#abi.call('l_Lean_Syntax_isIdent', this.#abi.use(stx))) === 1;
  }

  /** Whether the text began with `module`. */
  #isModule(state) {
    const abi = this.#abi;
    return abi.scalar(abi.own(abi.call('l_Lean_Environment_header', abi.use(this.#environment(state)))), IS_MODULE) === 1;
  }
}

module.exports = { AxiomPrinter };
