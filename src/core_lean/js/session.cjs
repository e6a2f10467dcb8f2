'use strict';
/**
 * One session: the environments and proof states that requests name by number, and the answer to
 * each request. The only place that knows which requests there are.
 */
const fs = require('fs');
const { LeanError } = require('./abi.cjs');
const { refuseAxioms } = require('./axioms.cjs');
const { Frontend } = require('./frontend.cjs');
const { Headers } = require('./header.cjs');
const { lacks } = require('./lacks.cjs');
const { Sorries } = require('./sorries.cjs');

/** Values of `infotree` that mean something; others are ignored, as in the REPL. */
const INFO_TREES = ['full', 'tactics', 'original', 'substantive'];

/** What Lean calls the errors of reading a file. */
const FILE_ERRORS = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'inappropriate type',
  ENOTDIR: 'inappropriate type',
};

/** A request that cannot be answered as asked; the session goes on. */
class Refusal extends Error {}

/** The text of a file of the machine, relative to the folder in which the process runs. */
function readFile(file) {
  let bytes;
  try {
    bytes = fs.readFileSync(file);
  } catch (error) {
    const problem = FILE_ERRORS[error.code] ?? error.message;
    throw new Refusal(`${problem} (error code: ${Math.abs(error.errno ?? 0)})\n  file: ${file}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal(`Tried to read file '${file}' containing non UTF-8 data.`);
  }
}

/** The first thing in the request that core Lean cannot do yet, or `undefined`. */
function unsupported({ kind, fields }) {
  if (kind !== 'cmd' && kind !== 'path') return kind;
  if (fields.allTactics) return 'allTactics';
  if (fields.rootGoals) return 'rootGoals';
  return INFO_TREES.includes(fields.infotree) ? 'infotree' : undefined;
}

class Session {
  #abi;
  #frontend;
  #headers;
  #sorries;
  /** A `Command.State` for each number of an environment. */
  #states = [];
  #proofStates = 0;

  constructor(abi) {
    this.#abi = abi;
    refuseAxioms(abi);
    this.#frontend = new Frontend(abi);
    this.#headers = new Headers(abi, this.#frontend);
    this.#sorries = new Sorries(abi, this.#frontend);
  }

  /** Answers a request of wire.cjs. */
  answer(request) {
    try {
      const missing = unsupported(request);
      if (missing) throw new Refusal(`core Lean does not support \`${missing}\` yet`);
      const { cmd, path, env } = request.fields;
      return this.#runCommand(cmd ?? readFile(path), env);
    } catch (error) {
      if (error instanceof Refusal || error instanceof LeanError) return { message: error.message };
      throw error;
    }
  }

  #runCommand(text, env) {
    const abi = this.#abi;
    if (env !== undefined && !(env in this.#states)) throw new Refusal('Unknown environment.');
    return abi.scope(() => {
      const frontend = this.#frontend;
      const context = abi.own(frontend.inputContext(text));
      const { state, parserState, messages } = env === undefined
        ? this.#headers.open(context)
        : { state: abi.use(this.#states[env]), parserState: frontend.startOfText(), messages: [] };
      const before = abi.own(state);
      const after = abi.own(frontend.elaborate(context, parserState, abi.use(before)));
      messages.push(...frontend.messages(after));
      const sorries = this.#sorries.collect(
        frontend.infoTrees(after), frontend.environment(before), () => this.#proofStates++);
      this.#states.push(frontend.forget(after, before));
      const missing = lacks(messages);
      return {
        env: this.#states.length - 1,
        ...(messages.length > 0 && { messages }),
        ...(sorries.length > 0 && { sorries }),
        ...(missing.length > 0 && { lacks: missing }),
      };
    });
  }
}

module.exports = { Session };
