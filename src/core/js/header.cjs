'use strict';
/**
 * Headers: which modules a text imports, and the environment that they make. Importing takes memory
 * that Lean never gives back, so an environment is imported once and then shared by every text with
 * the same header; environments are values, so nothing can tell.
 */
const fs = require('fs');
const path = require('path');
const { LeanError, box, isScalar } = require('./abi.cjs');
const { trim } = require('./frontend.cjs');

/** `Lean.OLeanLevel`: how much of a module to load. */
const OLEAN_LEVEL = { exported: 0, private: 2 };

/** The trust level 0, as the bytes of a boxed `UInt32`. */
const TRUST_LEVEL = [0, 0, 0, 0];

/** Where errors of a header stand when nothing in the text is theirs, as in Lean. */
const NO_POSITION = 0;

/** What files the module has now, a text for each folder of LEAN_PATH; all are empty if it has none. */
function filesOf({ module }) {
  const folders = (process.env.LEAN_PATH ?? '').split(':').filter(Boolean);
  return folders.map(folder => {
    const file = `${path.join(folder, ...module.split('.'))}.olean`;
    const found = fs.statSync(file, { throwIfNoEntry: false });
    return found ? `${found.mtimeMs}/${found.size}` : '';
  });
}

class Headers {
  #abi;
  #frontend;
  #options;
  /** Environment and import errors by header. */
  #imported = new Map();

  constructor(abi, frontend) {
    this.#abi = abi;
    this.#frontend = frontend;
    this.#options = abi.constant('l_Lean_Options_empty');
  }

  /**
   * Reads and imports the header of a lent input context. `state` and `parserState` are owned;
   * `messages` are the errors of the header, which the real REPL swallows.
   */
  open(context) {
    const abi = this.#abi;
    return abi.scope(() => {
      const parsed = abi.own(abi.run('l_Lean_Parser_parseHeader', abi.use(context)));
      const header = abi.field(parsed, 0);
      const parserState = abi.field(abi.field(parsed, 1), 0);
      const log = abi.field(abi.field(parsed, 1), 1);
      const { env, errors } = this.#import(header);
      return {
        state: abi.call('l_Lean_Elab_Command_mkState',
          abi.use(env), abi.constant('l_Lean_MessageLog_empty'), abi.use(this.#options)),
        parserState: abi.use(parserState),
        messages: [...this.#frontend.readLog(log), ...errors.map(data =>
          ({ severity: 'error', pos: this.#position(header, context), endPos: null, data: trim(data) }))],
      };
    });
  }

  #import(header) {
    const isModule = this.#isModule(header);
    const imports = this.#imports(header);
    const files = imports.map(filesOf);
    // The same modules with other files make another environment.
    const key = JSON.stringify([isModule, imports, files]);
    let imported = this.#imported.get(key);
    if (!imported) {
      const missing = files.findIndex(found => found.every(file => file === ''));
      imported = this.#process(isModule, header, missing);
      this.#imported.set(key, imported);
    }
    return imported;
  }

  /** Imports as Lean does; if a module cannot be had, the environment is empty and an error says so. */
  #process(isModule, header, missing) {
    const abi = this.#abi;
    const imports = abi.own(this.#importArray(header));
    try {
      // Lean keeps what it has loaded when it fails, so a module without a file is tried alone.
      if (missing >= 0) {
        const alone = abi.use(abi.elements(imports)[missing]);
        abi.drop(this.#importModules(isModule, abi.array([alone])));
      }
      return { env: this.#importModules(isModule, abi.use(imports)), errors: [] };
    } catch (error) {
      if (!(error instanceof LeanError)) throw error;
      const env = abi.run('l_Lean_mkEmptyEnvironment', abi.construct(0, [], TRUST_LEVEL));
      return { env, errors: [error.message] };
    }
  }

  /** The environment, owned, of an array of imports, which is consumed. */
  #importModules(isModule, imports) {
    const abi = this.#abi;
    const [noPlugins, leakEnv, loadExtensions, noArtifacts] = [abi.array(), box(0), box(1), box(1)];
    // `processHeader` of the package imports every text as if it were a `module`, in which names
    // are private and notations for them do not work; Lean itself chooses as here.
    const level = box(isModule ? OLEAN_LEVEL.exported : OLEAN_LEVEL.private);
    return abi.run('l_Lean_importModules', imports, abi.use(this.#options),
      abi.construct(0, [], TRUST_LEVEL), noPlugins, leakEnv, loadExtensions, level, noArtifacts);
  }

  /** The imports of a header, with `Init` where it is implied. */
  #imports(header) {
    const abi = this.#abi;
    return abi.scope(() => {
      const imports = abi.own(this.#importArray(header));
      return abi.elements(imports).map(item => {
        const json = abi.call('l_Lean_instToJsonImport_toJson', abi.use(item));
        return JSON.parse(abi.text(abi.own(abi.call('l_Lean_Json_compress', json))));
      });
    });
  }

  #importArray(header) {
    const withInit = box(1);
    return this.#abi.call('l_Lean_Elab_HeaderSyntax_imports', this.#abi.use(header), withInit);
  }

  #isModule(header) {
    return 1 === this.#abi.tag(this.#abi.call('l_Lean_Elab_HeaderSyntax_isModule', this.#abi.use(header)));
  }

  /** Where the header starts, which is where Lean puts the errors of imports. */
  #position(header, context) {
    const abi = this.#abi;
    return abi.scope(() => {
      const start = abi.own(abi.call('l_Lean_Syntax_getPos_x3f', abi.use(header), box(0)));
      const at = isScalar(start) ? box(NO_POSITION) : abi.use(abi.field(start, 0));
      return positionOf(abi, abi.field(context, 2), at);
    });
  }
}

/** Line and column of a position, which is consumed, in a lent file map. */
function positionOf(abi, fileMap, at) {
  const position = abi.call('l_Lean_FileMap_toPosition', abi.use(fileMap), at);
  const [line, column] = [0, 1].map(index => abi.tag(abi.field(position, index)));
  abi.drop(position);
  return { line, column };
}

module.exports = { Headers, positionOf };
