'use strict';
/**
 * Elaborates a source again where the definitions that its errors have to do with have stand-ins for their
 * bodies (stand_ins.cjs). A command that fails and never meets a stand-in fails with the true bodies too.
 * Lean itself counts what it unfolds, and what it would unfold, when its option `diagnostics` is set.
 */
const { box } = require('./abi.cjs');
const { Bodiless } = require('./bodiless.cjs');
const { isBefore } = require('./command_ranges.cjs');
const { countedIn, countingOptions } = require('./counting.cjs');
const { textOf } = require('./names.cjs');
const { StandIns } = require('./stand_ins.cjs');

/** Fields of `Command.State` and `Scope`. */
const STATE = { env: 0, scopes: 2 };
const OPTIONS = 1;

/** How often the source is elaborated with more stand-ins; what it meets after that counts as looked into. */
const ROUNDS = 3;

/** How many statements are tried to be refuted, each of which takes an elaboration of what stands before it. */
const MOST_REFUTATIONS = 2;

/** How many constants are looked at behind those that a command mentions. */
const MOST_CONSTANTS = 20_000;

/** What Lean calls the error of a name that it does not know. */
const UNKNOWN_NAME = 'lean.unknownIdentifier._namedError';

/** The same of a field that a type does not have. */
const UNKNOWN_FIELD = 'lean.invalidField._namedError';

/**
 * Tactics that unfold only what is reducible, which definitions without a body are not; and what makes the
 * goals that they get depend on what failed before.
 */
const BLIND = new Set(['omega', 'simp', 'simpAll'].map(name => `Lean.Parser.Tactic.${name}`));
const BACKTRACKS = /\b(?:first|try|any_goals|repeat|repeat'|iterate|solve|decide|all_goals|case')(?![\w'])|<\|>/;

/** Strings, characters and numerals; and the type that Lean says a numeral cannot have. */
const LITERAL = /^(?:"[^"]*"|'[^']+'|\d+)$/;
const OF_NAT = /\bOfNat ([\w.]+) \d+/;

/** The names of what Lean makes of a definition's body on demand. */
const GENERATED = new RegExp('^(.+)\\.(?:eq_\\d+|eq_def|eq_unfold|(?:mutual_)?induct(?:_unfolding)?|' +
  '(?:mutual_)?fun_cases(?:_unfolding)?|fixpoint_induct|partial_correctness|match_\\d+(?:\\..+)?)$');

/** Names in a source, with their dots. */
const WORD = /[\p{L}\p{N}_'!?.«»₀-₉]+/gu;

/** Tactics that ask for lemmas which Lean makes of a definition's body. */
const ASKS_FOR_LEMMAS = /\bfun_induction\b|\bfun_cases\b/;

/** Commands that leave work to the kernel, which does not count what it would unfold, or that stop the counting. */
const UNCOUNTED = /\bkernel\b|\bdiagnostics\b/;

/** Commands whose results depend on what is printed of a constant, or on what a program finds in it. */
const NAMES_AS_DATA = /``|#guard_msgs[^]*#print/;
const DATA_NAME = /(?:``|#print\s+)([^\s`(),]+)/g;

/** Commands after which nothing is known that was not known before. */
const WITHOUT_EFFECT = /^\s*(?:example\b|#(?:check|check_failure|eval|print|reduce|synth|guard|guard_msgs)\b)/;

/** Declarations that, if they fail, change nothing for a command that does not mention their names. */
const NAMED = /^\s*(?:(?:private|protected|noncomputable|unsafe|partial)\s+)*(?:theorem|lemma|def|abbrev)\s+([^\s(){}:[\]]+)/;

/** The names in a text, each once. */
const words = text => new Set(text.match(WORD) ?? []);

/** The name of the definition of whose body Lean makes what has this name, or the name itself. */
const originOf = name => GENERATED.exec(name)?.[1] ?? name;

/** Whether a tactic needs more of a definition than Lean counts. */
const asksForLemmas = tactic => ASKS_FOR_LEMMAS.test(tactic) || [...words(tactic)].some(word => GENERATED.test(word));

/** Whether an error of a command certainly does not come from a body: of syntax, or of an unknown name. */
function isCertain(command, error) {
  if (command.isBroken || isBefore(command.end, error.pos)) return true;
  if (error.kind !== UNKNOWN_NAME || error.endPos === null) return false;
  const name = command.cut(error.pos, error.endPos);
  if (GENERATED.test(name)) return false;
  // A pattern that fails does not bind its names.
  const [root] = name.split('.');
  return !words(command.cut(command.start, error.pos)).has(root);
}

/** Whether a later command may fail because an earlier one did. */
function mayCause(earlier, later) {
  if (WITHOUT_EFFECT.test(earlier.text)) return false;
  const name = NAMED.exec(earlier.text)?.[1];
  if (name === undefined) return true;
  const last = name.split('.').at(-1);
  return [...words(later.text)].some(word => word.split('.').includes(last));
}

/** The errors of a command that was elaborated, but for the numbers of metavariables; nothing if it was not. */
function said(command) {
  return command?.errors.map(({ data }) => data.replaceAll(/\?[\w✝]+\.\d+/gu, '?')).join('\n');
}

/** What identifies a command of a source. */
const placeOf = ({ start }) => `${start.line}:${start.column}`;

class BodyTrial {
  #tools;
  #run;
  #failed;
  /** The environment before the source, and after it, lent. */
  #before;
  #after;
  /** The definitions without a body that the failed commands have to do with. */
  #bodiless;
  #refutations = 0;
  /** Those that had stand-ins when the source was last elaborated. */
  #provided = new Set();

  /** `failed` are the commands with errors; lives as long as the scope. */
  constructor(tools, run, failed) {
    this.#tools = tools;
    this.#run = run;
    this.#failed = failed;
    this.#before = tools.frontend.environment(run.before);
    this.#after = tools.frontend.environment(run.after);
    this.#bodiless = new Bodiless(tools.abi, tools.standIns, this.#before);
  }

  /** The definitions without whose bodies no error is certain; none if one is. */
  judge() {
    const met = this.#failed.flatMap(({ tree }) => [...this.#tools.met.of(tree)]);
    met.forEach(name => this.#bodiless.has(name));
    const plain = this.#elaborate([]);
    const tried = this.#bodiless.count > 0 ? this.#tryStandIns() : plain;
    const names = new Set();
    const doubtful = [];
    for (const command of this.#failed) {
      const again = tried.get(placeOf(command));
      const looked = this.#lookedInto(command, plain.get(placeOf(command)), again);
      const stands = !doubtful.some(earlier => mayCause(earlier, command));
      if (stands && (looked.length === 0 || this.#failsAnyway(command, again))) return [];
      looked.forEach(name => names.add(name));
      doubtful.push(command);
    }
    return [...names].sort();
  }

  /** Whether a command that looked into a body fails whatever is there. */
  #failsAnyway(command, again) {
    const { ranges, refuter } = this.#tools;
    const isSame = said(command) === said(again);
    const isBlind = isSame && !BACKTRACKS.test(command.text) && !this.#holdsStandIns(again);
    const isSure = error => (isSame && isCertain(again, error)) || this.#isUnknownField(command, error) ||
      this.#isLiteralOfAnotherType(command, error) || (isBlind && BLIND.has(ranges.tacticAt(again, error)));
    const persists = ({ kind, pos }) => again?.errors.some(error =>
      error.kind === kind && error.pos.line === pos.line && error.pos.column === pos.column);
    if (command.errors.some(error => persists(error) && isSure(error))) return true;
    return this.#refutations++ < MOST_REFUTATIONS && refuter.refutes(this.#run, command);
  }

  /** Whether stand-ins are in the terms and goals of a command. */
  #holdsStandIns({ tree }) {
    return StandIns.mentioned([...this.#tools.met.of(tree)].join('\n')).length > 0;
  }

  /** Whether an error is about a literal where a type is wanted that has nothing to do with missing bodies. */
  #isLiteralOfAnotherType(command, error) {
    if (error.endPos === null || !LITERAL.test(command.cut(error.pos, error.endPos))) return false;
    const wanted = this.#tools.ranges.typeWantedAt(command, error) ?? OF_NAT.exec(error.data)?.slice(1);
    return wanted !== undefined && wanted.length > 0 && this.#behind(wanted).length === 0;
  }

  /** Whether an error is about a field that no type has, whatever it unfolds to. */
  #isUnknownField(command, { kind, pos, endPos }) {
    if (kind !== UNKNOWN_FIELD || endPos === null) return false;
    const field = command.cut(pos, endPos);
    const inSource = (this.#run.text.match(WORD) ?? []).filter(word => word.split('.').includes(field));
    return inSource.length === 1 && !this.#tools.standIns.hasNameEndingIn(this.#before, field);
  }

  /** Elaborates with stand-ins for all definitions that were met, until no others are. */
  #tryStandIns() {
    for (let round = 1; ; round++) {
      this.#provided = new Set(this.#bodiless.texts);
      const tried = this.#elaborate(this.#bodiless.names);
      if (this.#bodiless.count === this.#provided.size || round === ROUNDS) return tried;
    }
  }

  /** The commands that failed, by their places, with stand-ins for the lent names; notes what is counted. */
  #elaborate(names) {
    const { abi, frontend, ranges, standIns } = this.#tools;
    const { context, parserState, before, text } = this.#run;
    const env = standIns.provide(this.#before, names);
    const state = abi.with(before, [[STATE.env, env], [STATE.scopes, this.#countingScopes(before)]]);
    const after = abi.own(frontend.elaborate(context, abi.use(parserState), state).state);
    const places = new Set(this.#failed.map(placeOf));
    const commands = ranges.of(frontend.infoTrees(after), text, frontend.messages(after, { withKinds: true }))
      .filter(command => places.has(placeOf(command)));
    countedIn(commands.flatMap(({ messages }) => messages)).forEach(name => this.#bodiless.has(name));
    return new Map(commands.map(command => [placeOf(command), command]));
  }

  /** The scopes of a lent state, owned, with the options that make Lean count. */
  #countingScopes(state) {
    const { abi } = this.#tools;
    const scopes = abi.field(state, STATE.scopes);
    const scope = abi.field(scopes, 0);
    const cons = 1;
    const options = countingOptions(abi, abi.field(scope, OPTIONS));
    return abi.construct(cons, [abi.with(scope, [[OPTIONS, options]]), abi.use(abi.field(scopes, 1))]);
  }

  /** The definitions whose bodies may matter for the errors of a command: elaborated plainly, and with stand-ins. */
  #lookedInto(command, plain, tried) {
    const { met } = this.#tools;
    const all = () => [...new Set([...met.of(command.tree), ...countedIn(plain?.messages ?? [])])];
    // With stand-ins it fails for another reason, or not at all.
    if (said(tried) !== said(plain)) {
      const own = all().filter(name => this.#bodiless.has(name));
      return own.length > 0 ? own : [...this.#provided];
    }
    const found = new Set(StandIns.mentioned([...tried.messages.map(({ data }) => data), ...met.of(tried.tree)].join('\n')));
    for (const name of countedIn(tried.messages)) {
      if (this.#bodiless.has(name) && !this.#provided.has(name)) found.add(name);
      for (const absent of this.#absentIn(name)) found.add(absent);
    }
    for (const name of this.#origins(command.text)) found.add(name);
    const named = [
      ...ASKS_FOR_LEMMAS.test(command.text) ? all().filter(name => this.#bodiless.has(name)) : [],
      ...UNCOUNTED.test(command.text) ? this.#behind(all()) : [],
      ...NAMES_AS_DATA.test(command.text) ? this.#dataNames(command.text).filter(name => this.#isIncomplete(name)) : [],
    ];
    return [...new Set([...found, ...named])];
  }

  /** The private constants, which the package leaves out, in the body of a definition. */
  #absentIn(text) {
    const { abi } = this.#tools;
    return abi.scope(() => this.#constantsOf(text)
      .filter(name => abi.tag(abi.call('l_Lean_Environment_contains', abi.use(this.#after), abi.use(name), box(0))) === 0)
      .map(name => textOf(abi, name)));
  }

  /** The constants in the body of a definition, lent; none if it has no body. */
  #constantsOf(text) {
    const { abi, standIns } = this.#tools;
    const name = abi.own(abi.call('l_String_toName', abi.string(text)));
    const body = standIns.bodyOf(this.#after, name);
    return body === undefined ? [] : abi.elements(abi.own(abi.call('l_Lean_Expr_getUsedConstants', abi.use(body))));
  }

  /** The definitions without body whose generated lemmas a command names, with or without their namespace. */
  #origins(text) {
    const named = [...words(text)].map(word => GENERATED.exec(word)?.[1]).filter(Boolean);
    return this.#inNamespaces(named).filter(name => this.#bodiless.has(name));
  }

  /** The constants that a command holds as data. */
  #dataNames(text) {
    return this.#inNamespaces([...text.matchAll(DATA_NAME)].map(([, name]) => name));
  }

  /** The names, and the same in all namespaces that the source may be in or open. */
  #inNamespaces(names) {
    if (names.length === 0) return [];
    const prefixes = new Set(['']);
    for (const word of words(this.#run.text)) {
      const parts = word.split('.');
      parts.forEach((_, end) => prefixes.add(`${parts.slice(0, end + 1).join('.')}.`));
    }
    return names.flatMap(name => [...prefixes].map(prefix => prefix + name));
  }

  /** Whether the package has a constant without its body or proof. */
  #isIncomplete(text) {
    const { abi, standIns } = this.#tools;
    return abi.scope(() => standIns.isIncomplete(this.#before, abi.own(abi.call('l_String_toName', abi.string(text)))));
  }

  /** The constants without a body that the constants stand on and that the kernel may unfold. */
  #behind(names) {
    const { abi } = this.#tools;
    const seen = new Set(names);
    const found = [];
    for (const name of seen) {
      if (this.#bodiless.has(name) || this.#isProofOfTermination(name)) found.push(name);
      if (seen.size > MOST_CONSTANTS) break;
      abi.scope(() => this.#constantsOf(name).forEach(inside => seen.add(textOf(abi, inside))));
    }
    return found;
  }

  /** Whether the package lacks a proof that the kernel unfolds, to compute by recursion on it. */
  #isProofOfTermination(text) {
    const { abi, standIns } = this.#tools;
    return this.#isIncomplete(text) && abi.scope(() => {
      const head = standIns.conclusionOf(this.#before, abi.own(abi.call('l_String_toName', abi.string(text))));
      return head === 'Acc' || head === 'WellFounded';
    });
  }
}

module.exports = { BodyTrial, asksForLemmas, isCertain, originOf, words };
