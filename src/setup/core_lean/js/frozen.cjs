'use strict';
/**
 * The memory of Lean after it has initialized itself and imported `Init`, kept in a file, so that a start
 * reads what it would compute. Knows where bytes and variables of a thread are, not what they mean.
 *
 * The file: the length of the head (u32), the CRC-32 of the head (u32), the head as JSON, and the blocks
 * of the memory that are not zero throughout. It is used only if all of it is there and everything that
 * it was made with is as it is now; otherwise Lean starts as if there were no file.
 */
const fs = require('fs');
const zlib = require('zlib');
const { replace } = require('./replace.cjs');
const { globalsOf } = require('./symbols.cjs');

/** Raised when the file means something else. */
const FORMAT = 1;

/** The unit in which the memory is kept and grows, in bytes. */
const BLOCK = 65536;

/** The most that the memory may grow to, in blocks, as the module demands. */
const MAXIMUM_BLOCKS = 32768;

/** Bytes before the head. */
const PREFIX = 8;

/** The longest head that is read, in bytes. */
const MAX_HEAD = 1 << 20;

/** Where blocks that are not zero begin and how many they are, neighbours together. */
function runsOf(bytes) {
  const words = new BigUint64Array(bytes.buffer);
  const perBlock = BLOCK / 8;
  const runs = [];
  for (let block = 0; block * BLOCK < bytes.length; block++) {
    let at = block * perBlock;
    const end = at + perBlock;
    while (at < end && words[at] === 0n) at++;
    if (at === end) continue;
    const last = runs.at(-1);
    if (last && last.first + last.count === block) last.count++;
    else runs.push({ first: block, count: 1 });
  }
  return runs;
}

/** The bytes of a run, as part of the memory. */
const bytesOf = (bytes, { first, count }) => bytes.subarray(first * BLOCK, (first + count) * BLOCK);

/** Writes the file, beside its place first; `made` says what it was made with, `state` is for the caller. */
function freeze(file, { exports, memory }, made, state) {
  const bytes = new Uint8Array(memory.buffer);
  const runs = runsOf(bytes).map(run => ({ ...run, crc: zlib.crc32(bytesOf(bytes, run)) }));
  const globals = Object.fromEntries(globalsOf(exports).map(([name, { value }]) => [name, value]));
  const head = Buffer.from(JSON.stringify({
    format: FORMAT, made, state, runs, blocks: bytes.length / BLOCK, globals,
  }));
  const prefix = Buffer.alloc(PREFIX);
  prefix.writeUInt32LE(head.length, 0);
  prefix.writeUInt32LE(zlib.crc32(head), 4);
  replace(file, beside => {
    const descriptor = fs.openSync(beside, 'wx', 0o644);
    try {
      for (const part of [prefix, head, ...runs.map(run => bytesOf(bytes, run))]) {
        for (let at = 0; at < part.length; ) at += fs.writeSync(descriptor, part, at);
      }
      fs.fsyncSync(descriptor);
    } finally {
      fs.closeSync(descriptor);
    }
  });
}

/** Reads all of the bytes; says whether there were so many. */
function readAll(descriptor, bytes) {
  for (let at = 0; at < bytes.length; ) {
    const got = fs.readSync(descriptor, bytes, at, bytes.length - at, null);
    if (got === 0) return false;
    at += got;
  }
  return true;
}

/** The head of the file, if it is one of this format and whole. */
function readHead(descriptor) {
  const prefix = Buffer.alloc(PREFIX);
  if (!readAll(descriptor, prefix) || prefix.readUInt32LE(0) > MAX_HEAD) return undefined;
  const bytes = Buffer.alloc(prefix.readUInt32LE(0));
  if (!readAll(descriptor, bytes) || zlib.crc32(bytes) !== prefix.readUInt32LE(4)) return undefined;
  const head = JSON.parse(bytes.toString('utf8'));
  return head.format === FORMAT ? head : undefined;
}

/** The memory and the head, if they are whole and made with what there is now. */
function read(descriptor, made) {
  const head = readHead(descriptor);
  if (!head || JSON.stringify(head.made) !== JSON.stringify(made)) return undefined;
  const memory = new WebAssembly.Memory({ initial: head.blocks, maximum: MAXIMUM_BLOCKS, shared: true });
  const bytes = new Uint8Array(memory.buffer);
  for (const run of head.runs) {
    const part = bytesOf(bytes, run);
    if (!readAll(descriptor, part) || zlib.crc32(part) !== run.crc) return undefined;
  }
  return { memory, globals: head.globals, state: head.state };
}

/** What was kept in a file; nothing if it cannot be used. */
function thaw(file, made) {
  let descriptor;
  try {
    descriptor = fs.openSync(file);
    return read(descriptor, made);
  } catch {
    return undefined;
  } finally {
    if (descriptor !== undefined) fs.closeSync(descriptor);
  }
}

module.exports = { freeze, thaw };
