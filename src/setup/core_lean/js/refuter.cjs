'use strict';
/**
 * Asks whether a statement of a source is false: for a few values of each variable, and for propositions that
 * Lean can decide, with the compiled code, which the package has of every definition. A false statement has no
 * proof, whatever the bodies of definitions are; if no such value is found, nothing is known.
 */
const { isScalar } = require('./abi.cjs');
const { nodeName, rangeOf } = require('./syntax.cjs');
const { ELAB_INFO } = require('./trees.cjs');

/** Kinds of syntax: a declaration, its keywords, and what it says. */
const DECLARATION = 'Lean.Parser.Command.declaration';
const STATED = new Set(['Lean.Parser.Command.theorem', 'Lean.Parser.Command.example']);
const SIGNATURES = new Set(['Lean.Parser.Command.declSig', 'Lean.Parser.Command.optDeclSig']);
const TYPE = 'Lean.Parser.Term.typeSpec';

/** Fields of a node of `Syntax`. */
const NODE = { kind: 1, children: 2 };

/**
 * The classes by which a proposition is refuted, which stand before it. Values are few and small: programs that
 * grow fast have to end.
 */
const CLASSES = [
  'class _root_.LeanReplValues (α : Type) where values : List α',
  'local instance : LeanReplValues Nat := ⟨[0, 1, 2, 3]⟩',
  'local instance : LeanReplValues Int := ⟨[0, 1, -1, 2]⟩',
  'local instance : LeanReplValues Bool := ⟨[true, false]⟩',
  'local instance : LeanReplValues Char := ⟨[\'a\', \'1\', \' \']⟩',
  'local instance : LeanReplValues String := ⟨["", "a", "1b"]⟩',
  'local instance {α : Type} [LeanReplValues α] : LeanReplValues (List α) := ⟨let v := LeanReplValues.values; [] :: v.map (fun x => [x]) ++ [v.take 3]⟩',
  'local instance {α : Type} [LeanReplValues α] : LeanReplValues (Array α) := ⟨(LeanReplValues.values (α := List α)).map List.toArray⟩',
  'local instance {α : Type} [LeanReplValues α] : LeanReplValues (Option α) := ⟨none :: LeanReplValues.values.map some⟩',
  'local instance {α β : Type} [LeanReplValues α] [LeanReplValues β] : LeanReplValues (α × β) := ⟨(LeanReplValues.values.take 3).flatMap fun x => (LeanReplValues.values.take 3).map fun y => (x, y)⟩',
  'local instance {α β : Type} [LeanReplValues β] : LeanReplValues (α → β) := ⟨LeanReplValues.values.map fun x _ => x⟩',
  'class _root_.LeanReplRefuted (p : Prop) where isRefuted : Bool',
  'local instance (priority := low) (p : Prop) [Decidable p] : LeanReplRefuted p := ⟨!decide p⟩',
  'local instance {α : Type} (p : α → Prop) [LeanReplValues α] [(x : α) → LeanReplRefuted (p x)] : LeanReplRefuted (∀ x, p x) := ⟨LeanReplValues.values.any fun x => LeanReplRefuted.isRefuted (p x)⟩',
  'local instance (p q : Prop) [Decidable p] [LeanReplRefuted q] : LeanReplRefuted (p → q) := ⟨decide p && LeanReplRefuted.isRefuted q⟩',
].join('\n');

/** Words by which a source can make compiled code differ from what it stands for. */
const UNFAITHFUL = /\b(?:implemented_by|extern|export|csimp|unsafe|opaque|sorry|axiom)\b/;

class Refuter {
  #abi;
  #frontend;
  #trees;

  constructor(abi, frontend, trees) {
    this.#abi = abi;
    this.#frontend = frontend;
    this.#trees = trees;
  }

  /** Whether what a command of command_ranges.cjs states is false. */
  refutes({ parserState, before, text }, command) {
    const abi = this.#abi;
    if (UNFAITHFUL.test(text)) return false;
    return abi.scope(() => {
      const statement = this.#statement(command);
      if (statement === undefined) return false;
      const earlier = command.cut({ line: 1, column: 0 }, command.start);
      const source = `${earlier}\nsection\n${CLASSES}\n${statement}\nend\n`;
      const context = abi.own(this.#frontend.inputContext(source));
      const after = abi.own(this.#frontend.elaborate(context, abi.use(parserState), abi.use(before)).state);
      const last = this.#frontend.messages(after).at(-1);
      return last?.severity === 'info' && last.data === 'true';
    });
  }

  /** The command that evaluates whether the statement is refuted, if it is a statement. */
  #statement(command) {
    let found;
    this.#trees.walk(command.tree, true, ({ kind, info, context }) => {
      if (kind === 'CommandInfo' && context) found ??= this.#signature(this.#abi.field(info, ELAB_INFO.stx), this.#trees.fileMap(context));
      return undefined;
    });
    if (found === undefined) return undefined;
    const { declaration, binders, type } = found;
    const opening = command.cut(command.start, declaration.start);
    const variables = binders === undefined ? '' : command.cut(binders.start, binders.end);
    const proposition = command.cut(type.start, type.end).replace(/^\s*:/, '');
    const all = variables === '' ? `(${proposition})` : `∀ ${variables}, (${proposition})`;
    return `${opening} #eval LeanReplRefuted.isRefuted (${all})`;
  }

  /** Where the statement in a syntax stands. */
  #signature(stx, fileMap) {
    const abi = this.#abi;
    const at = node => rangeOf(abi, node, fileMap);
    const declaration = this.#find(stx, name => name === DECLARATION);
    const stated = declaration && this.#find(declaration, name => STATED.has(name));
    const signature = stated && this.#find(stated, name => SIGNATURES.has(name));
    const type = signature && this.#find(signature, name => name === TYPE);
    if (!type) return undefined;
    const [binders] = abi.elements(abi.field(signature, NODE.children));
    const hasBinders = abi.elements(abi.field(binders, NODE.children)).length > 0;
    return { declaration: at(declaration), binders: hasBinders ? at(binders) : undefined, type: at(type) };
  }

  /** The outermost node of such a kind, lent. */
  #find(stx, accepts) {
    const name = nodeName(this.#abi, stx);
    if (name === undefined || isScalar(stx)) return undefined;
    if (accepts(name)) return stx;
    for (const child of this.#abi.elements(this.#abi.field(stx, NODE.children))) {
      const found = this.#find(child, accepts);
      if (found) return found;
    }
    return undefined;
  }
}

module.exports = { Refuter };
