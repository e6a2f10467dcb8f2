'use strict';
/**
 * Pickles of environments, in the shape and with the meaning of REPL/Snapshots.lean at v4.27, and what
 * they share with those of proof states.
 * A pickle names its imports and holds the constants of the session and the scopes; what extensions
 * of environments know of the session (notations, attributes, compiled code) is not in it.
 */
const { LeanError, box } = require('./abi.cjs');
const { nameOf } = require('./names.cjs');

/** Fields of `Command.State`, of its first scope, of `EnvironmentHeader` and of `SMap`. */
const STATE = { scopes: 2, nextMacroScope: 4, maxRecDepth: 5, ngen: 6 };
const OPEN_DECLS = 3;
const IMPORTS = 1;
const NEW_CONSTANTS = 1;

/** `OpenDecl.simple`. */
const SIMPLE = 0;

/** Where the fields of a state are in a pickle (`CompactableCommandSnapshot`), and how many it has. */
const PICKLED = { scopes: 0, nextMacroScope: 1, maxRecDepth: 2, ngen: 4 };
const PICKLED_FIELDS = 5;
const NEXT_INSTANCE = box(1);

/** Object fields of `Command.Context`. */
const CONTEXT_FIELDS = 10;

/** How a file begins, where it says at which address it begins and at which its root is, and the size of a pair. */
const MARK = Buffer.from('olean');
const BASE_ADDRESS = 0x50;
const ROOT_ADDRESS = 0x54;
const PAIR_BYTES = 16;

/** Whether the root, which Lean writes last, is a pair that ends where the file ends. */
function isWhole(bytes) {
  if (bytes.length < ROOT_ADDRESS + 4) return true;
  return bytes.readUInt32LE(ROOT_ADDRESS) - bytes.readUInt32LE(BASE_ADDRESS) + PAIR_BYTES === bytes.length;
}

/** The key that decides where in memory Lean would like a pickle to be. */
const KEY = 'REPL.CommandSnapshot.pickle';

class Pickles {
  #abi;
  #files;
  #frontend;
  #imports;

  constructor(abi, files, frontend, imports) {
    this.#abi = abi;
    this.#files = files;
    this.#frontend = frontend;
    this.#imports = imports;
  }

  /** Writes a lent `Command.State`. */
  saveEnvironment(state, file) {
    const abi = this.#abi;
    abi.scope(() => {
      const env = this.#frontend.environment(state);
      const kept = index => abi.use(abi.field(state, index));
      const snapshot = abi.construct(0, [kept(STATE.scopes), kept(STATE.nextMacroScope),
        kept(STATE.maxRecDepth), NEXT_INSTANCE, kept(STATE.ngen)]);
      this.save(file, KEY, [...this.describe(env), snapshot, this.#frontend.blankContext()]);
    });
  }

  /** The owned `Command.State` of a pickle. */
  loadEnvironment(file) {
    const abi = this.#abi;
    return abi.scope(() => {
      const [imports, constants, snapshot] = this.load(file, [PICKLED_FIELDS, CONTEXT_FIELDS]);
      const openDecls = abi.field(abi.field(abi.field(snapshot, PICKLED.scopes), 0), OPEN_DECLS);
      const fresh = this.importAll(imports);
      const env = this.activate(this.replay(fresh, constants), openDecls);
      const state = abi.own(this.#frontend.stateIn(env));
      return abi.with(state, Object.entries(PICKLED).map(([name, index]) =>
        [STATE[name], abi.use(abi.field(snapshot, index))]));
    });
  }

  /** Saves the owned parts as the nested pairs that a tuple is. */
  save(file, key, parts) {
    const abi = this.#abi;
    const tuple = parts.reduceRight((rest, part) => abi.construct(0, [part, rest]));
    abi.own(tuple);
    this.#files.receive(file, inner =>
      abi.run('l_Lean_saveModuleData', abi.string(inner), nameOf(abi, key), abi.use(tuple)));
  }

  /**
   * The parts of a tuple in a file; they live for ever. `shape` has an item for each part after imports
   * and constants: how many fields it has, if it is a structure. A file of another shape is refused: its
   * parts would be taken for what they are not.
   */
  load(file, shape) {
    const abi = this.#abi;
    const pair = this.#files.lend(file, (inner, bytes) => this.#read(inner, bytes, file));
    const parts = [];
    let rest = abi.field(pair, 0);
    for (let i = 0; i < shape.length + 1; i++) {
      this.#expect(rest, 2, file);
      parts.push(abi.field(rest, 0));
      rest = abi.field(rest, 1);
    }
    parts.push(rest);
    shape.forEach((fields, i) => fields === undefined || this.#expect(parts[i + 2], fields, file));
    return parts;
  }

  /** The imports and the constants of the session of a lent environment, owned. */
  describe(env) {
    const abi = this.#abi;
    const header = abi.own(abi.call('l_Lean_Environment_header', abi.use(env)));
    const constants = abi.own(abi.call('l_Lean_Environment_constants', abi.use(env)));
    return [abi.use(abi.field(header, IMPORTS)), abi.use(abi.field(constants, NEW_CONSTANTS))];
  }

  /** The lent environment with the constants, each checked by the kernel; owned. */
  replay(env, constants) {
    const abi = this.#abi;
    const [equal, hash] = ['l_Lean_Name_instBEq', 'l_Lean_instHashableName'].map(name => abi.constant(name));
    const list = abi.call('l_Lean_PersistentHashMap_toList', box(0), box(0), equal, hash, abi.use(constants));
    const map = abi.call('l_Std_HashMap_ofList', box(0), box(0), equal, hash, list);
    return abi.run('l_Lean_Environment_replay', map, abi.use(env));
  }

  /** The owned environment in which what is scoped in the opened namespaces holds. */
  activate(env, openDecls) {
    const abi = this.#abi;
    const extensions = abi.own(abi.call('lean_st_ref_get', abi.constant('l_Lean_scopedEnvExtensionsRef')));
    for (const decl of abi.list(openDecls)) {
      if (abi.tag(decl) !== SIMPLE) continue;
      for (const extension of abi.elements(extensions)) {
        env = abi.call('l_Lean_ScopedEnvExtension_activateScoped', box(0), box(0), box(0),
          abi.use(extension), env, abi.use(abi.field(decl, 0)));
      }
    }
    return env;
  }

  /** What Lean reads from a file, owned; its messages name the place of the copy. */
  #read(inner, bytes, file) {
    const abi = this.#abi;
    try {
      // Lean trusts the file once it knows its header.
      if (bytes.subarray(0, MARK.length).equals(MARK) && !isWhole(bytes)) this.#refuse(file);
      return abi.own(abi.run('l_Lean_readModuleData', abi.string(inner)));
    } catch (error) {
      if (!(error instanceof LeanError)) throw error;
      throw new LeanError(error.message.replaceAll(inner, file));
    }
  }

  /** Insists on a constructor with so many fields. */
  #expect(object, fields, file) {
    if (!this.#abi.isStructure(object, fields)) this.#refuse(file);
  }

  #refuse(file) {
    throw new LeanError(`\`${file}\` is no whole pickle of this kind`);
  }

  /** The lent environment of the lent imports; a module that cannot be had ends the request. */
  importAll(imports) {
    const { env, errors } = this.#imports.open(imports, false);
    if (errors.length > 0) throw new LeanError(errors[0]);
    return env;
  }
}

module.exports = { Pickles };
