'use strict';
/**
 * Writes the patched copy of the package's `lean.js`, once, at install:
 *
 *     node patch.cjs PACKAGE_DIR OUT_FILE
 *
 * The published file is 89 MB, of which 88 MB give each of 200,000 exports a JavaScript name that
 * nothing reads; every thread parses all of it. Each patch must apply exactly once: a package that
 * looks different is another package, and running it half patched would fail far from the cause.
 * Exit codes: 0 written, 1 a patch does not apply or a file cannot be read or written.
 */
const fs = require('fs');
const path = require('path');
const { replace } = require('./replace.cjs');

/** Replacements `[what, with]`; each `what` must occur exactly once in the pruned text. */
const PATCHES = [
  // Every thread is given the path of thread.cjs as its first argument. The package uses
  // `console.log` for its `[DEBUG:…]` lines only.
  ['var Module=typeof Module!="undefined"?Module:{};',
    'var thread=require(process.argv[2]);console.log=()=>{};var Module=globalThis.leanModule??{};'],
  // The names of exports are in a file (symbols.cjs), and so is the place of each function in the table:
  // nothing needs to be made of all of them at every start of a thread.
  ['wasmExports=instance.exports;var origExports=wasmExports;mergeLibSymbols(wasmExports,"main");',
    'wasmExports=thread.exportsOf(instance.exports);'],
  ['updateGOT(origExports);',
    'for(var own in GOT){var found=thread.symbols().find(own);if(found&&GOT[own].value==-1)GOT[own].value=found.place}'],
  ['updateTableMap(0,wasmTable.length)}return functionsInTableMap', '}return functionsInTableMap'],
  // Of all functions of JavaScript the module gets those that host_imports.cjs opens, in each thread, and
  // so do the calls that another thread hands over to the one of Lean.
  ['function getWasmImports(){assignWasmImports();',
    'function getWasmImports(){assignWasmImports();wasmImports=thread.restrict(wasmImports,pthreadCreateProxied);'],
  ['var func=emAsmAddr?ASM_CONSTS[emAsmAddr]:proxiedFunctionTable[funcIndex];',
    'var func=thread.proxied(emAsmAddr?undefined:proxiedFunctionTable[funcIndex]);'],
  // `dlsym` walks all export names at every look-up, 101 s of a 121 s start, and finds the C library.
  ['__dlsym_js=(handle,symbol,symbolIndex)=>{', '__dlsym_js=(handle,symbol)=>{return thread.place(UTF8ToString(symbol));'],
  // A memory that was kept (frozen.cjs) has been through this.
  ['wasmExports["__wasm_call_ctors"]();', 'if(!Module.thaw?.())wasmExports["__wasm_call_ctors"]();'],
  // Commands run on the thread that asks for them (frontend.cjs); runtime.cjs starts the one that
  // tasks need, with the stack that the caller chose, while Lean initializes.
  ['var pthreadPoolSize=4;', 'var pthreadPoolSize=0;'],
  ['new Worker(pthreadMainJs,{workerData:"em-pthread",name:"em-pthread"})',
    'new Worker(pthreadMainJs,Module.threadOptions)'],
  // A thread that a source started is called back before the next one runs (threads.cjs).
  ['else if(cmd==="checkMailbox"){if(initializedJS)',
    'else if(cmd==="home"){thread.home();postMessage({cmd})}else if(cmd==="checkMailbox"){if(initializedJS)'],
  ['worker.onmessage=e=>{var d=e["data"];', 'worker.onmessage=e=>{var d=e["data"];if(thread.took(worker,d))return;'],
  ['var checkMailbox=()=>callUserCallback(', 'var checkMailbox=()=>thread.isClosed()||callUserCallback('],
  // Descriptor 1 carries replies and nothing else.
  ['defaultPrint=(...args)=>fs.writeSync(1,args.map(stringify).join(" ")+"\\n")',
    'defaultPrint=(...args)=>thread.print(args.map(stringify).join(" "))'],
  ['defaultPrintErr=(...args)=>fs.writeSync(2,args.map(stringify).join(" ")+"\\n")',
    'defaultPrintErr=(...args)=>thread.print(args.map(stringify).join(" "))'],
  // The end of the program, from any thread, must not wait for a thread that is busy or blocked.
  ['var exitJS=(status,implicit)=>{', 'var exitJS=(status,implicit)=>{thread.exit(status);'],
  ['function abort(what){', 'function abort(what){thread.abort(what);'],
  ['process.on("uncaughtException",err=>{', 'process.on("uncaughtException",err=>{thread.crash(err);'],
  ['}catch(ex){__emscripten_thread_crashed();throw ex}', '}catch(ex){thread.crash(ex)}'],
  ['if(requestedSize>maxHeapSize){return false}',
    'if(requestedSize>maxHeapSize){thread.heapExhausted();return false}'],
  // Memory grows by up to 16 MiB more than was asked for, not 96: all of it is looked through after each source.
  ['Math.min(overGrownHeapSize,requestedSize+100663296)', 'Math.min(overGrownHeapSize,requestedSize+16777216)'],
];

/** Where the lists of names begin, and what follows each. */
const SECTIONS = {
  declare: 'var _main,',
  assign: 'function assignWasmExports(wasmExports){',
  rest: 'function assignWasmImports(){',
};

/** Ends the process with a message that names the cause. */
function fail(message) {
  process.stderr.write(`patch.cjs: ${message}\n`);
  process.exit(1);
}

/** The place where `part` begins; anything but one occurrence ends the process. */
function only(text, part) {
  const at = text.indexOf(part);
  if (at < 0) fail(`a patch does not apply, the text is missing: ${part}`);
  if (text.indexOf(part, at + 1) >= 0) fail(`a patch does not apply, the text is ambiguous: ${part}`);
  return at;
}

/** Leaves out the names of exports that the rest of the file never reads. */
function prune(text) {
  const declare = only(text, SECTIONS.declare);
  const assign = only(text, SECTIONS.assign);
  const rest = only(text, SECTIONS.rest);
  const end = text.lastIndexOf('}', text.lastIndexOf('var wasmImports;', rest));
  if (!(declare < assign && assign < end && end < rest)) fail('the lists of names are not in order');
  const others = [text.slice(0, declare), text.slice(end + 1)];
  const read = new Set(others.flatMap(part => part.match(/[A-Za-z_$][\w$]*/g)));
  const kept = [];
  for (const statement of text.slice(assign + SECTIONS.assign.length, end).split(';')) {
    const match = /^([\w$]+)=Module\["[^"]+"\]=((?:wasmTable=)?wasmExports\["[^"]+"\](?:\.value)?)$/.exec(statement);
    if (!match) fail(`a name is given in an unknown way: ${statement.slice(0, 200)}`);
    if (read.has(match[1]) || match[2].startsWith('wasmTable')) kept.push(`${match[1]}=${match[2]}`);
  }
  const names = kept.map(line => line.slice(0, line.indexOf('=')));
  return `${others[0]}var ${names.join(',')},wasmTable;${SECTIONS.assign}${kept.join(';')}}${others[1]}`;
}

/** Makes the insides of the module reachable from `runtime.cjs`, and exceptions of C++ readable. */
const EXPORTS = ';thread.explain=getExceptionMessage;' +
  'thread.forgetExceptions=()=>{exceptionCaught=[];uncaughtExceptionCount=0;exceptionLast=0};' +
  'Module.internals=()=>({FS,NODEFS,TTY,ENV,exports:wasmExports,memory:wasmMemory,addFunction,PThread,getEnvStrings,' +
  'awaitMailbox:__emscripten_thread_mailbox_await});';

/** Reads, patches and writes; the file appears whole or not at all. */
function main([packageDir, outFile]) {
  if (!packageDir || !outFile) fail('usage: node patch.cjs PACKAGE_DIR OUT_FILE');
  let text;
  try {
    text = fs.readFileSync(path.join(packageDir, 'lean.js'), 'utf8');
  } catch (error) {
    fail(`cannot read the package: ${error.message}`);
  }
  text = prune(text);
  for (const [what, replacement] of PATCHES) {
    const at = only(text, what);
    text = text.slice(0, at) + replacement + text.slice(at + what.length);
  }
  try {
    replace(outFile, beside => fs.writeFileSync(beside, text + EXPORTS));
  } catch (error) {
    fail(`cannot write the patched copy: ${error.message}`);
  }
}

main(process.argv.slice(2));
