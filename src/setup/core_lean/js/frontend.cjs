'use strict';
/**
 * Elaborates text in an environment, as `IO.processInput` of the REPL does, and reads what Lean says
 * of it. Knows no request and keeps nothing; imports are in header.cjs.
 */
const { WORLD, box } = require('./abi.cjs');
const { nameOf } = require('./names.cjs');

/** Private functions of Lean's library under their compiled names. */
const PARSE_COMMAND = 'l___private_Lean_Language_Lean_0__Lean_Language_Lean_process_parseCmd';
const COLLECT =
  'l___private_Lean_Elab_Frontend_0__Lean_Elab_IO_processCommandsIncrementally_go';

/** Fields of `Lean.Elab.Command.State`, of its `InfoState` and of `PersistentArray`. */
const STATE = { env: 0, messages: 1, infoState: 8, traceState: 9, snapshotTasks: 10 };
const INFO_TREES = 2;
const PERSISTENT = { root: 0, tail: 1 };

/** Fields of `Lean.Elab.Frontend.State`. */
const END = { state: 0, commands: 3 };

/** Severities by the names that Lean gives them. */
const SEVERITY = { information: 'info', warning: 'warning', error: 'error' };

/** Lean's `trimAscii`. */
function trim(text) {
  const isSpace = at => ' \t\r\n'.includes(text[at]);
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(start)) start++;
  while (end > start && isSpace(end - 1)) end--;
  return text.slice(start, end);
}

class Frontend {
  #abi;

  constructor(abi) {
    this.#abi = abi;
  }

  /** A `Parser.InputContext` of the text, owned; line ends become newlines. */
  inputContext(text) {
    const normalize = box(1);
    const length = Buffer.byteLength(text, 'utf8');
    const proof = box(0);
    const abi = this.#abi;
    return abi.call('l_Lean_Parser_mkInputContext',
      abi.string(text), abi.string('<input>'), normalize, box(length), proof);
  }

  /** A `ModuleParserState` at the start of a text without header, owned. */
  startOfText() {
    const position = box(0);
    const recovering = 0;
    return this.#abi.construct(0, [position], [recovering]);
  }

  /**
   * Elaborates the commands after `parserState`; consumes that and `state`, lends `context`.
   * Gives the owned `Command.State` after them, with all messages and info trees, and whether the last
   * command is one that ends a source: elaboration that is cancelled stops before it.
   */
  elaborate(context, parserState, state) {
    const abi = this.#abi;
    return abi.scope(() => {
      const promise = abi.own(abi.call('lean_io_promise_new'));
      const noOld = box(0);
      // `processCommands` starts a task here, whose thread has a stack that nobody chose.
      const startTask = box(0);
      const cancel = abi.call('l_IO_CancelToken_new', WORLD);
      const processing = abi.construct(0, [abi.use(context), noOld]);
      abi.drop(abi.call(PARSE_COMMAND,
        noOld, parserState, state, abi.use(promise), startTask, cancel, processing, WORLD));
      const task = abi.own(abi.call('l_IO_Promise_result_x21', box(0), abi.use(promise)));
      // A plain C function: it borrows the task and lends its value.
      const first = abi.call('lean_task_get', task);
      const collected = abi.own(abi.call(COLLECT,
        abi.use(context), abi.use(first), abi.use(task), abi.array(), WORLD));
      const end = abi.field(collected, 0);
      const last = abi.elements(abi.field(end, END.commands)).at(-1);
      const isEnd = last !== undefined && abi.tag(abi.call('l_Lean_Parser_isTerminalCommand', abi.use(last))) === 1;
      return { state: abi.use(abi.field(end, END.state)), isEnd };
    });
  }

  /**
   * The state without messages, info trees, traces and tasks, which the next command resets anyway;
   * they would keep every intermediate environment alive. `blank`, a fresh state, lends the empty ones.
   */
  forget(state, blank) {
    const abi = this.#abi;
    const reset = [STATE.messages, STATE.infoState, STATE.traceState, STATE.snapshotTasks];
    return abi.with(state, reset.map(index => [index, abi.use(abi.field(blank, index))]));
  }

  /**
   * A `Command.State` in the environment, which is consumed, as at the start of a text. With `async` Lean elaborates
   * proofs in tasks, as it does on the command line; it then lets public declarations of a `module` use private ones
   * where the option `backward.privateInPublic` says so.
   */
  stateIn(env, { async = false } = {}) {
    const abi = this.#abi;
    const none = abi.constant('l_Lean_Options_empty');
    const yes = box(1);
    const options = async ? abi.call('l_Lean_KVMap_setBool', abi.use(none), nameOf(abi, 'Elab.async'), yes) : abi.use(none);
    return abi.call('l_Lean_Elab_Command_mkState', env, abi.constant('l_Lean_MessageLog_empty'), options);
  }

  /** The `Command.Context` that every state of the REPL has, owned. */
  blankContext() {
    const abi = this.#abi;
    const [recursion, position, macros, none, missing] = [0, 0, 0, 0, 0].map(box);
    const [fileMap, scope] = ['l_Lean_instInhabitedFileMap', 'l_Lean_firstFrontendMacroScope']
      .map(name => abi.constant(name));
    const suppressErrors = 0;
    return abi.construct(0, [abi.string(''), fileMap, recursion, position, macros, none, scope, missing, none, none],
      [suppressErrors]);
  }

  /** The lent state with another environment, which is consumed; owned. */
  withEnvironment(state, env) {
    return this.#abi.with(state, [[STATE.env, env]]);
  }

  /** The environment of a state, lent. */
  environment(state) {
    return this.#abi.field(state, STATE.env);
  }

  /** The messages of a state, as the protocol has them; if asked for with the `kind` that Lean gives each. */
  messages(state, { withKinds = false } = {}) {
    return this.readLog(this.#abi.field(state, STATE.messages), 0, { withKinds });
  }

  /** Whether an error was reported, even if it is in no message any more. */
  hadErrors(state) {
    const abi = this.#abi;
    return abi.tag(abi.call('l_Lean_MessageLog_hasErrors', abi.use(abi.field(state, STATE.messages)))) === 1;
  }

  /** The messages of a lent `MessageLog`, without the first ones, if they are `known`. */
  readLog(log, known = 0, { withKinds = false } = {}) {
    const abi = this.#abi;
    return abi.scope(() => {
      const list = abi.own(abi.call('l_Lean_MessageLog_toList', abi.use(log)));
      return [...abi.list(list)].slice(known).map(message => this.#message(message, withKinds));
    });
  }

  /** How many messages a lent `MessageLog` has. */
  countLog(log) {
    const abi = this.#abi;
    return abi.scope(() => [...abi.list(abi.own(abi.call('l_Lean_MessageLog_toList', abi.use(log))))].length);
  }

  #message(object, withKinds) {
    const abi = this.#abi;
    const json = abi.call('l_Lean_Message_toJson', abi.use(object), WORLD);
    const text = abi.call('l_Lean_Json_compress', json);
    const message = JSON.parse(abi.text(text));
    abi.drop(text);
    return {
      severity: SEVERITY[message.severity],
      pos: message.pos,
      endPos: message.endPos,
      data: trim(message.data),
      ...(withKinds && { kind: message.kind }),
    };
  }

  /** The info trees of a state, lent. */
  infoTrees(state) {
    const abi = this.#abi;
    return [...this.persistent(abi.field(abi.field(state, STATE.infoState), INFO_TREES))];
  }

  /** The elements of a `PersistentArray`, lent. */
  *persistent(array) {
    yield* this.#persistentNode(this.#abi.field(array, PERSISTENT.root));
    yield* this.#abi.elements(this.#abi.field(array, PERSISTENT.tail));
  }

  *#persistentNode(node) {
    const abi = this.#abi;
    const isLeaf = abi.tag(node) === 1;
    for (const element of abi.elements(abi.field(node, 0))) {
      if (isLeaf) yield element;
      else yield* this.#persistentNode(element);
    }
  }
}

module.exports = { Frontend, trim };
