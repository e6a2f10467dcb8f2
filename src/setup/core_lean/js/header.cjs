'use strict';
/** Headers: reads which modules a text imports, and has them imported. */
const { box } = require('./abi.cjs');
const { trim } = require('./frontend.cjs');
const { positionOf, startOf } = require('./syntax.cjs');

/** Where errors of a header stand when nothing in the text is theirs, as in Lean. */
const NO_POSITION = 0;

class Headers {
  #abi;
  #frontend;
  #imports;

  constructor(abi, frontend, imports) {
    this.#abi = abi;
    this.#frontend = frontend;
    this.#imports = imports;
  }

  /**
   * Reads and imports the header of a lent input context. `env` is lent, `parserState` owned;
   * `messages` are the errors of the header, which the real REPL swallows.
   */
  open(context) {
    const abi = this.#abi;
    return abi.scope(() => {
      const parsed = abi.own(abi.run('l_Lean_Parser_parseHeader', abi.use(context)));
      const header = abi.field(parsed, 0);
      const parserState = abi.field(abi.field(parsed, 1), 0);
      const log = abi.field(abi.field(parsed, 1), 1);
      const { env, errors } = this.#imports.open(this.#importsOf(header), this.#isModule(header));
      return {
        env,
        parserState: abi.use(parserState),
        messages: [...this.#frontend.readLog(log), ...errors.map(data =>
          ({ severity: 'error', pos: this.#position(header, context), endPos: null, data: trim(data) }))],
      };
    });
  }

  /** The `Array Import` of a header, with `Init` where it is implied; it lives as long as the scope. */
  #importsOf(header) {
    const withInit = box(1);
    const abi = this.#abi;
    return abi.own(abi.call('l_Lean_Elab_HeaderSyntax_imports', abi.use(header), withInit));
  }

  #isModule(header) {
    return 1 === this.#abi.tag(this.#abi.call('l_Lean_Elab_HeaderSyntax_isModule', this.#abi.use(header)));
  }

  /** Where the header starts, which is where Lean puts the errors of imports. */
  #position(header, context) {
    const fileMap = this.#abi.field(context, 2);
    return startOf(this.#abi, header, fileMap) ?? positionOf(this.#abi, fileMap, box(NO_POSITION));
  }
}

module.exports = { Headers };
