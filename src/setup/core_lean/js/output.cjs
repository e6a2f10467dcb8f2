'use strict';
/** Writing to a descriptor, whole and at once. Knows nothing of what is written. */
const fs = require('fs');

/** How long to wait, in milliseconds, until a full pipe is tried again. */
const PIPE_WAIT_MS = 2;

const never = new Int32Array(new SharedArrayBuffer(4));

/** Writes all of the text, also to a pipe that does not block and is full. */
function writeAll(descriptor, text) {
  const bytes = Buffer.from(text, 'utf8');
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(descriptor, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      Atomics.wait(never, 0, 0, PIPE_WAIT_MS);
    }
  }
}

module.exports = { writeAll };
