//! What `elan default` and `elan override set` wrote down.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use crate::failure::{Failure, Kind};

/// The parts of elan's `settings.toml` that decide for a toolchain.
#[derive(Debug, Default)]
pub(crate) struct Preferences {
    /// The toolchain for folders that say nothing.
    pub(crate) default: Option<String>,
    /// Toolchains by folder, for it and all below.
    pub(crate) overrides: BTreeMap<PathBuf, String>,
}

impl Preferences {
    /// Reads those in elan's folder; a missing file says nothing.
    pub(crate) fn read(home: &Path) -> Result<Self, Failure> {
        let path = home.join("settings.toml");
        let broken = |what: &str| {
            Failure::new(
                Kind::Project,
                format!("cannot {what} `{}`, the settings of elan", path.display()),
                "fix the file, or choose a toolchain with the variable `ELAN_TOOLCHAIN`",
            )
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(err) => return Err(broken("read").caused_by(err)),
        };
        let table: Table = text
            .parse()
            .map_err(|err: toml::de::Error| broken("make sense of").caused_by(err))?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let overrides = table.get("overrides").and_then(Value::as_table);
        Ok(Self {
            default: table.get("default_toolchain").and_then(text),
            overrides: overrides
                .into_iter()
                .flatten()
                .filter_map(|(folder, value)| Some((PathBuf::from(folder), text(value)?)))
                .collect(),
        })
    }
}
