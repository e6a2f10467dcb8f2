//! The sidecar of a pickle ↔ JSON. Read strictly: a field that is missing, of another type or
//! unknown makes it no sidecar, since a pickle is trusted for what its sidecar says. Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::session::identity::Identity;
use crate::session::pickle::prelude::options_set_in;

/// Of the format below. Raised whenever a field comes, goes or changes its meaning.
pub const VERSION: u64 = 1;

/// What a pickle is, from what it was made and what that took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sidecar {
    /// Of the format.
    pub version: u64,
    /// The toolchain, as in [`Identity`].
    pub toolchain: String,
    /// The REPL, as in [`Identity`].
    pub repl: String,
    /// What `Lean.versionString` said, without the commit.
    pub lean_version: String,
    /// The digest of the project's manifest, as in [`Identity`].
    pub manifest: Option<String>,
    /// The imported modules, in their order.
    pub imports: Vec<String>,
    /// The commands that were run after the imports, as they were written.
    pub prelude: Option<String>,
    /// The commands that prove an environment to be this one; each must run without an error.
    pub probes: Vec<String>,
    /// The file itself.
    pub pickle: PickleFile,
    /// What one import and one unpickle took when it was made, each in a process of its own.
    pub made: Cost,
    /// What `leanrepl pickle --compare` has measured, if it was run.
    pub compared: Option<Compared>,
}

/// The file, so that another one of the same name is recognised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PickleFile {
    /// SHA-256 as hexadecimal.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
}

/// What making the pickle took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Seconds for the imports.
    pub import_seconds: f64,
    /// Seconds for the unpickle.
    pub unpickle_seconds: f64,
    /// Most resident memory of either process, in bytes; none where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
}

/// What a comparison found. Seconds are from the start of a process to a proven environment, the
/// median of the runs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// Which one `--base auto` takes from now on.
    pub faster: Way,
    /// With the imports.
    pub import: Timing,
    /// With the pickle.
    pub pickle: Timing,
}

/// How long one way took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// With the files in the page cache.
    pub warm_seconds: f64,
    /// Just after the page cache was dropped; none where that is not permitted.
    pub cold_seconds: Option<f64>,
    /// Most resident memory, in bytes; none where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
}

/// How an environment is had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// By running the imports.
    Import,
    /// From the pickle.
    Pickle,
}

impl Way {
    /// The word for it, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Pickle => "pickle",
        }
    }
}

impl Sidecar {
    /// The options that the prelude sets.
    pub fn options_of_prelude(&self) -> Vec<String> {
        self.prelude
            .as_deref()
            .map(options_set_in)
            .unwrap_or_default()
    }

    /// Reads one. The error says what does not fit.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|err| err.to_string())?;
        // Looked at first: a file of another format should be called that.
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(other) => {
                return Err(format!(
                    "it is of format {other}, and this leanrepl reads {VERSION}"
                ));
            }
            None => return Err("it has no `version`".to_owned()),
        }
        serde_json::from_value(value).map_err(|err| err.to_string())
    }

    /// The text of the file, with a line end.
    ///
    /// # Errors
    /// None that can be met.
    pub fn to_json(&self) -> Result<String, Failure> {
        match serde_json::to_string_pretty(self) {
            Ok(text) => Ok(text + "\n"),
            Err(err) => Err(Failure::bug("cannot write a sidecar as JSON").caused_by(err)),
        }
    }

    /// What this REPL would not take it for: the words for the first thing that differs, with what
    /// the pickle was made with and what there is now.
    pub fn difference(&self, identity: &Identity) -> Option<(&'static str, String, String)> {
        let manifest =
            |digest: &Option<String>| digest.clone().unwrap_or_else(|| "none".to_owned());
        [
            (
                "toolchain",
                self.toolchain.clone(),
                identity.toolchain.clone(),
            ),
            ("REPL", self.repl.clone(), identity.repl.clone()),
            (
                "`lake-manifest.json`",
                manifest(&self.manifest),
                manifest(&identity.manifest),
            ),
        ]
        .into_iter()
        .find(|(_, made_with, now)| made_with != now)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::json;

    use super::*;

    /// A sidecar with everything in it.
    pub(crate) fn sidecar() -> Sidecar {
        let timing = |seconds| Timing {
            warm_seconds: seconds,
            cold_seconds: None,
            peak_memory_bytes: Some(5 << 30),
        };
        Sidecar {
            version: VERSION,
            toolchain: "leanprover/lean4:v4.27.0".to_owned(),
            repl: "v4.27.0 (0b4cb1d)".to_owned(),
            lean_version: "4.27.0".to_owned(),
            manifest: Some("00ff".to_owned()),
            imports: vec!["Mathlib".to_owned(), "Foo.«b c»".to_owned()],
            prelude: Some("open Nat\n".to_owned()),
            probes: vec!["#check Real".to_owned()],
            pickle: PickleFile {
                sha256: "ab".to_owned(),
                bytes: 5120,
            },
            made: Cost {
                import_seconds: 28.0,
                unpickle_seconds: 26.5,
                peak_memory_bytes: None,
            },
            compared: Some(Compared {
                faster: Way::Pickle,
                import: timing(20.0),
                pickle: timing(19.5),
            }),
        }
    }

    #[test]
    fn it_comes_back_as_it_was_written() {
        let text = sidecar().to_json().unwrap();
        assert_eq!(Sidecar::from_json(&text), Ok(sidecar()));
        assert!(text.contains("\"faster\": \"pickle\""), "{text}");
    }

    #[test]
    fn it_is_read_strictly() {
        let good = serde_json::to_value(sidecar()).unwrap();
        for (field, value, complaint) in [
            ("version", json!(2), "format 2"),
            ("version", json!("1"), "no `version`"),
            ("imports", json!("Mathlib"), "expected a sequence"),
            ("pickle", json!({"sha256": "ab"}), "missing field `bytes`"),
            ("unheard_of", json!(1), "unknown field `unheard_of`"),
            ("lean_version", json!(null), "expected a string"),
        ] {
            let mut bad = good.clone();
            bad[field] = value;
            let error = Sidecar::from_json(&bad.to_string()).unwrap_err();
            assert!(error.contains(complaint), "{field}: {error}");
        }
        let mut short = good.to_string();
        short.truncate(short.len() / 2);
        assert!(Sidecar::from_json(&short).is_err());
    }

    #[test]
    fn every_part_of_an_identity_counts() {
        let same = Identity {
            toolchain: sidecar().toolchain,
            repl: sidecar().repl,
            manifest: sidecar().manifest,
        };
        assert_eq!(sidecar().difference(&same), None);
        let mut other = same.clone();
        other.manifest = None;
        let (what, made_with, now) = sidecar().difference(&other).unwrap();
        assert_eq!(
            (what, made_with.as_str(), now.as_str()),
            ("`lake-manifest.json`", "00ff", "none")
        );
        let mut other = same.clone();
        other.repl = "v4.28.0".to_owned();
        assert_eq!(sidecar().difference(&other).unwrap().0, "REPL");
        let mut other = same;
        other.toolchain = "stable".to_owned();
        assert_eq!(sidecar().difference(&other).unwrap().0, "toolchain");
    }
}
