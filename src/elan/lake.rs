//! Lake and Lean of one toolchain. The only place that runs them; never for sessions.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::elan::{Elan, install};
use crate::env_vars::{self, Variables};
use crate::event::{Observer, Step};
use crate::failure::{Failure, Kind};
use crate::lean::toolchain::Toolchain;
use crate::limits::{CancelFlag, Deadline};
use crate::process::run::{Run, find_program};
use crate::process::sandbox::folder::Folder;

/// The programs of a toolchain, and the environment that makes elan choose it.
#[derive(Debug, Clone)]
pub(crate) struct Lake {
    /// Whether there is anything to run; without elan and Lake, a REPL that was built before may still
    /// be found.
    is_there: bool,
    /// The environment of both programs: their folder, elan's own or that of a toolchain, is the first
    /// in its PATH.
    variables: Variables,
}

/// Names that `lake env` prints and a session gets; one that ends in `*` stands for all with that
/// beginning. Not all that it prints: a key for Lake's cache may be among the others.
const FOR_SESSIONS: [&str; 6] = [
    "LAKE",
    "LAKE_HOME",
    "LEAN",
    "LEAN_*",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
];

impl Elan {
    /// The programs of `toolchain`.
    pub(crate) fn lake(&self, toolchain: &Toolchain) -> Lake {
        let paths = env_vars::value_in(&self.variables, env_vars::PATH);
        let beside = |program: PathBuf| program.parent().map(Path::to_owned);
        let programs = match toolchain {
            Toolchain::Folder(folder) => Some(folder.join("bin")),
            // Without elan, the `lake` that is there may be the right one: what it builds has to
            // prove its version.
            Toolchain::Remote { .. } | Toolchain::Named(_) => self
                .program()
                .or_else(|| find_program("lake".as_ref(), paths))
                .and_then(beside),
        };
        let mut variables = env_vars::without_lean(self.variables.clone());
        let folders = paths.map(std::env::split_paths).into_iter().flatten();
        let path = std::env::join_paths(programs.iter().cloned().chain(folders));
        for (variable, value) in [
            // A folder with a colon in its name cannot be on any PATH.
            (
                env_vars::PATH,
                path.unwrap_or_else(|_| paths.unwrap_or_default().to_owned()),
            ),
            (env_vars::ELAN_TOOLCHAIN, toolchain.to_string().into()),
            (env_vars::ELAN_NO_OVERRIDE_NOTICE, "1".into()),
        ] {
            variables.retain(|(name, _)| name != variable.name);
            variables.push((variable.name.into(), value));
        }
        Lake {
            is_there: programs.is_some(),
            variables,
        }
    }
}

impl Lake {
    /// A run of `lake`.
    ///
    /// # Errors
    /// A machine with neither elan nor Lake.
    pub(crate) fn lake(&self) -> Result<Run, Failure> {
        self.run("lake")
    }

    /// Fails early where there is nothing to build with.
    pub(crate) fn need(&self) -> Result<(), Failure> {
        if self.is_there {
            Ok(())
        } else {
            Err(install::missing())
        }
    }

    /// A run of one of its programs. The variable that makes the choice is set on top, where it is
    /// seen when the command is shown.
    fn run(&self, program: &str) -> Result<Run, Failure> {
        self.need()?;
        let chosen = env_vars::value_in(&self.variables, env_vars::ELAN_TOOLCHAIN);
        Ok(Run::new(program)
            .environment(self.variables.clone())
            .var(
                env_vars::ELAN_TOOLCHAIN.name,
                chosen.unwrap_or_default().to_owned(),
            )
            .hint_if_missing("repair the installation of elan, or of the toolchain"))
    }

    /// The version that Lean says it has, such as `4.27.0`. The toolchain is installed if elan does so
    /// by itself.
    pub(crate) fn lean_version(
        &self,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<String, Failure> {
        let run = self
            .run("lean")?
            .arg("--short-version")
            .purpose("asking Lean for its version")
            .kind(Kind::Project)
            .hint("check that elan can run this toolchain: `lean --version`")
            .deadline(deadline);
        // elan may fetch the toolchain for it.
        let _step = Step::begin(observer, "asking Lean for its version");
        let output = run.finish(observer, interrupt)?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The environment of a session in a Lake project: that of every child, and what `lake env` says.
    /// It is asked once and the REPL is then started directly, so that the process that is measured
    /// and killed is the REPL itself, and Lake takes no locks at each start.
    pub(crate) fn session_variables(
        &self,
        project: &Path,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<Variables, Failure> {
        // Without a command, it prints them (`lake.env` in Lake/CLI/Main.lean).
        let output = self
            .lake()?
            .arg("env")
            .dir(project)
            .purpose("asking Lake where the project's modules are")
            .kind(Kind::Project)
            .hint("run `lake build` in the project, and fix what it reports")
            .deadline(deadline)
            .finish(observer, interrupt)?;
        let mut told = read(&output.stdout, project);
        let chosen = env_vars::ELAN_TOOLCHAIN;
        let value = env_vars::value_in(&self.variables, chosen);
        told.retain(|(name, _)| name != chosen.name);
        told.extend(value.map(|value| (chosen.name.into(), value.to_owned())));
        let mut variables = env_vars::without_lean(env_vars::cleaned());
        variables.retain(|(name, _)| !told.iter().any(|(known, _)| known == name));
        variables.extend(told);
        Ok(variables)
    }
}

impl Lake {
    /// The Lake file of a project in its TOML form, which Lake makes of a `lakefile.lean`. The project stays
    /// as it is. A Lake that is older than that form fails.
    pub(crate) fn lake_file_as_toml(
        &self,
        project: &Path,
        deadline: Deadline,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<String, Failure> {
        let hint = "run `lake translate-config toml FILE` in the project to see what Lake reports";
        let failed = |err: std::io::Error| {
            Failure::new(Kind::Project, "cannot read what Lake has written", hint).caused_by(err)
        };
        let folder = Folder::new(&env_vars::temporary_folder()).map_err(failed)?;
        // Without a path, Lake would put the new file into the project and rename the old one
        // (`lake.translateConfig` in Lake/CLI/Main.lean).
        let file = folder.path().join("lakefile.toml");
        self.lake()?
            .args(["translate-config", "toml"])
            .arg(&file)
            .dir(project)
            .purpose("asking Lake for the options of the project's modules")
            .kind(Kind::Project)
            .hint(hint)
            .deadline(deadline)
            .finish(observer, interrupt)?;
        fs::read_to_string(&file).map_err(failed)
    }
}

/// The variables in what `lake env` prints, one a line. An empty value means that it is not set.
fn read(output: &[u8], project: &Path) -> Variables {
    let pair = |line: &[u8]| {
        let at = memchr::memchr(b'=', line)?;
        let (name, value) = line.split_at_checked(at)?;
        let value = value.strip_prefix(b"=")?.trim_ascii_end();
        let name = OsStr::from_bytes(name);
        let is_known = FOR_SESSIONS
            .iter()
            .any(|known| env_vars::is_like(name, known));
        let value = || absolute(name, OsStr::from_bytes(value), project);
        (is_known && !line.ends_with(b"=")).then(|| (name.to_owned(), value()))
    };
    output
        .split(|byte| *byte == b'\n')
        .filter_map(pair)
        .collect()
}

/// The value of a list of folders with whole paths. Some versions of Lake write those of the project
/// relative to its root, but a session runs where the user stands.
fn absolute(name: &OsStr, value: &OsStr, project: &Path) -> OsString {
    if !name.as_bytes().ends_with(b"_PATH") {
        return value.to_owned();
    }
    // Collected from its parts, a path loses the `.` in it.
    let folders = std::env::split_paths(value).map(|folder| project.join(folder));
    let folders = folders.map(|folder| folder.components().collect::<PathBuf>());
    std::env::join_paths(folders).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_gets_what_lake_says_about_modules_and_no_keys() {
        let output = b"LEAN_PATH=././.lake/packages/a/lib:/t/lib\nLEAN_SYSROOT=/t=1\r\nLAKE_CACHE_KEY=secret\n\
            PATH=/elsewhere\nLEAN_CC=\nno pair\nLD_LIBRARY_PATH=/t/lib\n";
        let names: Vec<String> = read(output, Path::new("/p"))
            .iter()
            .map(|(name, value)| format!("{}={}", name.display(), value.display()))
            .collect();
        assert_eq!(
            names,
            [
                "LEAN_PATH=/p/.lake/packages/a/lib:/t/lib",
                "LEAN_SYSROOT=/t=1",
                "LD_LIBRARY_PATH=/t/lib"
            ]
        );
    }
}
