'use strict';
/** Files that appear whole or not at all. Knows nothing of what is in them. */
const fs = require('fs');
const path = require('path');

/** Has `write` write a file beside its place, and renames it; what fails leaves nothing. */
function replace(file, write) {
  const beside = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);
  try {
    write(beside);
    fs.renameSync(beside, file);
  } catch (error) {
    fs.rmSync(beside, { force: true });
    throw error;
  }
}

module.exports = { replace };
