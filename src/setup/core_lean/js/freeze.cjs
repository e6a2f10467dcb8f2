'use strict';
/**
 * Makes the file from which main.cjs starts faster, at install, and proves it:
 *
 *     node freeze.cjs PACKAGE_DIR PATCHED_LEAN_JS FROZEN keep|prove
 *
 * `keep` writes FROZEN, which appears whole or not at all; `prove` fails unless Lean starts from it and
 * tells a right text from a wrong one. Variables are as for main.cjs. Exit codes: 0 done, 1 not proven,
 * others as those of main.cjs.
 */
const { exit, startLean } = require('./supervisor.cjs');
const { verdict } = require('./thread.cjs');

/** Texts, and whether Lean must find an error in them. */
const PROOFS = [['example (a b : Nat) (h : a < b) : a + 1 ≤ b := by omega', false], ['example : 1 + 1 = 3 := by decide', true]];

/** Fails unless the answers are right. */
async function prove(ask) {
  for (const [cmd, isWrong] of PROOFS) {
    const { messages = [] } = await ask({ kind: 'cmd', fields: { cmd } });
    if (messages.some(({ severity }) => severity === 'error') !== isWrong) {
      throw new Error(`a thawed Lean is wrong about: ${cmd}`);
    }
  }
}

/** Keeps or proves; Lean ends the process when it is kept. */
async function main([packageDir, patched, frozenFile, step]) {
  if (step !== 'keep' && step !== 'prove') {
    exit([2, 'usage: node freeze.cjs PACKAGE_DIR PATCHED_LEAN_JS FROZEN keep|prove']);
  }
  const ask = startLean(packageDir, patched, { frozenFile, step });
  if (step === 'keep') return;
  await prove(ask);
  exit([0]);
}

main(process.argv.slice(2)).catch(error => exit(verdict(error)));
