//! What `leanrepl pickle` made or measured, as text and as a JSON line. Never measures.

use std::path::Path;

use serde::Serialize;

use crate::limits::Bytes;
use crate::session::pickle::sidecar::{Compared, Sidecar, Timing};
use crate::ui::json::VERSION;
use crate::ui::visible::visible_line;

/// A pickle as a JSON line.
#[derive(Debug, Serialize)]
pub(crate) struct PickleLine<'a> {
    /// Always `pickle`.
    r#type: &'static str,
    version: u32,
    path: String,
    sidecar: &'a Sidecar,
}

impl<'a> PickleLine<'a> {
    /// The line for the pickle at `path`.
    pub(crate) fn new(path: &Path, sidecar: &'a Sidecar) -> Self {
        Self {
            r#type: "pickle",
            version: VERSION,
            path: path.display().to_string(),
            sidecar,
        }
    }
}

pub(crate) fn made(path: &Path, sidecar: &Sidecar) -> String {
    let prelude = if sidecar.prelude.is_some() {
        " with a prelude"
    } else {
        ""
    };
    format!(
        "pickled `import {}`{prelude} to {} ({})\nimported in {:.1} s, unpickled in {:.1} s in a fresh process (probes: {}), peak memory {}\n",
        visible_line(&sidecar.imports.join(" ")),
        visible_line(&path.display().to_string()),
        Bytes::new(sidecar.pickle.bytes),
        sidecar.made.import_seconds,
        sidecar.made.unpickle_seconds,
        sidecar.probes.len(),
        memory(sidecar.made.peak_memory_bytes),
    )
}

/// What was measured, as a table.
pub(crate) fn table(compared: &Compared) -> String {
    let mut text = format!(
        "{:8}{:>10}{:>10}{:>14}\n",
        "", "warm", "cold", "peak memory"
    );
    for (name, timing) in [("import", compared.import), ("pickle", compared.pickle)] {
        text.push_str(&row(name, timing));
    }
    let faster = compared.faster.name();
    text + &format!(
        "from the start of a process to a proven environment; `--base auto` now takes the faster: {faster}\n"
    )
}

/// One row of the table.
fn row(name: &str, timing: Timing) -> String {
    let seconds = |seconds: f64| format!("{seconds:.1} s");
    format!(
        "{name:8}{:>10}{:>10}{:>14}\n",
        seconds(timing.warm_seconds),
        timing.cold_seconds.map_or_else(|| "-".to_owned(), seconds),
        memory(timing.peak_memory_bytes),
    )
}

fn memory(bytes: Option<u64>) -> String {
    bytes.map_or_else(
        || "unknown".to_owned(),
        |bytes| Bytes::new(bytes).to_string(),
    )
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::session::pickle::sidecar::tests::sidecar;

    #[test]
    fn what_was_made_is_said_in_two_lines() {
        assert_snapshot!(made(Path::new("/p/x.olean"), &sidecar()), @"
        pickled `import Mathlib Foo.«b c»` with a prelude to /p/x.olean (5.0 KiB)
        imported in 28.0 s, unpickled in 26.5 s in a fresh process (probes: 1), peak memory unknown
        ");
    }

    #[test]
    fn the_table_names_the_faster_way() {
        assert_snapshot!(table(&sidecar().compared.unwrap()), @"
                      warm      cold   peak memory
        import      20.0 s         -       5.0 GiB
        pickle      19.5 s         -       5.0 GiB
        from the start of a process to a proven environment; `--base auto` now takes the faster: pickle
        ");
    }
}
