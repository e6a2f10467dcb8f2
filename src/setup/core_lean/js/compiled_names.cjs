'use strict';
/**
 * Tells an environment the names that Lean's compiler made, such as those of lambdas, closed terms and
 * specializations. Lean takes them from the `.ir` files of modules, of which the package has none, though
 * the names and the code are in the `.olean` files: without the names the interpreter does not find the
 * code. So an import takes two steps, and between them the environment gets the names.
 */
const { box } = require('./abi.cjs');

/** The step that `loadExts` of `importModules` asks for, which runs initializers. */
const LOAD_EXTENSIONS = 'l___private_Lean_Environment_0__Lean_finalizePersistentExtensions';

/** Fields of `Environment`, `VisibilityMap`, `Kernel.Environment`, its header, and `ModuleData`. */
const BASE = 0;
const REALIZED = 5;
const VISIBILITIES = [0, 1];
const MODULE_OF = 2;
const MODULE_DATA = 5;
const EXTRA_NAMES = 3;

/** The data of all modules of a lent environment; the array is owned. */
function moduleData(abi, env) {
  return abi.scope(() => {
    const header = abi.own(abi.call('l_Lean_Environment_header', abi.use(env)));
    return abi.use(abi.field(header, MODULE_DATA));
  });
}

/** The environment, which is consumed, with those names; the lent data are those of its modules. */
function addCompiledNames(abi, env, data) {
  const names = abi.elements(data).flatMap((module, index) =>
    abi.elements(abi.field(module, EXTRA_NAMES)).map(name => [name, index]));
  if (names.length === 0) return env;
  return abi.scope(() => {
    abi.own(env);
    const base = abi.field(env, BASE);
    const [equal, hash] = ['l_Lean_Name_instBEq', 'l_Lean_instHashableName'].map(name => abi.constant(name));
    const moduleOf = abi.own(names.reduce(
      (map, [name, index]) => abi.call('l_Std_HashMap_insertIfNew', box(0), box(0), equal, hash, map, abi.use(name), box(index)),
      abi.use(abi.field(abi.field(base, VISIBILITIES[0]), MODULE_OF))));
    const changed = VISIBILITIES.map(index =>
      [index, abi.with(abi.field(base, index), [[MODULE_OF, abi.use(moduleOf)]])]);
    return abi.with(env, [[BASE, abi.with(base, changed)]]);
  });
}

/**
 * The environment, which is consumed, in which lemmas about imported constants are made on demand in
 * itself, as `finalizeImport` ends: it was another before its extensions were loaded.
 */
function realizeInItself(abi, env) {
  return abi.scope(() => {
    abi.own(env);
    const [none, some] = [box(0), 1];
    const realized = abi.field(abi.field(env, REALIZED), 0);
    const itself = abi.with(env, [[REALIZED, none]]);
    return abi.with(env, [[REALIZED, abi.construct(some, [abi.with(realized, [[0, itself]])])]]);
  });
}

/** The second step of importing: the environment, which is consumed, with its extensions. */
function loadExtensions(abi, env) {
  const data = moduleData(abi, env);
  const named = addCompiledNames(abi, env, data);
  return realizeInItself(abi, abi.run(LOAD_EXTENSIONS, named, data, abi.constant('l_Lean_Options_empty')));
}

module.exports = { loadExtensions };
