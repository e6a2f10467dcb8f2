//! Puts what a running Lean reads into one folder, in the form in which an image has it, and counts
//! what is left out. Runs inside of a build; never changes the project.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::deploy::docker::elf;
use crate::failure::{Failure, Kind};
use crate::limits::CancelFlag;

/// The REPL in the folder.
const REPL: &str = "repl";
/// The compiled modules of the project and its packages.
const MODULES: &str = "modules";
/// The toolchain, as far as it is kept.
const TOOLCHAIN: &str = "toolchain";
/// Shared libraries of the REPL.
const LIBRARIES: &str = "lib";
/// What is written about all of it.
pub(crate) const REPORT: &str = "gathered.json";

/// Endings of files that a session reads: the parts of a compiled module (`findOLeanParts` and
/// `loadIR?` in Lean/Environment.lean). The text of a session is no `module`, so that it imports all
/// parts that there are, the private one included.
const READ: [&str; 4] = ["olean", "olean.server", "olean.private", "ir"];

/// From where to where.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) repl: PathBuf,
    pub(crate) sysroot: PathBuf,
    /// The folders of compiled modules, the toolchain's own left out.
    pub(crate) modules: Vec<PathBuf>,
    pub(crate) into: PathBuf,
    /// Whether what no session reads is kept too.
    pub(crate) keep_all: bool,
}

/// Files of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Amount {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

impl Amount {
    fn add(&mut self, bytes: u64) {
        self.files += 1;
        self.bytes += bytes;
    }
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gathered {
    pub(crate) version: u32,
    /// What is in the folder, by kind of file.
    pub(crate) kept: BTreeMap<String, Amount>,
    /// What is not, by kind of file.
    pub(crate) left_out: BTreeMap<String, Amount>,
}

/// A walk under way.
struct Walk<'a> {
    plan: &'a Plan,
    interrupt: &'a CancelFlag,
    gathered: Gathered,
}

/// Gathers.
///
/// # Errors
/// What cannot be read or written, and two packages with the same module.
pub(crate) fn run(plan: &Plan, interrupt: &CancelFlag) -> Result<Gathered, Failure> {
    let mut walk = Walk {
        plan,
        interrupt,
        gathered: Gathered {
            version: 1,
            ..Gathered::default()
        },
    };
    let into = |name: &str| plan.into.join(name);
    fs::create_dir_all(into(LIBRARIES)).map_err(|err| refused("create", &plan.into, err))?;
    walk.keep(&plan.repl, &into(REPL))?;
    walk.libraries()?;
    let own = plan.sysroot.join("lib/lean");
    walk.folder(&plan.sysroot, &into(TOOLCHAIN))?;
    for folder in &plan.modules {
        if folder.canonicalize().ok() != own.canonicalize().ok() && folder.is_dir() {
            walk.folder(folder, &into(MODULES))?;
        }
    }
    let report = into(REPORT);
    let text = serde_json::to_string_pretty(&walk.gathered)
        .map_err(|err| Failure::bug("cannot write a report").caused_by(err))?;
    fs::write(&report, text + "\n").map_err(|err| refused("write", &report, err))?;
    Ok(walk.gathered)
}

impl Walk<'_> {
    /// The shared libraries of the toolchain that the REPL is linked with.
    fn libraries(&mut self) -> Result<(), Failure> {
        let bytes =
            fs::read(&self.plan.repl).map_err(|err| refused("read", &self.plan.repl, err))?;
        // A script needs what its interpreter needs, which is not ours to know.
        let needs = elf::needs(&bytes);
        for name in needs.into_iter().flat_map(|needs| needs.libraries) {
            let places =
                ["lib", "lib/lean"].map(|folder| self.plan.sysroot.join(folder).join(&name));
            if let Some(found) = places.iter().find(|place| place.is_file()) {
                self.keep(found, &self.plan.into.join(LIBRARIES).join(&name))?;
            }
        }
        Ok(())
    }

    /// All files of a folder, each kept or counted.
    fn folder(&mut self, from: &Path, to: &Path) -> Result<(), Failure> {
        let entries = fs::read_dir(from).map_err(|err| refused("read", from, err))?;
        for entry in entries {
            if self.interrupt.is_set() {
                return Err(Failure::new(
                    Kind::Interrupted,
                    "the gathering was stopped",
                    "run the same command again",
                ));
            }
            let entry = entry.map_err(|err| refused("read", from, err))?;
            let (path, to) = (entry.path(), to.join(entry.file_name()));
            let metadata = fs::metadata(&path);
            match metadata {
                Ok(metadata) if metadata.is_dir() => self.folder(&path, &to)?,
                Ok(_) if self.plan.keep_all || is_read(&path) => self.keep(&path, &to)?,
                Ok(metadata) => {
                    let kind = kind(&path);
                    self.gathered
                        .left_out
                        .entry(kind)
                        .or_default()
                        .add(metadata.len());
                }
                // A link that leads nowhere, which nobody can read either.
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn keep(&mut self, from: &Path, to: &Path) -> Result<(), Failure> {
        if to.exists() {
            return Err(Failure::new(
                Kind::Project,
                format!("two packages have the module of `{}`", to.display()),
                "remove one of them from the project",
            )
            .caused_by(format!("`{}` is the second", from.display())));
        }
        let parent = to.parent().unwrap_or(to);
        fs::create_dir_all(parent).map_err(|err| refused("create", parent, err))?;
        let bytes = fs::copy(from, to).map_err(|err| refused("copy", from, err))?;
        self.gathered.kept.entry(kind(from)).or_default().add(bytes);
        Ok(())
    }
}

/// Whether a session reads such a file, or a licence wants it to come along.
fn is_read(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_licence = name.starts_with("LICENSE") || name.starts_with("NOTICE");
    is_licence || READ.contains(&kind(path).as_str())
}

/// The kind of a file: its ending; for a part of a module both.
fn kind(path: &Path) -> String {
    let ending = |path: &Path| {
        path.extension()
            .map(OsStr::to_string_lossy)
            .map(String::from)
    };
    let Some(last) = ending(path) else {
        return "other".to_owned();
    };
    let stem = path.file_stem().map(Path::new).and_then(ending);
    match (stem.as_deref(), last.as_str()) {
        (Some("olean"), "server" | "private") => format!("olean.{last}"),
        _ => last,
    }
}

/// What a user is told when the system refuses.
fn refused(doing: &str, path: &Path, err: io::Error) -> Failure {
    Failure::new(
        Kind::Build,
        format!("cannot {doing} `{}`", path.display()),
        "see that the file can be read and that the disk has room",
    )
    .caused_by(err)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A toolchain and two packages in a folder.
    fn plan(root: &Path, keep_all: bool) -> Plan {
        for (path, bytes) in [
            ("t/bin/lean", 100),
            ("t/LICENSE", 1),
            ("t/lib/lean/Init.olean", 10),
            ("t/lib/lean/Init.ilean", 20),
            ("t/lib/lean/libleanshared.so", 300),
            ("a/A.olean", 5),
            ("a/A.olean.private", 6),
            ("a/A.olean.server", 7),
            ("a/A.ir", 8),
            ("a/A/B.olean", 4),
            ("a/A/B.olean.hash", 3),
            ("b/B.olean", 2),
            ("b/B.c", 50),
            ("repl", 9),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, vec![b'x'; bytes]).unwrap();
        }
        Plan {
            repl: root.join("repl"),
            sysroot: root.join("t"),
            modules: ["a", "b", "t/lib/lean", "missing"]
                .map(|name| root.join(name))
                .into(),
            into: root.join(if keep_all { "all" } else { "some" }),
            keep_all,
        }
    }

    #[test]
    fn what_is_never_read_is_left_out_and_counted_by_kind() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(dir.path(), false);
        let gathered = run(&plan, &CancelFlag::default()).unwrap();
        let left_out: Vec<(&str, u64, u64)> = gathered
            .left_out
            .iter()
            .map(|(kind, amount)| (kind.as_str(), amount.files, amount.bytes))
            .collect();
        assert_eq!(
            left_out,
            [
                ("c", 1, 50),
                ("hash", 1, 3),
                ("ilean", 1, 20),
                ("other", 1, 100),
                ("so", 1, 300)
            ]
        );
        for kept in [
            "repl",
            "toolchain/lib/lean/Init.olean",
            "toolchain/LICENSE",
            "modules/A.olean",
            "modules/A.olean.private",
            "modules/A.olean.server",
            "modules/A.ir",
            "modules/A/B.olean",
            "modules/B.olean",
        ] {
            assert!(plan.into.join(kept).is_file(), "{kept}");
        }
        assert!(!plan.into.join("modules/Init.olean").exists());
        let text = fs::read(plan.into.join(REPORT)).unwrap();
        assert_eq!(serde_json::from_slice::<Gathered>(&text).unwrap(), gathered);
    }

    #[test]
    fn everything_is_kept_on_request() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(dir.path(), true);
        let gathered = run(&plan, &CancelFlag::default()).unwrap();
        assert!(gathered.left_out.is_empty());
        assert!(plan.into.join("toolchain/bin/lean").is_file());
        assert!(plan.into.join("modules/B.c").is_file());
    }

    #[test]
    fn two_packages_with_one_module_are_no_image() {
        let dir = tempfile::tempdir().unwrap();
        let plan = plan(dir.path(), false);
        fs::write(dir.path().join("b/A.olean"), "other").unwrap();
        let failure = run(&plan, &CancelFlag::default()).unwrap_err();
        assert!(failure.problem().ends_with("modules/A.olean`"), "{failure}");
    }
}
