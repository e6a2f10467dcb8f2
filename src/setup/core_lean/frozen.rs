//! The memory of an initialized Lean, kept in a file beside our scripts, from which sessions start
//! faster. The scripts make it, read it and decide whether it fits; without one they start all the same.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The file, in the folder of the scripts that made it.
const FILE: &str = "init.frozen";

/// The longest head that is read, in bytes, as in `frozen.cjs`.
const MAX_HEAD: u64 = 1 << 20;

/// The unit in which the memory is kept, in bytes, as in `frozen.cjs`.
const BLOCK: u64 = 65536;

/// What is read of the head of the file; `frozen.cjs` looks at all of it, and at every byte.
#[derive(Deserialize)]
struct Head {
    made: Made,
    /// The parts of the memory that are in the file.
    runs: Vec<Blocks>,
}

/// What it was made with, as far as it can change without another set of scripts.
#[derive(Deserialize)]
struct Made {
    node: String,
}

/// Neighbouring blocks of the memory.
#[derive(Deserialize)]
struct Blocks {
    count: u64,
}

/// Where the file is, or would be, beside these scripts.
pub(crate) fn path(scripts: &Path) -> PathBuf {
    scripts.join(FILE)
}

/// Whether there is a whole file, made by that version of Node.
pub(crate) fn is_usable(scripts: &Path, node_version: &str) -> bool {
    look(&path(scripts)).is_ok_and(|(node, is_whole)| is_whole && node == node_version)
}

/// The version of Node that made the file, and whether the file is as long as it says.
fn look(path: &Path) -> io::Result<(String, bool)> {
    let mut file = File::open(path)?;
    let mut prefix = [0; 8];
    file.read_exact(&mut prefix)?;
    let [first, second, third, fourth, ..] = prefix;
    let length = u64::from(u32::from_le_bytes([first, second, third, fourth]));
    let mut text = Vec::new();
    file.by_ref()
        .take(length.min(MAX_HEAD))
        .read_to_end(&mut text)?;
    let head: Head = serde_json::from_slice(&text).map_err(io::Error::other)?;
    let blocks = head
        .runs
        .iter()
        .fold(0_u64, |sum, Blocks { count }| sum.saturating_add(*count));
    let wanted = blocks.saturating_mul(BLOCK).saturating_add(8 + length);
    Ok((head.made.node, file.metadata()?.len() == wanted))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A folder with a file of that head and so many bytes of memory.
    fn folder(head: &str, bytes: usize) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let length = u32::try_from(head.len()).unwrap();
        let prefix = [length.to_le_bytes(), [0; 4]].concat();
        let all = [&prefix[..], head.as_bytes(), &vec![1; bytes]].concat();
        fs::write(path(dir.path()), all).unwrap();
        dir
    }

    #[test]
    fn only_a_whole_file_of_this_node_is_said_to_be_usable() {
        let head =
            r#"{"made":{"node":"v24.1.0"},"runs":[{"first":3,"count":2},{"first":9,"count":1}]}"#;
        let usable = |head, bytes, node| is_usable(folder(head, bytes).path(), node);
        assert!(usable(head, 3 * 65536, "v24.1.0"));
        assert!(!usable(head, 3 * 65536, "v24.2.0"));
        assert!(!usable(head, 3 * 65536 - 1, "v24.1.0"));
        assert!(!usable("{", 0, "v24.1.0"));
        assert!(!usable("", 0, "v24.1.0"));
        let huge = head.replace("\"count\":2", "\"count\":18446744073709551615");
        assert!(!usable(&huge, 0, "v24.1.0"));
        assert!(!is_usable(tempfile::tempdir().unwrap().path(), "v24.1.0"));
    }
}
