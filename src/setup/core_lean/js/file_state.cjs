'use strict';
/**
 * What the file system in memory holds, copied and put back: files, folders, what is open, and where the thread
 * is. Folders of the machine are mounted in it, read-only; of those nothing is kept but their places.
 */

/** What changes of a node besides what is in it. */
const CHANGING = ['name', 'parent', 'mode', 'rdev', 'atime', 'mtime', 'ctime', 'mounted', 'link', 'usedBytes', 'name_next'];

/** What changes of the file system as a whole. */
const SHARED = ['currentPath', 'nextInode', 'ignorePermissions', 'initialized'];

const pick = (object, names) => Object.fromEntries(names.map(name => [name, object[name]]));

/** A copy of what is in a node: the bytes of a file, or the names in a folder. */
const copyOf = contents => (ArrayBuffer.isView(contents) ? contents.slice() : { ...contents });

class FileState {
  #nodes;
  #table;
  #streams;
  #shared;

  constructor({ FS }) {
    this.#shared = pick(FS, SHARED);
    this.#table = FS.nameTable.slice();
    const nodes = [];
    for (const first of this.#table) {
      for (let node = first; node; node = node.name_next) {
        const contents = node.contents === undefined ? undefined : copyOf(node.contents);
        nodes.push({ node, fields: pick(node, CHANGING), contents });
      }
    }
    this.#nodes = nodes;
    this.#streams = FS.streams.map(stream => stream && { stream, shared: { ...stream.shared } });
  }

  /** Makes the file system what it was. */
  putBack({ FS, TTY }) {
    const kept = new Set(this.#streams.map(open => open?.stream));
    for (const stream of FS.streams) {
      if (stream && !kept.has(stream)) close(FS, stream);
    }
    FS.streams = this.#streams.map(open => open?.stream);
    for (const open of this.#streams) {
      if (open) open.stream.shared = { ...open.shared };
    }
    for (const { node, fields, contents } of this.#nodes) {
      Object.assign(node, fields);
      if (contents !== undefined) node.contents = copyOf(contents);
    }
    FS.nameTable = this.#table.slice();
    Object.assign(FS, this.#shared);
    // Half a line, which the next source would end.
    for (const tty of Object.values(TTY.ttys)) Object.assign(tty, { input: [], output: [] });
  }
}

/** Closes what a source left open; a pipe of which one end is closed already may refuse. */
function close(FS, stream) {
  try {
    FS.close(stream);
  } catch (error) {
    if (!(error instanceof FS.ErrnoError)) throw error;
  }
}

module.exports = { FileState };
