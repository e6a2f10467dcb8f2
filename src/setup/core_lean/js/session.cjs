'use strict';
/**
 * One session: the environments and proof states that requests name by number, and the answer to
 * each request. The only place that knows which requests there are.
 */
const { LeanError } = require('./abi.cjs');
const { FileError, Files, readText } = require('./files.cjs');
const { Frontend } = require('./frontend.cjs');
const { Headers } = require('./header.cjs');
const { asked } = require('./host_imports.cjs');
const { Imports } = require('./imports.cjs');
const { Initializers } = require('./initializers.cjs');
const { MissingBodies } = require('./missing_bodies.cjs');
const { Monads } = require('./monads.cjs');
const { isAnonymous, nameOf, parseName } = require('./names.cjs');
const { Pickles } = require('./pickles.cjs');
const { ProofPickles } = require('./proof_pickles.cjs');
const { ProofStates } = require('./proof_states.cjs');
const { ProofStatus } = require('./proof_status.cjs');
const { ProofSteps } = require('./proof_steps.cjs');
const { Sorries } = require('./sorries.cjs');
const { SorryDecls } = require('./sorry_decls.cjs');
const { TacticRows } = require('./tactic_rows.cjs');
const { Tactics } = require('./tactics.cjs');
const { TreeJson } = require('./tree_json.cjs');
const { Trees } = require('./trees.cjs');

/** What the package lacks for `bv_decide`, which runs a solver, and for others who read what a process writes. */
const PROCESSES = 'processes, and the source starts one';

/** A request that cannot be answered as asked; the session goes on. */
class Refusal extends Error {
  /** `unsupported` is what this Lean lacks for it. */
  constructor(message, unsupported = []) {
    super(message);
    this.unsupported = unsupported;
  }
}

/** Runs the body; an error of Lean or of a file ends the process, with all of its text on one line. */
function fatal(body) {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof LeanError || error instanceof FileError)) throw error;
    throw new Error(error.message.replaceAll(/\s*\n\s*/g, ' '));
  }
}

/** The lists that are not empty. */
function withoutEmpty(lists) {
  return Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));
}

class Session {
  #abi;
  #files;
  #frontend;
  #headers;
  #imports;
  #initializers;
  #missingBodies;
  #monads;
  #pickles;
  #proofPickles;
  #proofs;
  #sorries;
  #sorryDecls;
  #steps;
  #tacticRows;
  #tactics;
  #treeJson;
  /** A `Command.State` for each number of an environment, and a proof state for each of theirs. */
  #states = [];
  #proofStates = [];

  /** `files` is the file system that Lean sees; `imported` is what it has imported, if it was thawed. */
  constructor({ abi, files, imported }) {
    this.#abi = abi;
    this.#frontend = new Frontend(abi);
    this.#initializers = new Initializers(abi);
    const imports = this.#imports = new Imports(abi, this.#initializers);
    if (imported) imports.adopt(imported);
    this.#headers = new Headers(abi, this.#frontend, imports);
    this.#files = new Files(files);
    this.#pickles = new Pickles(abi, this.#files, this.#frontend, imports);
    const monads = this.#monads = new Monads(abi);
    const trees = new Trees(abi, this.#frontend);
    this.#missingBodies = new MissingBodies(abi, this.#frontend, trees);
    this.#proofs = new ProofStates(abi, this.#frontend, imports, monads);
    this.#proofPickles = new ProofPickles(abi, this.#frontend, this.#pickles, this.#proofs);
    this.#sorryDecls = new SorryDecls(abi, trees);
    this.#sorries = new Sorries(abi, trees, this.#proofs);
    this.#tacticRows = new TacticRows(abi, monads, trees);
    this.#tactics = new Tactics(abi, monads, trees, this.#proofs);
    this.#treeJson = new TreeJson(abi, monads, trees, this.#tactics);
    const status = new ProofStatus(abi, this.#frontend, monads, this.#proofs);
    this.#steps = new ProofSteps(abi, this.#frontend, this.#sorries, this.#proofs, status);
  }

  /**
   * Answers a request of wire.cjs or compile.cjs. A pickle that cannot be written or read ends the
   * process, as it does that of the REPL: nobody goes on without noticing.
   */
  answer({ kind, fields }) {
    try {
      switch (kind) {
        case 'cmd': return this.#runCommand(fields.cmd, fields);
        case 'path': return this.#runFile(fields);
        case 'tactic': return this.#runTactic(fields);
        case 'pickleTo': return fatal(() => this.#pickle(fields));
        case 'unpickleEnvFrom': return fatal(() => this.#unpickle(fields.unpickleEnvFrom));
        case 'unpickleProofStateFrom': return fatal(() => this.#unpickleProof(fields));
        case 'compile': return this.#compile(fields);
        default: throw new Error(`a request of an unknown kind: ${kind}`);
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { message, unsupported } = error;
      return { message, ...withoutEmpty({ unsupported }) };
    }
  }

  /** What is known of the present state of the memory, for `load`. */
  save() {
    return { states: [...this.#states], proofStates: [...this.#proofStates], imported: this.#imports.save() };
  }

  /** Knows what was known when `saved` was made; the memory is as it was then. */
  load({ states, proofStates, imported }) {
    this.#states = [...states];
    this.#proofStates = [...proofStates];
    this.#imports.load(imported);
    this.#proofs.forgetContexts();
    this.#monads.forget();
  }

  #pickle({ env, proofState, pickleTo }) {
    if (env !== undefined) {
      this.#pickles.saveEnvironment(this.#state(env), pickleTo);
      return { env };
    }
    const state = this.#proof(proofState, 'Unknown proof State.');
    this.#proofPickles.save(state, pickleTo);
    return this.#replyOf(() => this.#abi.use(state));
  }

  #unpickle(file) {
    return { env: this.#record(this.#pickles.loadEnvironment(file)) };
  }

  #unpickleProof({ unpickleProofStateFrom, env }) {
    if (env === undefined) this.#initializers.allow();
    const given = env === undefined ? undefined : this.#frontend.environment(this.#state(env));
    return this.#replyOf(() => this.#proofPickles.load(unpickleProofStateFrom, given));
  }

  /** The state with that number, lent. */
  #state(env) {
    if (!(env in this.#states)) throw new Refusal('Unknown environment.');
    return this.#states[env];
  }

  /** The number of a new state, which is owned. */
  #record(state) {
    return this.#states.push(state) - 1;
  }

  /** The proof state with that number, lent. */
  #proof(proofState, otherwise) {
    if (!(proofState in this.#proofStates)) throw new Refusal(otherwise);
    return this.#proofStates[proofState];
  }

  #runTactic({ tactic, proofState }) {
    const before = this.#proof(proofState, 'Unknown proof state.');
    const lack = () => this.#missingBodies.ofTactic(this.#proofs, before, tactic);
    try {
      const reply = this.#replyOf(() => this.#proofs.step(before, tactic), before);
      const failed = reply.messages?.some(({ severity }) => severity === 'error');
      return { ...reply, ...withoutEmpty({ unsupported: failed ? lack() : [] }) };
    } catch (error) {
      if (error instanceof LeanError) throw new Refusal(`Lean error:\n${error.message}`, lack());
      throw error;
    }
  }

  /** The reply about the owned proof state that `make` makes, after the lent one `before`, if any. */
  #replyOf(make, before) {
    const record = state => this.#proofStates.push(state) - 1;
    return this.#abi.scope(() => this.#steps.reply(this.#abi.own(make()), before, record));
  }

  /** Compiles a module; the messages are the reply. */
  #compile({ source, module, olean }) {
    const abi = this.#abi;
    const frontend = this.#frontend;
    this.#initializers.allow();
    return abi.scope(() => {
      const context = abi.own(frontend.inputContext(readText(source)));
      const header = this.#headers.open(context);
      const env = abi.call('l_Lean_Environment_setMainModule', abi.use(header.env), nameOf(abi, module));
      const { state, isEnd } = frontend.elaborate(context, header.parserState, frontend.stateIn(env));
      const after = abi.own(state);
      const messages = [...header.messages, ...frontend.messages(after)];
      const hadErrors = frontend.hadErrors(after) || messages.some(({ severity }) => severity === 'error');
      if (isEnd && !hadErrors) {
        this.#files.receive(olean, inner =>
          abi.run('l_Lean_writeModule', abi.use(frontend.environment(after)), abi.string(inner)));
      }
      return { messages };
    });
  }

  #runFile(fields) {
    try {
      return this.#runCommand(readText(fields.path), fields);
    } catch (error) {
      if (error instanceof FileError) throw new Refusal(error.message);
      throw error;
    }
  }

  #runCommand(text, options) {
    const given = options.env === undefined ? undefined : this.#state(options.env);
    this.#initializers.allow();
    try {
      return this.#abi.scope(() => this.#elaborate(text, given, options));
    } catch (error) {
      if (error instanceof LeanError) throw new Refusal(error.message);
      throw error;
    }
  }

  /** Elaborates in a lent state; without one, in that which the header of the text makes. */
  #elaborate(text, given, options) {
    const abi = this.#abi;
    const frontend = this.#frontend;
    const context = abi.own(frontend.inputContext(text));
    const header = given === undefined ? this.#headers.open(context) : undefined;
    const before = header ? abi.own(this.#begin(header.env, options.tacticRows)) : given;
    const parserState = header?.parserState ?? frontend.startOfText();
    const pipes = asked.pipes;
    const { state, isEnd } = frontend.elaborate(context, abi.use(abi.own(parserState)), abi.use(before));
    const after = abi.own(state);
    const wantsProcess = asked.pipes > pipes;
    const trees = frontend.infoTrees(after);
    const messages = [...header?.messages ?? [], ...frontend.messages(after)];
    const found = this.#look(trees, frontend.environment(before), options);
    const sorryDecls = options.sorryDecls
      ? this.#sorryDecls.find(frontend.environment(before), frontend.environment(after), trees)
      : undefined;
    const isRejected = messages.some(({ severity }) => severity === 'error');
    const unsupported = isRejected ? this.#lacks({ context, parserState, before, after, text }, wantsProcess) : [];
    const env = this.#record(frontend.forget(after, before));
    const hadErrors = frontend.hadErrors(after);
    const isHidden = hadErrors && !isRejected;
    return {
      env, ...withoutEmpty({ messages, ...found, unsupported }), sorryDecls,
      ...(isHidden && { hadErrors: true }), ...(!isEnd && { endReached: false }),
      ...(options.tacticRows && { tacticRows: this.#rowsOf(trees, options.tacticRows, hadErrors || isRejected) }),
    };
  }

  /** The owned state after a header, which made the lent environment; rows of tactics are made as a compiler does. */
  #begin(env, tacticRows) {
    const abi = this.#abi;
    if (tacticRows === undefined) return this.#frontend.stateIn(abi.use(env));
    const { module } = tacticRows;
    if (module === undefined) return this.#frontend.stateIn(abi.use(env), { async: true });
    const name = abi.own(parseName(abi, module));
    if (isAnonymous(name)) throw new Refusal(`\`${module}\` is not the name of a module`);
    const named = abi.call('l_Lean_Environment_setMainModule', abi.use(env), abi.use(name));
    return this.#frontend.stateIn(named, { async: true });
  }

  /** The rows of the lent trees; a source that Lean rejects has none. */
  #rowsOf(trees, wanted, isRejected) {
    return isRejected ? { rows: [], next: null } : this.#tacticRows.of(trees, wanted);
  }

  /** What the package lacks for a source with errors, which MissingBodies looks into. */
  #lacks(run, wantsProcess) {
    return wantsProcess ? [PROCESSES] : this.#missingBodies.of(run);
  }

  /** What the options want to know of the lent trees; `env`, lent, is that before the text. */
  #look(trees, env, { allTactics, infotree, rootGoals }) {
    const record = state => this.#proofStates.push(state) - 1;
    const sorries = this.#sorries.collect(trees, { env }, record);
    if (rootGoals) sorries.push(...this.#tactics.rootGoals(trees, env, record));
    const tactics = allTactics ? this.#tactics.collect(trees, env, record) : [];
    return { sorries, tactics, infotree: this.#treeJson.of(trees, infotree) };
  }
}

module.exports = { Session };
