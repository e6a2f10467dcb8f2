'use strict';
/**
 * The protocol on the wire, as `getLines` and `parse` in REPL/Main.lean (v4.22 and later) have it:
 * bytes to requests. Pure, but for the stream that it reads; runs nothing.
 */

/** A request that the real REPL does not survive. */
class MalformedRequest extends Error {
  constructor(message) {
    super(JSON.stringify({ message }));
  }
}

const NEWLINE = 10;

/** Splits a stream into lines, which keep their newline; the last may lack one. */
async function* lines(stream) {
  let parts = [];
  for await (const chunk of stream) {
    let start = 0;
    for (let at; (at = chunk.indexOf(NEWLINE, start)) >= 0; start = at + 1) {
      parts.push(chunk.subarray(start, at + 1));
      yield Buffer.concat(parts);
      parts = [];
    }
    if (start < chunk.length) parts.push(chunk.subarray(start));
  }
  if (parts.length > 0) yield Buffer.concat(parts);
}

const isSpace = byte => byte === 32 || (byte >= 9 && byte <= 13 && byte !== 11 && byte !== 12);

/** The line without the white space at its end. */
function trimEnd(line) {
  let end = line.length;
  while (end > 0 && isSpace(line[end - 1])) end--;
  return line.subarray(0, end);
}

/** The text of a block; Lean reads nothing but UTF-8. */
function decodeUtf8(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new MalformedRequest('Tried to read from stream containing non UTF-8 data.');
  }
}

/**
 * Splits a stream into blocks: lines up to one of white space only, or the end, trimmed at the right
 * and joined with nothing. Comments, blocks that start with `#` or `--`, are left out.
 */
async function* blocks(stream) {
  const isComment = text => text.startsWith('#') || text.startsWith('--');
  let parts = [];
  for await (const line of lines(stream)) {
    const trimmed = trimEnd(line);
    if (trimmed.length > 0) {
      parts.push(trimmed);
      continue;
    }
    const text = decodeUtf8(Buffer.concat(parts));
    parts = [];
    if (!isComment(text)) yield text;
  }
  if (parts.length === 0) return;
  const text = decodeUtf8(Buffer.concat(parts));
  if (!isComment(text)) yield text;
}

/** A number as Lean reads a `Nat`: the decimals `1.0` are none. */
class Nat {
  constructor(value) {
    this.value = value;
  }
}

/** Parses JSON, with `Nat`s told from other numbers. */
function parseJson(text) {
  const revive = (_key, value, { source }) =>
    typeof value === 'number' && /^\d+$/.test(source) ? new Nat(value) : value;
  try {
    return JSON.parse(text, revive);
  } catch (error) {
    throw new MalformedRequest(`Could not parse JSON:\n${error.message}`);
  }
}

/** The types of fields; `null` counts as absent in a field that may be. */
const isString = value => typeof value === 'string';
const isNat = value => value instanceof Nat;
const isBool = value => typeof value === 'boolean';
const isTacticRows = value => typeof value === 'object' && value !== null && fit(value,
  { first: isNat, maxRows: isNat, maxBytes: isNat }, { module: isString }) !== undefined;
const OPTIONS = {
  env: isNat, allTactics: isBool, rootGoals: isBool, infotree: isString, sorryDecls: isBool,
  takeSnapshot: isBool, restoreSnapshot: isNat, dropSnapshot: isNat,
};

/** The shapes of requests, `[required, optional]` fields, in the order in which they are tried. */
const SHAPES = [
  ['tactic', { tactic: isString, proofState: isNat }, {}],
  ['pickleTo', { pickleTo: isString, env: isNat }, {}],
  ['unpickleEnvFrom', { unpickleEnvFrom: isString }, {}],
  ['pickleTo', { pickleTo: isString, proofState: isNat }, {}],
  ['unpickleProofStateFrom', { unpickleProofStateFrom: isString }, { env: isNat }],
  ['cmd', { cmd: isString }, { ...OPTIONS, tacticRows: isTacticRows }],
  ['path', { path: isString }, OPTIONS],
];

/** The fields of the shape, or `undefined` if the value has another one. */
function fit(value, required, optional) {
  const fields = {};
  for (const [name, accepts] of Object.entries({ ...required, ...optional })) {
    const field = Object.hasOwn(value, name) ? value[name] : null;
    if (field === null && name in optional && !(name in required)) continue;
    if (!accepts(field)) return undefined;
    fields[name] = plain(field);
  }
  return fields;
}

/** A value without `Nat`s; what is `null` in an object is absent. */
function plain(value) {
  if (value instanceof Nat) return value.value;
  if (typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, field]) => field !== null);
  return Object.fromEntries(entries.map(([name, field]) => [name, plain(field)]));
}

/** A block to a request: `{ kind, fields }`, where the kind is the field that names it. */
function decode(text) {
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null) {
    for (const [kind, required, optional] of SHAPES) {
      const fields = fit(value, required, optional);
      if (fields) return { kind, fields };
    }
  }
  throw new MalformedRequest('Could not parse as a valid JSON command');
}

/** The bytes of a reply: one line of JSON and a blank one. */
const encode = reply => `${JSON.stringify(reply)}\n\n`;

module.exports = { MalformedRequest, blocks, decode, encode };
