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

/** The address of the elaborator in this thread, which is the same in each that asks first for it. */
function exposeRefusal(abi) {
  return abi.expose((stx, context, state) => {
    abi.drop(context);
    abi.drop(state);
    const message = abi.call('l_Lean_stringToMessageData', abi.string(AXIOMS));
    const exception = abi.construct(0, [stx, message]);
    return abi.construct(1, [exception]);
  }, COMMAND_ARITY);
}

/** Puts the elaborator at that address into every environment that is imported after this. */
function refuseAxioms(abi, address) {
  const name = nameOf(abi, KIND);
  abi.drop(abi.run('l_Lean_KeyedDeclsAttribute_addBuiltin', box(0),
    abi.constant('l_Lean_Elab_Command_commandElabAttribute'), abi.use(name), name,
    abi.callback(address, COMMAND_ARITY)));
}

module.exports = { exposeRefusal, refuseAxioms };
