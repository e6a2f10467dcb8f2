//! elan on this machine: where it is, and which toolchain it would run in a folder and why. Decides as
//! elan 4.2.3 does (`Cfg::find_override`), without running it. Never installs a toolchain itself.

pub(crate) mod install;
pub(crate) mod lake;
mod preferences;

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::env_vars::{self, Variables};
use crate::failure::{Failure, Kind};
use crate::lean::toolchain::Toolchain;
use crate::process::run::find_program;

use preferences::Preferences;

/// elan, as the variables say; it need not be installed.
#[derive(Debug, Clone)]
pub(crate) struct Elan {
    /// Its folder, if there is a home.
    home: Option<PathBuf>,
    /// The environment of this process as elan and Lake get it.
    variables: Variables,
    /// What `ELAN_TOOLCHAIN` says.
    toolchain_variable: Option<OsString>,
}

/// A toolchain with the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Active {
    /// Which one; a release with its origin, so that two ways to write it are one toolchain.
    pub(crate) toolchain: Toolchain,
    pub(crate) origin: Origin,
}

/// What decided for a toolchain, strongest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The variable `ELAN_TOOLCHAIN`.
    Variable,
    /// `elan override set` for that folder.
    Override(PathBuf),
    /// That `lean-toolchain`.
    File(PathBuf),
    /// `elan default`.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable => f.write_str("the variable `ELAN_TOOLCHAIN` says so"),
            Self::Override(folder) => {
                write!(f, "`elan override` says so for `{}`", folder.display())
            }
            Self::File(path) => write!(f, "`{}` says so", path.display()),
            Self::Default => f.write_str("it is the default of elan"),
        }
    }
}

impl Elan {
    pub(crate) fn locate() -> Self {
        let home = env_vars::read(env_vars::ELAN_HOME)
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(env_vars::read(env_vars::HOME)?).join(".elan")));
        Self {
            home: home.map(|home| std::path::absolute(&home).unwrap_or(home)),
            variables: env_vars::for_network(),
            toolchain_variable: env_vars::read(env_vars::ELAN_TOOLCHAIN),
        }
    }

    /// The program: on `PATH`, else in its own folder, where it is before a new shell knows it.
    pub(crate) fn program(&self) -> Option<PathBuf> {
        let paths = env_vars::value_in(&self.variables, env_vars::PATH);
        find_program("elan".as_ref(), paths).or_else(|| {
            let program = self.home.as_ref()?.join("bin/elan");
            program.is_file().then_some(program)
        })
    }

    /// The toolchain that it would run in `folder`.
    ///
    /// # Errors
    /// A file or variable that names no toolchain, settings of elan that cannot be read, and none at
    /// all.
    pub(crate) fn active(&self, folder: &Path) -> Result<Active, Failure> {
        if let Some(toolchain_variable) = &self.toolchain_variable {
            let here = std::env::current_dir().unwrap_or_default();
            return self.resolve(
                &toolchain_variable.to_string_lossy(),
                &here,
                Origin::Variable,
            );
        }
        let preferences = match &self.home {
            Some(home) => Preferences::read(home)?,
            None => Preferences::default(),
        };
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        for folder in folder.ancestors() {
            if let Some(text) = preferences.overrides.get(folder) {
                return self.resolve(text, folder, Origin::Override(folder.to_owned()));
            }
            let file = folder.join("lean-toolchain");
            if file.is_file() {
                let text = fs::read_to_string(&file).map_err(|err| unreadable(&file, err))?;
                return self.resolve(&text, folder, Origin::File(file));
            }
        }
        match preferences.default {
            Some(text) => self.resolve(&text, &folder, Origin::Default),
            None => Err(Failure::new(
                Kind::Project,
                format!("nothing says which toolchain `{}` uses", folder.display()),
                "write one, such as `leanprover/lean4:v4.27.0`, into a file `lean-toolchain` there",
            )),
        }
    }

    /// The toolchain that a text stands for on this machine: a folder that holds a Lean, a name that
    /// was linked, or a release.
    fn resolve(&self, text: &str, base: &Path, origin: Origin) -> Result<Active, Failure> {
        let name = text.lines().next().unwrap_or_default().trim();
        let folder = base.join(name);
        let has_lean = |folder: &Path| folder.join("bin/lean").is_file();
        let toolchain = if !name.is_empty() && has_lean(&folder) {
            Toolchain::Folder(folder.canonicalize().unwrap_or(folder))
        } else {
            match Toolchain::parse(text).map_err(|err| misnamed(&origin).caused_by(err))? {
                Toolchain::Folder(_) => {
                    let lacking = folder.join("bin/lean");
                    return Err(
                        misnamed(&origin).caused_by(format!("there is no `{}`", lacking.display()))
                    );
                }
                named => match named.link_name().filter(|name| self.is_linked(name)) {
                    Some(name) => Toolchain::Named(name.to_owned()),
                    None => named.canonical(),
                },
            }
        };
        Ok(Active { toolchain, origin })
    }

    /// Whether a folder was linked under that name, with `elan toolchain link`.
    fn is_linked(&self, name: &str) -> bool {
        let link = self
            .home
            .as_ref()
            .map(|home| home.join("toolchains").join(name));
        link.is_some_and(|link| link.is_symlink() && link.exists())
    }
}

/// What a user is told about a text that names no toolchain.
fn misnamed(origin: &Origin) -> Failure {
    let (place, hint) = match origin {
        Origin::Variable => (
            "the variable `ELAN_TOOLCHAIN`".to_owned(),
            "unset it, or let it name one".to_owned(),
        ),
        Origin::Override(folder) => (
            format!("the override of elan for `{}`", folder.display()),
            format!("run `elan override unset --path {}`", folder.display()),
        ),
        Origin::File(path) => (
            format!("`{}`", path.display()),
            "write one into its first line".to_owned(),
        ),
        Origin::Default => (
            "the default of elan".to_owned(),
            "run `elan default stable`, or name another one".to_owned(),
        ),
    };
    Failure::new(
        Kind::Project,
        format!("{place} names no toolchain"),
        format!("{hint}, such as `leanprover/lean4:v4.27.0`"),
    )
}

/// What a user is told about a `lean-toolchain` that cannot be read.
fn unreadable(path: &Path, err: std::io::Error) -> Failure {
    Failure::new(
        Kind::Project,
        format!(
            "cannot read the toolchain of this project from `{}`",
            path.display()
        ),
        "fix the file, or choose a Lean with `--repl PATH` or `--toolchain core`",
    )
    .caused_by(err)
}

#[cfg(test)]
mod tests;
