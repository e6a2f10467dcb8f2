//! Core Lean, and what it is run and installed with. Never installs it.

use crate::data_dir::DataDir;
use crate::setup::core_lean::CoreLean;
use crate::setup::doctor::fact::{Fact, State};
use crate::setup::doctor::tools;

/// What was found of core Lean.
pub(super) struct Core {
    /// Node and core Lean.
    pub(super) facts: [Fact; 2],
    pub(super) is_there: bool,
}

/// Looks for it; `node` is what is on the PATH.
pub(super) fn look(cache: &DataDir, needed: bool, node: Fact) -> Core {
    const NAME: &str = "core Lean";
    if let Some(installed) = CoreLean::new(cache.clone()).find() {
        let (program, version) = installed.node();
        let node = Fact::ok("node", version).from(program.display());
        let lean = format!("Lean {}", installed.lean_version());
        let lean = if installed.starts_fast() {
            Fact::ok(NAME, lean)
        } else {
            Fact::ok(
                NAME,
                format!("{lean}, which starts slowly: no memory is kept"),
            )
            .with_hint("leanrepl core install")
        };
        let lean = lean.from(installed.dir().display());
        return Core {
            facts: [node, lean],
            is_there: true,
        };
    }
    let lean = if needed {
        Fact::missing(NAME, "not installed", "leanrepl core install")
    } else {
        Fact::not_needed(NAME, "not installed").with_hint("leanrepl core install")
    };
    Core {
        facts: [before_installing(node, needed), lean],
        is_there: false,
    }
}

/// What stands for Node as long as core Lean is not installed: what counts then is npm, which brings
/// a Node of its own if the one that is there is too old.
fn before_installing(node: Fact, needed: bool) -> Fact {
    if !needed {
        return Fact {
            state: match node.state {
                State::Missing => State::NotNeeded,
                state => state,
            },
            ..node
        };
    }
    match tools::on_path("npm") {
        Some(npm) if node.state != State::Ok => {
            Fact::ok(node.name, "comes with core Lean, through npm").from(npm.display())
        }
        Some(_) => node,
        None => Fact::missing(
            node.name,
            "there is no `npm` to install core Lean with",
            "install Node 24 or newer, and put `node` and `npm` on `PATH`",
        ),
    }
}
