//! How to start a long-lived child. Holds no process.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::process::quote;
use crate::process::sandbox::offer::Offer;

/// Everything that starting a child needs. The child gets these variables and no others, so that
/// no secret of the user's environment is handed down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// The program, as a path or a name on `PATH`.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub vars: Vec<(OsString, OsString)>,
    /// Its working directory; that of leanrepl if absent.
    pub dir: Option<PathBuf>,
    /// What it reads besides what its program, `LEAN_PATH`, `LEAN_SYSROOT` and `LD_LIBRARY_PATH`
    /// name: scripts, pickles. Only a confined launch looks at it.
    pub reads: Vec<PathBuf>,
    /// Folders in which it writes, besides its temporary one. Only a confined launch looks at it.
    pub writes: Vec<PathBuf>,
    /// What to do where a module that is imported is not there, if it is not a matter of spelling.
    pub import_hint: Option<&'static str>,
    /// How it is confined; see [`crate::process::sandbox::confine`].
    pub sandbox: Option<Sandbox>,
}

/// The confinement of a session, as a part of its [`Launch`]: each start gets rules and a temporary
/// folder of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sandbox {
    /// What is put in force; a start fails without it.
    pub(crate) offer: Offer,
    /// The folder in which the temporary folders are made.
    pub(crate) temporary: PathBuf,
}

impl Launch {
    /// A program without arguments and variables, in the working directory of leanrepl, not
    /// confined.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            vars: Vec::new(),
            dir: None,
            reads: Vec::new(),
            writes: Vec::new(),
            import_hint: None,
            sandbox: None,
        }
    }

    /// The value of a variable the child will see.
    pub fn var(&self, name: &str) -> Option<&OsString> {
        self.vars
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The command line in a form that can be pasted into a shell; shows the variables of Lean,
    /// which decide what the program loads.
    pub fn shell_line(&self) -> String {
        let vars: Vec<(OsString, OsString)> = self
            .vars
            .iter()
            .filter(|(key, _)| key.to_string_lossy().starts_with("LEAN_"))
            .cloned()
            .collect();
        quote::command_line(
            self.dir.as_deref(),
            &vars,
            self.program.as_os_str(),
            &self.args,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_into_a_shell() {
        let launch = Launch {
            program: "/opt/my repl".into(),
            args: vec!["it's".into(), "--x=1".into(), "".into()],
            vars: vec![
                ("HOME".into(), "/h".into()),
                ("LEAN_PATH".into(), "/a:/b".into()),
            ],
            ..Launch::new("")
        };
        assert_eq!(
            launch.shell_line(),
            r"LEAN_PATH=/a:/b '/opt/my repl' 'it'\''s' --x=1 ''"
        );
    }
}
