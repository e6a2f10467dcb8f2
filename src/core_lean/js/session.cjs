'use strict';
/**
 * One session: the environments and proof states that requests name by number, and the answer to
 * each request. The only place that knows which requests there are.
 */
const { LeanError } = require('./abi.cjs');
const { refuseAxioms } = require('./axioms.cjs');
const { FileError, Files, readText } = require('./files.cjs');
const { Frontend } = require('./frontend.cjs');
const { Headers } = require('./header.cjs');
const { Imports } = require('./imports.cjs');
const { Initializers } = require('./initializers.cjs');
const { lacks } = require('./lacks.cjs');
const { nameOf } = require('./names.cjs');
const { Pickles } = require('./pickles.cjs');
const { Sorries } = require('./sorries.cjs');

/** Values of `infotree` that mean something; others are ignored, as in the REPL. */
const INFO_TREES = ['full', 'tactics', 'original', 'substantive'];

/** A request that cannot be answered as asked; the session goes on. */
class Refusal extends Error {}

/** Runs the body; an error of Lean or of a file ends the process, with all of its text on one line. */
function fatal(body) {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof LeanError || error instanceof FileError)) throw error;
    throw new Error(error.message.replaceAll(/\s*\n\s*/g, ' '));
  }
}

/** The first thing in the options of a command that core Lean cannot do yet, or `undefined`. */
function unsupported(fields) {
  if (fields.allTactics) return 'allTactics';
  if (fields.rootGoals) return 'rootGoals';
  return INFO_TREES.includes(fields.infotree) ? 'infotree' : undefined;
}

class Session {
  #abi;
  #files;
  #frontend;
  #headers;
  #initializers;
  #pickles;
  #sorries;
  /** A `Command.State` for each number of an environment. */
  #states = [];
  #proofStates = 0;

  constructor({ abi, memory }) {
    this.#abi = abi;
    refuseAxioms(abi);
    this.#frontend = new Frontend(abi);
    this.#initializers = new Initializers(abi);
    const imports = new Imports(abi, this.#initializers);
    this.#headers = new Headers(abi, this.#frontend, imports);
    this.#files = new Files(memory);
    this.#pickles = new Pickles(abi, this.#files, this.#frontend, imports);
    this.#sorries = new Sorries(abi, this.#frontend);
  }

  /**
   * Answers a request of wire.cjs or compile.cjs. A pickle that cannot be written or read ends the process, as it
   * does that of the REPL: nobody goes on without noticing.
   */
  answer({ kind, fields }) {
    try {
      switch (kind) {
        case 'cmd': return this.#runCommand(fields.cmd, fields);
        case 'path': return this.#runFile(fields);
        case 'pickleTo': return fatal(() => this.#pickle(fields));
        case 'unpickleEnvFrom': return fatal(() => this.#unpickle(fields.unpickleEnvFrom));
        case 'compile': return this.#compile(fields);
        default: throw new Refusal(`core Lean does not support \`${kind}\` yet`);
      }
    } catch (error) {
      if (error instanceof Refusal) return { message: error.message };
      throw error;
    }
  }

  #pickle({ env, pickleTo }) {
    if (env === undefined) throw new Refusal('core Lean does not support `pickleTo` of a proof state yet');
    this.#pickles.saveEnvironment(this.#state(env), pickleTo);
    return { env };
  }

  #unpickle(file) {
    return { env: this.#record(this.#pickles.loadEnvironment(file)) };
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

  /** Compiles a module; the messages are the reply. */
  #compile({ source, module, olean }) {
    const abi = this.#abi;
    const frontend = this.#frontend;
    this.#initializers.allow();
    return abi.scope(() => {
      const context = abi.own(frontend.inputContext(readText(source)));
      const header = this.#headers.open(context);
      const env = abi.call('l_Lean_Environment_setMainModule', abi.use(header.env), nameOf(abi, module));
      const after = abi.own(frontend.elaborate(context, header.parserState, frontend.stateIn(env)));
      const messages = [...header.messages, ...frontend.messages(after)];
      if (!messages.some(({ severity }) => severity === 'error')) {
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
    const missing = unsupported(options);
    if (missing) throw new Refusal(`core Lean does not support \`${missing}\` yet`);
    const given = options.env === undefined ? undefined : this.#state(options.env);
    this.#initializers.allow();
    try {
      return this.#abi.scope(() => this.#elaborate(text, given));
    } catch (error) {
      if (error instanceof LeanError) throw new Refusal(error.message);
      throw error;
    }
  }

  /** Elaborates in a lent state; without one, in that which the header of the text makes. */
  #elaborate(text, given) {
    const abi = this.#abi;
    const frontend = this.#frontend;
    const context = abi.own(frontend.inputContext(text));
    const header = given === undefined ? this.#headers.open(context) : undefined;
    const before = header ? abi.own(frontend.stateIn(abi.use(header.env))) : given;
    const parserState = header?.parserState ?? frontend.startOfText();
    const after = abi.own(frontend.elaborate(context, parserState, abi.use(before)));
    const messages = [...header?.messages ?? [], ...frontend.messages(after)];
    const sorries = this.#sorries.collect(
      frontend.infoTrees(after), frontend.environment(before), () => this.#proofStates++);
    const env = this.#record(frontend.forget(after, before));
    const missing = lacks(messages);
    return {
      env,
      ...(messages.length > 0 && { messages }),
      ...(sorries.length > 0 && { sorries }),
      ...(missing.length > 0 && { lacks: missing }),
    };
  }
}

module.exports = { Session };
