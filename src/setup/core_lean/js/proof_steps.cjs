'use strict';
/** Replies about proof states: `createProofStepReponse` in REPL/Main.lean at v4.27. */
const { messageText } = require('./formats.cjs');
const { trim } = require('./frontend.cjs');

/** Fields of `InfoState`, `TraceState` and `TraceElem`. */
const INFO_STATE = { assignment: 0, trees: 2 };
const TRACES = 0;
const TRACE_MESSAGE = 1;

class ProofSteps {
  #abi;
  #frontend;
  #sorries;
  #states;
  #status;

  constructor(abi, frontend, sorries, states, status) {
    this.#abi = abi;
    this.#frontend = frontend;
    this.#sorries = sorries;
    this.#states = states;
    this.#status = status;
  }

  /**
   * The reply about a lent proof state, with what is new since the lent one `before`, if there is
   * one. `record` takes a reference to it and to those of its sorries and gives their numbers.
   */
  reply(state, before, record) {
    const abi = this.#abi;
    return abi.scope(() => {
      const logs = this.#states.logs(state);
      const old = before === undefined ? undefined : this.#states.logs(before);
      const known = old === undefined ? 0 : this.#frontend.countLog(old.messages);
      const messages = this.#frontend.readLog(logs.messages, known);
      const traces = this.#elements(logs.traceState, TRACES)
        .slice(old === undefined ? 0 : this.#elements(old.traceState, TRACES).length)
        .map(element => trim(messageText(abi, abi.use(abi.field(element, TRACE_MESSAGE)))));
      const { rootGoals } = this.#states.parts(state);
      const sorries = this.#sorries.collect(this.#newTrees(logs, old, before), { rootGoals }, record);
      const proofState = record(abi.use(state));
      return {
        proofState,
        goals: this.#states.goalTexts(state),
        ...(messages.length > 0 && { messages }),
        ...(sorries.length > 0 && { sorries }),
        ...(traces.length > 0 && { traces }),
        proofStatus: this.#status.of(state),
      };
    });
  }

  /** The new info trees, whole and in the context of the old state; they live as long as the scope. */
  #newTrees(logs, old, before) {
    const abi = this.#abi;
    const assignment = abi.field(logs.infoState, INFO_STATE.assignment);
    const whole = this.#elements(logs.infoState, INFO_STATE.trees)
      .slice(old === undefined ? 0 : this.#elements(old.infoState, INFO_STATE.trees).length)
      .map(tree => abi.own(abi.call('l_Lean_Elab_InfoTree_substitute', abi.use(tree), abi.use(assignment))));
    if (before === undefined || whole.length === 0) return whole;
    const context = abi.own(this.#states.context(before));
    const inContext = 0;
    return whole.map(tree => abi.own(abi.construct(inContext, [abi.use(context), abi.use(tree)])));
  }

  #elements(object, field) {
    return [...this.#frontend.persistent(this.#abi.field(object, field))];
  }
}

module.exports = { ProofSteps };
