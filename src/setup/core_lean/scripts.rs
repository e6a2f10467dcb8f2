//! Our JavaScript: the REPL of core Lean, embedded in the binary. Never knows what it says.

use std::fs;
use std::io;
use std::path::Path;

/// The script that is the REPL.
pub(crate) const MAIN: &str = "main.cjs";

/// The script that compiles modules.
pub(crate) const COMPILE: &str = "compile.cjs";

/// The script that patches the package.
pub(crate) const PATCH: &str = "patch.cjs";

/// The script that keeps the memory of Lean.
pub(crate) const FREEZE: &str = "freeze.cjs";

/// The script that trims Lean itself.
pub(crate) const TRIM: &str = "trim.cjs";

/// What the patch makes of the package's JavaScript, among our scripts since it depends on them.
pub(crate) const PATCHED: &str = "lean.js";

/// Names the scripts and embeds their texts.
macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("js/", $name)))),*]
    };
}

/// All scripts.
const SCRIPTS: &[(&str, &str)] = embed![
    "abi.cjs",
    "axiom_walk.cjs",
    "axioms.cjs",
    "beginning.cjs",
    "bodiless.cjs",
    "body_trial.cjs",
    "command_ranges.cjs",
    "compile.cjs",
    "compiled_names.cjs",
    "counting.cjs",
    "file_state.cjs",
    "files.cjs",
    "formats.cjs",
    "freeze.cjs",
    "frontend.cjs",
    "frozen.cjs",
    "header.cjs",
    "home.cjs",
    "host_imports.cjs",
    "imports.cjs",
    "initializers.cjs",
    "main.cjs",
    "memory.cjs",
    "met_constants.cjs",
    "missing_bodies.cjs",
    "monads.cjs",
    "names.cjs",
    "output.cjs",
    "patch.cjs",
    "pickles.cjs",
    "proof_pickles.cjs",
    "proof_states.cjs",
    "proof_status.cjs",
    "proof_steps.cjs",
    "refuter.cjs",
    "replace.cjs",
    "runtime.cjs",
    "session.cjs",
    "snapshots.cjs",
    "sorries.cjs",
    "sorry_decls.cjs",
    "stand_ins.cjs",
    "supervisor.cjs",
    "symbols.cjs",
    "syntax.cjs",
    "tactic_rows.cjs",
    "tactic_trial.cjs",
    "tactics.cjs",
    "thread.cjs",
    "threads.cjs",
    "tree_json.cjs",
    "trees.cjs",
    "trim.cjs",
    "wire.cjs",
    "worker.cjs",
];

/// A set of scripts by name and text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scripts(&'static [(&'static str, &'static str)]);

impl Scripts {
    pub(crate) fn embedded() -> Self {
        Self(SCRIPTS)
    }

    /// The folder they are installed in; other scripts have another name.
    pub(crate) fn folder_name(self) -> String {
        format!("scripts-{:016x}", self.digest())
    }

    /// Writes each into the folder.
    pub(crate) fn write(self, dir: &Path) -> io::Result<()> {
        self.0
            .iter()
            .try_for_each(|(name, text)| fs::write(dir.join(name), text))
    }

    /// FNV-1a of names and texts: the same for all builds and processors, as std's hashes need not
    /// be. It tells versions apart and guards against nothing.
    fn digest(self) -> u64 {
        let parts = self.0.iter().flat_map(|(name, text)| [*name, *text]);
        parts
            .flat_map(|part| part.bytes().chain([0]))
            .fold(0xcbf2_9ce4_8422_2325, |digest, byte| {
                (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_of_the_folder_is_embedded() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/setup/core_lean/js");
        let mut names: Vec<_> = fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let embedded: Vec<_> = SCRIPTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(embedded, names);
        assert!(
            [MAIN, COMPILE, FREEZE, PATCH, TRIM]
                .iter()
                .all(|name| embedded.contains(name))
        );
        assert!(!embedded.contains(&PATCHED));
    }

    #[test]
    fn changed_scripts_get_a_folder_of_their_own() {
        let name = |scripts| Scripts(scripts).folder_name();
        // The published test vector of FNV-1a for two zero bytes is that of an empty name and text.
        assert_eq!(name(&[("", "")]), "scripts-08328807b4eb6fed");
        assert_ne!(name(&[("a", "b")]), name(&[("a", "c")]));
        assert_ne!(name(&[("a", "bc")]), name(&[("ab", "c")]));
    }
}
