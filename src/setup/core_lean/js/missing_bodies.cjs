'use strict';
/**
 * Tells the errors of a source from those that come from the package: it holds each module as other
 * modules see it, with definitions whose bodies are not exposed, where a source without `module` may look
 * into all of them. What body_trial.cjs needs is prepared here; most wrong sources need no trial.
 */
const { BodyTrial, isCertain } = require('./body_trial.cjs');
const { CommandRanges } = require('./command_ranges.cjs');
const { MetConstants } = require('./met_constants.cjs');
const { Refuter } = require('./refuter.cjs');
const { StandIns } = require('./stand_ins.cjs');
const { bodiesNeeded } = require('./tactic_trial.cjs');

/** The byte of `EnvironmentHeader`, after the trust level, that says that the source began with `module`. */
const IS_MODULE = 4;

/** How many commands that fail are looked into. If no error of theirs is certain, those after them do not count. */
const MOST_COMMANDS = 50;

/** How a body that is missing is named. */
const body = name => `the body of \`${name}\``;

class MissingBodies {
  #abi;
  #frontend;
  #tools;

  constructor(abi, frontend, trees) {
    this.#abi = abi;
    this.#frontend = frontend;
    this.#tools = {
      abi, frontend, met: new MetConstants(abi, frontend, trees), standIns: new StandIns(abi),
      ranges: new CommandRanges(abi, trees), refuter: new Refuter(abi, frontend, trees),
    };
  }

  /**
   * What the package lacks for a source with errors, if each may come from that; empty if one does not.
   * All is lent: the input `context` of an elaboration, its `parserState`, the states `before` and `after`
   * it, and the `text` of the source.
   */
  of(run) {
    const abi = this.#abi;
    return abi.scope(() => {
      if (this.#isModule(this.#frontend.environment(run.before))) return [];
      const { ranges } = this.#tools;
      const messages = this.#frontend.messages(run.after, { withKinds: true });
      const failed = ranges.of(this.#frontend.infoTrees(run.after), run.text, messages)
        .filter(({ errors }) => errors.length > 0)
        .slice(0, MOST_COMMANDS);
      if (failed.length === 0 || failed[0].errors.some(error => isCertain(failed[0], error))) return [];
      return new BodyTrial(this.#tools, run, failed).judge().map(body);
    });
  }

  /** The same for a tactic that fails on the goals of a lent proof state. */
  ofTactic(states, state, tactic) {
    return this.#abi.scope(() => this.#isModule(states.environment(state))
      ? [] : bodiesNeeded(this.#tools, states, state, tactic).map(body));
  }

  #isModule(env) {
    const abi = this.#abi;
    return abi.scope(() => abi.scalar(abi.own(abi.call('l_Lean_Environment_header', abi.use(env))), IS_MODULE) === 1);
  }
}

module.exports = { MissingBodies };
