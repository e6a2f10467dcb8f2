'use strict';
/**
 * Files of the machine, named relative to the folder in which the process runs. Lean itself sees
 * only the folders that runtime.cjs mounts, read-only; what it writes or reads elsewhere goes through
 * a file in memory. Knows nothing of what is in a file.
 */
const fs = require('fs');
const { replace } = require('./replace.cjs');

/** Where Lean finds and leaves the files in memory. */
const FOLDER = '/leanrepl';

/** What Lean calls the errors of reading a file. */
const ERRORS = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'inappropriate type',
  ENOTDIR: 'inappropriate type',
};

/** A file that cannot be read or written; the message is that of Lean. */
class FileError extends Error {}

/** An error of Node in the words of Lean. */
function inWords(error, file) {
  const problem = ERRORS[error.code] ?? error.message;
  return new FileError(`${problem} (error code: ${Math.abs(error.errno ?? 0)})\n  file: ${file}`);
}

/** Runs an operation on the file. */
function attempt(file, operation) {
  try {
    return operation();
  } catch (error) {
    throw inWords(error, file);
  }
}

/** The text of a file. */
function readText(file) {
  const bytes = attempt(file, () => fs.readFileSync(file));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FileError(`Tried to read file '${file}' containing non UTF-8 data.`);
  }
}

class Files {
  #memory;

  /** `memory` is the file system that Lean sees. */
  constructor(memory) {
    this.#memory = memory;
    memory.mkdirTree(FOLDER);
  }

  /** Lets `write` make a file at the path that it gets, and moves that to its place. */
  receive(file, write) {
    return this.#within(inner => {
      write(inner);
      const bytes = this.#memory.readFile(inner);
      attempt(file, () => replace(file, beside => fs.writeFileSync(beside, bytes)));
    });
  }

  /** Lets `read` see a copy of the file at the path that it gets, and what is in it. */
  lend(file, read) {
    return this.#within(inner => {
      const bytes = attempt(file, () => fs.readFileSync(file));
      this.#memory.writeFile(inner, bytes);
      return read(inner, bytes);
    });
  }

  #within(body) {
    const inner = `${FOLDER}/file`;
    try {
      return body(inner);
    } finally {
      if (this.#memory.analyzePath(inner).exists) this.#memory.unlink(inner);
    }
  }
}

module.exports = { FileError, Files, readText };
