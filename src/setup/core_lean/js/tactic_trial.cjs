'use strict';
/** Tries a tactic that fails on the goals of a proof state again, where definitions have stand-ins. */
const { Bodiless } = require('./bodiless.cjs');
const { asksForLemmas, originOf, words } = require('./body_trial.cjs');
const { countedIn } = require('./counting.cjs');
const { StandIns } = require('./stand_ins.cjs');

/** The errors of what `ProofStates.count` gives. */
const errorsOf = ({ messages, error }) =>
  [...messages.filter(({ severity }) => severity === 'error').map(({ data }) => data), error ?? ''].join('\n');

/** The names in a tactic, and what they may stand for: with the namespaces of the constants that are met. */
function namesIn(tactic, met) {
  const prefixes = new Set(['', ...met.map(name => name.slice(0, name.lastIndexOf('.') + 1))]);
  return [...words(tactic)].map(originOf).flatMap(word => [...prefixes].map(prefix => prefix + word));
}

/**
 * The definitions without a body that a tactic looks into on the goals of a lent proof state, or on which its
 * errors depend.
 */
function bodiesNeeded({ abi, met, standIns }, states, state, tactic) {
  const env = states.environment(state);
  const bodiless = new Bodiless(abi, standIns, env);
  const inGoals = [...met.ofGoals(states.parts(state).goals, states.metavariables(state))];
  const plain = states.count(state, tactic, env);
  const own = [...inGoals, ...namesIn(tactic, inGoals), ...countedIn(plain.messages)].filter(name => bodiless.has(name));
  if (own.length === 0) return [];
  const tried = states.count(state, tactic, abi.own(standIns.provide(env, bodiless.names)));
  const depends = asksForLemmas(tactic) || errorsOf(tried) !== errorsOf(plain);
  const looked = StandIns.mentioned([...tried.messages.map(({ data }) => data), tried.error ?? ''].join('\n'));
  return [...new Set(depends ? own : looked)].sort();
}

module.exports = { bodiesNeeded };
