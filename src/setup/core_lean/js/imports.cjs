'use strict';
/**
 * Environments made of modules alone. Importing takes memory that Lean never gives back, so modules
 * are imported once and their environment is then shared by every text and pickle that wants the
 * same; environments are values, so nothing can tell.
 */
const fs = require('fs');
const path = require('path');
const { LeanError, box } = require('./abi.cjs');
const { loadExtensions } = require('./compiled_names.cjs');

/** `Lean.OLeanLevel`: how much of a module to load. */
const OLEAN_LEVEL = { exported: 0, private: 2 };

/** The trust level 0, as the bytes of a boxed `UInt32`. */
const TRUST_LEVEL = [0, 0, 0, 0];

/** The registered extensions of environments. */
const EXTENSIONS = 'l___private_Lean_Environment_0__Lean_EnvExtension_envExtensionsRef';

/** What files the module has now, a text for each folder of LEAN_PATH; all are empty if it has none. */
function filesOf({ module }) {
  const folders = (process.env.LEAN_PATH ?? '').split(':').filter(Boolean);
  return folders.map(folder => {
    const file = `${path.join(folder, ...module.split('.'))}.olean`;
    const found = fs.statSync(file, { throwIfNoEntry: false });
    return found ? `${found.mtimeMs}/${found.size}` : '';
  });
}

/** What decides an environment; the same modules with other files make another one. */
const keyOf = (isModule, allowed, list, files) => JSON.stringify([isModule, allowed, list, files]);

class Imports {
  #abi;
  #initializers;
  /** What was imported, by what decides it. */
  #imported = new Map();

  constructor(abi, initializers) {
    this.#abi = abi;
    this.#initializers = initializers;
  }

  /**
   * The environment, lent, of a lent `Array Import`, with the errors of importing; if there are any
   * it is empty. `isModule` says that a text with the keyword `module` wants it.
   */
  open(imports, isModule) {
    const list = this.#abi.elements(imports).map(item => this.#describe(item));
    const files = list.map(filesOf);
    const { allowed } = this.#initializers;
    const key = keyOf(isModule, allowed, list, files);
    let imported = this.#imported.get(key);
    // An environment has room for the extensions that were registered when it was made.
    if (imported?.extensions === this.#extensions()) {
      this.#initializers.forbid();
    } else {
      imported = this.#process(imports, isModule, files);
      Object.assign(imported, { extensions: this.#extensions(), source: [isModule, allowed, list] });
      this.#imported.set(key, imported);
    }
    return imported;
  }

  /** What was imported, for `adopt` in another process. */
  get all() {
    return [...this.#imported.values()];
  }

  /** Takes over what lies in the memory since another process imported it from the same modules. */
  adopt(imported) {
    for (const one of imported) {
      const [isModule, allowed, list] = one.source;
      this.#imported.set(keyOf(isModule, allowed, list, list.map(filesOf)), one);
    }
  }

  /** What was imported, for `load` in this process, when the memory is as it is now. */
  save() {
    return new Map(this.#imported);
  }

  /** Knows what was imported when `saved` was made. */
  load(saved) {
    this.#imported = new Map(saved);
  }

  /** An environment without modules, owned. */
  empty() {
    return this.#abi.run('l_Lean_mkEmptyEnvironment', this.#abi.construct(0, [], TRUST_LEVEL));
  }

  /** How many extensions of environments there are; modules of users register more. */
  #extensions() {
    const abi = this.#abi;
    return abi.scope(() => abi.elements(abi.own(abi.call('lean_st_ref_get', abi.constant(EXTENSIONS)))).length);
  }

  /** Imports as Lean does; `files` are those of the modules. */
  #process(imports, isModule, files) {
    const abi = this.#abi;
    const missing = files.findIndex(found => found.every(file => file === ''));
    try {
      // Lean keeps what it has loaded when it fails, so a module without a file is tried alone.
      if (missing >= 0) {
        const alone = abi.use(abi.elements(imports)[missing]);
        abi.drop(this.#importModules(abi.array([alone]), isModule));
      }
      return { env: this.#importModules(abi.use(imports), isModule), errors: [] };
    } catch (error) {
      if (!(error instanceof LeanError)) throw error;
      return { env: this.empty(), errors: [error.message] };
    }
  }

  /** The environment, owned, of an array of imports, which is consumed; compiled_names.cjs says why in two steps. */
  #importModules(imports, isModule) {
    const abi = this.#abi;
    const [noPlugins, leakEnv, loadLater, noArtifacts] = [abi.array(), box(0), box(0), box(1)];
    // `processHeader` of the package imports every text as if it were a `module`, in which names
    // are private and notations for them do not work; Lean itself chooses as here.
    const level = box(isModule ? OLEAN_LEVEL.exported : OLEAN_LEVEL.private);
    const first = () => abi.run('l_Lean_importModules', imports, abi.constant('l_Lean_Options_empty'),
      abi.construct(0, [], TRUST_LEVEL), noPlugins, leakEnv, loadLater, level, noArtifacts);
    return this.#initializers.duringImport(first, env => loadExtensions(abi, env));
  }

  /** An import as JSON. */
  #describe(item) {
    const abi = this.#abi;
    return abi.scope(() => {
      const json = abi.call('l_Lean_instToJsonImport_toJson', abi.use(item));
      return JSON.parse(abi.text(abi.own(abi.call('l_Lean_Json_compress', json))));
    });
  }
}

module.exports = { Imports };
