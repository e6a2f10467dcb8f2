'use strict';
/** Texts of `Std.Format`s and goals. */
const { WORLD, box } = require('./abi.cjs');

/** Width of a page of `Std.Format`. */
const PAGE_WIDTH = 120;

/** The text of a format, which is consumed. */
function pretty(abi, format) {
  return abi.scope(() => {
    const [indent, column] = [0, 0];
    return abi.text(abi.own(abi.call('l_Std_Format_pretty', format, box(PAGE_WIDTH), box(indent), box(column))));
  });
}

/** The goals of a lent list as Lean prints them, inside an action of `MetaM`. */
function goalTexts(abi, monads, goals, meta) {
  return [...abi.list(goals)].map(goal =>
    pretty(abi, monads.call('l_Lean_Meta_ppGoal', abi.use(goal), ...meta.map(arg => abi.use(arg)))));
}

/** What a message, which is consumed, says. */
function messageText(abi, message) {
  return abi.scope(() => abi.text(abi.own(abi.call('l_Lean_MessageData_toString', message, WORLD))));
}

/** What an exception of Lean, which is consumed, says. */
function exceptionText(abi, exception) {
  return messageText(abi, abi.call('l_Lean_Exception_toMessageData', exception));
}

module.exports = { exceptionText, goalTexts, messageText, pretty };
