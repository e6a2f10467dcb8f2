//! Verdicts that are kept in a file between runs: what a kept one was made of, so that it is used again only where
//! the same would be found, and the way back from its JSON. Never reads or writes the file.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest;
use crate::engine::judge::{Judged, Judgement, Policy, Verdict};
use crate::engine::record::EvalRecord;
use crate::engine::request::EvalRequest;
use crate::failure::Failure;
use crate::isolation::Isolation;
use crate::lean::options::ModuleOptions;
use crate::protocol::object::{Found, find_object};
use crate::protocol::wire::Options;
use crate::session::base::BaseEnv;
use crate::session::identity::Identity;

/// Raised when verdicts of an earlier program are no longer to be used.
const FORMAT: u32 = 1;

/// The fields of a line that become those of the record.
const RECORD_FIELDS: [&str; 10] = [
    "messages",
    "sorries",
    "tactics",
    "infotree",
    "hints",
    "base",
    "options",
    "lean",
    "isolation",
    "session",
];

/// What the verdicts of a run depend on besides the sources.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunSettings<'a> {
    pub(crate) policy: Policy,
    pub(crate) identity: &'a Identity,
    /// What sources start from.
    pub(crate) base: &'a BaseEnv,
    /// The level that is asked for; none for the default.
    pub(crate) isolation: Option<Isolation>,
    /// How far sessions are to be confined, in a word; none for the default.
    pub(crate) sandbox: Option<&'static str>,
}

/// All that the verdict on a source depends on besides the source, in the form that is digested. Limits are not in
/// it: what runs into one is undecided, and is not kept.
#[derive(Serialize)]
struct SourceSettings<'a> {
    fail_on_sorry: bool,
    fail_on_warning: bool,
    identity: &'a Identity,
    pickle: Option<&'a str>,
    pickle_is_required: bool,
    isolation: Option<Isolation>,
    sandbox: Option<&'static str>,
    asked: &'a Options,
    lean_options: Option<&'a ModuleOptions>,
    find_sorry_decls: bool,
}

impl RunSettings<'_> {
    /// The digest of all that the verdict on a source depends on besides the source.
    ///
    /// # Errors
    /// A bug.
    pub(crate) fn digest(self, request: &EvalRequest) -> Result<String, Failure> {
        let settings = SourceSettings {
            fail_on_sorry: self.policy.fail_on_sorry,
            fail_on_warning: self.policy.fail_on_warning,
            identity: self.identity,
            pickle: self.base.digest(),
            pickle_is_required: matches!(self.base, BaseEnv::Pickle { strict: true, .. }),
            isolation: self.isolation,
            sandbox: self.sandbox,
            asked: &request.options,
            lean_options: request.lean_options.as_deref(),
            find_sorry_decls: request.find_sorry_decls,
        };
        let written = serde_json::to_vec(&settings);
        let written =
            written.map_err(|err| Failure::bug("cannot digest settings").caused_by(err))?;
        Ok(digest::of_bytes(&written))
    }
}

/// What a verdict was made of: the field `resume` of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Basis {
    /// [`FORMAT`] of the program that made it.
    format: u32,
    /// The SHA-256 of the source; none if it could not be read.
    source: Option<String>,
    /// The digest of [`RunSettings::digest`]; none if the source could not be read.
    settings: Option<String>,
    /// The declarations that depend on `sorryAx`, if they were found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sorry_decls: Option<Vec<String>>,
}

impl Basis {
    /// That of a source with these settings; without any for one that could not be read.
    pub(crate) fn new(judged: &Judged, settings: Option<&str>) -> Self {
        Self {
            format: FORMAT,
            source: settings.map(|_| digest::of_bytes(judged.source.as_bytes())),
            settings: settings.map(str::to_owned),
            sorry_decls: judged.record.sorry_decls.clone(),
        }
    }

    /// Whether a verdict that was made of this holds for that source with those settings.
    pub(crate) fn holds_for(&self, source: &str, settings: &str) -> bool {
        self.format == FORMAT
            && self.settings.as_deref() == Some(settings)
            && self.source.as_deref() == Some(&digest::of_bytes(source.as_bytes()))
    }
}

/// What has to be known of every line.
#[derive(Debug, Deserialize)]
pub(crate) struct Brief {
    /// The file, as it is shown.
    pub(crate) name: String,
    verdict: String,
    /// What the verdict was made of.
    pub(crate) resume: Basis,
}

impl Brief {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn read(line: &[u8]) -> Result<Self, String> {
        let brief: Self = serde_json::from_slice(line).map_err(|err| err.to_string())?;
        let words = [Verdict::Accepted, Verdict::Rejected, Verdict::Undecided].map(Verdict::as_str);
        if words.contains(&brief.verdict.as_str()) {
            Ok(brief)
        } else {
            Err(format!("the verdict `{}` is unknown", brief.verdict))
        }
    }

    /// Whether the source need not be evaluated again.
    pub(crate) fn is_decided(&self) -> bool {
        self.verdict != Verdict::Undecided.as_str()
    }
}

/// The decided verdict of a line that was read already, as if the source had just been evaluated.
///
/// # Errors
/// What is wrong with the line.
pub(crate) fn judged(line: &[u8], brief: &Brief, source: Arc<str>) -> Result<Judged, String> {
    let Found::One { mut object, .. } = find_object(line) else {
        return Err("it is not a JSON object".to_owned());
    };
    let mut record = serde_json::to_value(EvalRecord::empty()).map_err(|err| err.to_string())?;
    if let Value::Object(fields) = &mut record {
        for name in RECORD_FIELDS {
            if let Some(value) = object.remove(name) {
                fields.insert(name.to_owned(), value);
            }
        }
    }
    let mut record: EvalRecord = serde_json::from_value(record).map_err(|err| err.to_string())?;
    record.sorry_decls.clone_from(&brief.resume.sorry_decls);
    let seconds = object.remove("seconds").unwrap_or_default();
    let part = |name| {
        let seconds = seconds.get(name).and_then(Value::as_f64);
        seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    };
    record.times.queue = part("queue").unwrap_or_default();
    record.times.header = part("header").unwrap_or_default();
    record.times.body = part("body").unwrap_or_default();
    let reasons = object.remove("reasons").unwrap_or_default();
    Ok(Judged {
        name: brief.name.clone(),
        source,
        record,
        judgement: Judgement {
            verdict: if brief.verdict == Verdict::Accepted.as_str() {
                Verdict::Accepted
            } else {
                Verdict::Rejected
            },
            reasons: serde_json::from_value(reasons).map_err(|err| err.to_string())?,
            undecided: None,
        },
        is_resumed: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lean::options::OptionValue;

    #[test]
    fn a_verdict_holds_for_the_same_source_and_settings_only() {
        let identity = |toolchain: &str| Identity {
            toolchain: toolchain.to_owned(),
            repl: "r".to_owned(),
            manifest: None,
        };
        let (one, other) = (identity("a"), identity("b"));
        let settings = RunSettings {
            policy: Policy::default(),
            identity: &one,
            base: &BaseEnv::Import,
            isolation: None,
            sandbox: None,
        };
        let request = EvalRequest::new(Arc::from("#eval 1"), Duration::from_secs(1));
        let digest = settings.digest(&request).unwrap();
        let strict = Policy {
            fail_on_sorry: true,
            fail_on_warning: false,
        };
        for changed in [
            RunSettings {
                policy: strict,
                ..settings
            },
            RunSettings {
                identity: &other,
                ..settings
            },
            RunSettings {
                isolation: Some(Isolation::Source),
                ..settings
            },
            RunSettings {
                sandbox: Some("strict"),
                ..settings
            },
        ] {
            assert_ne!(changed.digest(&request).unwrap(), digest, "{changed:?}");
        }
        let mut asked = request.clone();
        asked.options.all_tactics = Some(true);
        assert_ne!(settings.digest(&asked).unwrap(), digest);
        let mut options = ModuleOptions::default();
        options.set(&["maxRecDepth"], OptionValue::Nat(9));
        let mut optioned = request.clone();
        optioned.lean_options = Some(Arc::new(options));
        assert_ne!(settings.digest(&optioned).unwrap(), digest);
        let mut longer = request;
        longer.run_timeout = Duration::from_secs(2);
        assert_eq!(settings.digest(&longer).unwrap(), digest);

        let source: Arc<str> = Arc::from("#eval 1");
        let record = EvalRecord::empty();
        let judged = Judged::new("A".to_owned(), source, record, Policy::default());
        let basis = Basis::new(&judged, Some(&digest));
        assert!(basis.holds_for("#eval 1", &digest));
        assert!(!basis.holds_for("#eval 2", &digest));
        assert!(!basis.holds_for("#eval 1", "another"));
        assert!(!Basis::new(&judged, None).holds_for("#eval 1", &digest));
        let later = Basis {
            format: FORMAT + 1,
            ..basis
        };
        assert!(!later.holds_for("#eval 1", &digest));
    }

    #[test]
    fn a_line_with_a_deep_infotree_comes_back() {
        let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
        let line = format!(
            r#"{{"name":"A","verdict":"rejected","messages":[],"sorries":[],"infotree":{deep},"reasons":["no"],"seconds":{{"queue":0.5,"header":0,"body":-1}},"resume":{{"format":1,"source":null,"settings":null,"sorry_decls":["t"]}}}}"#
        );
        let brief = Brief::read(line.as_bytes()).unwrap();
        let judged = judged(line.as_bytes(), &brief, Arc::from("s")).unwrap();
        assert_eq!(judged.record.infotree.unwrap().to_string(), deep);
        assert_eq!(
            (judged.judgement.verdict, &*judged.judgement.reasons),
            (Verdict::Rejected, &["no".to_owned()][..])
        );
        assert_eq!(judged.record.sorry_decls, Some(vec!["t".to_owned()]));
        assert_eq!(judged.record.times.queue, Duration::from_millis(500));
        assert_eq!(judged.record.times.body, Duration::ZERO);
        assert!(judged.is_resumed);
    }

    #[test]
    fn a_line_with_an_unknown_verdict_is_refused() {
        let line = |verdict: &str| {
            format!(
                r#"{{"name":"A","verdict":"{verdict}","resume":{{"format":1,"source":null,"settings":null}}}}"#
            )
        };
        assert!(
            Brief::read(line("accepted").as_bytes())
                .unwrap()
                .is_decided()
        );
        assert!(
            !Brief::read(line("undecided").as_bytes())
                .unwrap()
                .is_decided()
        );
        assert!(
            Brief::read(line("perhaps").as_bytes())
                .unwrap_err()
                .contains("perhaps")
        );
        assert!(Brief::read(br#"{"name":"A","verdict":"accepted"}"#).is_err());
    }
}
