'use strict';
/**
 * Refuses `#print axioms`. The package holds imported theorems without their proofs, so Lean would
 * name the theorems themselves as axioms and not those that they use: a wrong answer.
 */
const { box } = require('./abi.cjs');
const { AXIOMS } = require('./lacks.cjs');
const { nameOf } = require('./names.cjs');

const KIND = 'Lean.Parser.Command.printAxioms';

/** Arguments of a command's elaborator, with the world. */
const COMMAND_ARITY = 4;

/** Replaces the elaborator for every environment that is imported after this. */
function refuseAxioms(abi) {
  const name = nameOf(abi, KIND);
  const elaborate = abi.expose((stx, context, state) => {
    abi.drop(context);
    abi.drop(state);
    const message = abi.call('l_Lean_stringToMessageData', abi.string(AXIOMS));
    const exception = abi.construct(0, [stx, message]);
    return abi.construct(1, [exception]);
  }, COMMAND_ARITY);
  abi.drop(abi.run('l_Lean_KeyedDeclsAttribute_addBuiltin', box(0),
    abi.constant('l_Lean_Elab_Command_commandElabAttribute'), abi.use(name), name,
    abi.callback(elaborate, COMMAND_ARITY)));
}

module.exports = { refuseAxioms };
