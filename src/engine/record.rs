//! What an evaluation found. Holds facts, never a policy: the verdict is made from it by `judge`.

mod shapes;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::engine::findings::Findings;
use crate::engine::hints::hints;
use crate::engine::request::VERSION;
use crate::engine::undecided::{Undecided, UndecidedReason};
use crate::failure::{Failure, Kind};
use crate::isolation::Isolation;
use crate::lean::infotree::InfoTree;
use crate::lean::message::{Message, Severity, Sorry, Tactic};
use crate::lean::options::ModuleOptions;
use crate::protocol::wire::CommandReply;
use crate::session::identity::Identity;

/// Names by which a `sorry` gets into a declaration without a report.
const HIDING: [&str; 3] = ["sorryAx", "warn.sorry", "byAsSorry"];

/// What an evaluation found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EvalRecord {
    /// [`VERSION`] of the program that made it.
    pub version: u32,
    /// What Lean reported, placed in the source.
    #[serde(with = "shapes")]
    pub messages: Vec<Message>,
    /// The sorries that Lean found.
    #[serde(with = "shapes")]
    pub sorries: Vec<Sorry>,
    /// The tactics, if they were asked for.
    #[serde(with = "shapes")]
    pub tactics: Vec<Tactic>,
    /// The infotree, if it was asked for, in the REPL's shape.
    pub infotree: Option<Value>,
    /// The declarations that depend on `sorryAx`, if they were found out.
    pub sorry_decls: Option<Vec<String>>,
    /// The names in the source by which a `sorry` can be hidden.
    pub hiding_names: Vec<String>,
    /// Whether Lean read the source to its end.
    pub end_reached: bool,
    /// Whether an error was reported, even if it is in no message.
    pub had_errors: bool,
    /// What helps with Lean's errors, one sentence each.
    pub hints: Vec<String>,
    /// Why nothing is known about the source, if so.
    pub undecided: Option<Undecided>,
    /// Which Lean evaluated it; none if none did.
    pub lean: Option<Arc<LeanIdentity>>,
    /// Which proven environment it started from; none if there was none.
    pub base: Option<BaseKind>,
    /// The options of Lean that held for it; none if no Lake file sets any.
    pub options: Option<Arc<ModuleOptions>>,
    /// How long it took.
    pub times: Times,
    /// What it could find of sources before it; none if it was not evaluated.
    pub isolation: Option<Isolation>,
    /// The session that evaluated it, unique in its process.
    pub session: Option<u64>,
    /// The most resident memory of that session and all it started so far, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Whether it was kept from an earlier evaluation of the same source, whose times it has, or is that of
    /// another request for it at the same time.
    #[serde(default)]
    pub cached: bool,
}

/// Which Lean, and which REPL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeanIdentity {
    /// Lean's version as the session reports it, such as `4.27.0`.
    pub version: String,
    /// The toolchain, the REPL and the manifest.
    #[serde(flatten)]
    pub identity: Identity,
    /// The SHA-256 of the pickle that sources start from, if they do.
    pub pickle: Option<String>,
}

/// Which proven environment a source starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BaseKind {
    /// That of its imports.
    Import,
    /// That of a pickle.
    Pickle,
}

/// How long the parts of an evaluation took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Times {
    /// The wait for a session.
    pub queue: Duration,
    /// The imports; zero if the session had run them already.
    pub header: Duration,
    /// Everything after the imports; for an undecided source all of its time.
    pub body: Duration,
}

impl BaseKind {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Import => "import",
            Self::Pickle => "pickle",
        }
    }
}

impl EvalRecord {
    /// A record without any finding.
    pub(crate) fn empty() -> Self {
        Self {
            version: VERSION,
            messages: Vec::new(),
            sorries: Vec::new(),
            tactics: Vec::new(),
            infotree: None,
            sorry_decls: None,
            hiding_names: Vec::new(),
            end_reached: true,
            had_errors: false,
            hints: Vec::new(),
            undecided: None,
            lean: None,
            base: None,
            options: None,
            times: Times::default(),
            isolation: None,
            session: None,
            peak_memory_bytes: None,
            cached: false,
        }
    }

    /// The record of a source about which nothing is known.
    pub fn undecided(reason: UndecidedReason, failure: Failure) -> Self {
        Self {
            undecided: Some(Undecided { reason, failure }),
            ..Self::empty()
        }
    }

    /// What a reply to the source says; `sorry_decls` if its environment was asked for them.
    pub(crate) fn from_reply(
        source: &str,
        reply: CommandReply,
        sorry_decls: Option<Vec<String>>,
    ) -> Self {
        let protocol_error = |failure| Undecided {
            reason: UndecidedReason::ProtocolError,
            failure,
        };
        let (findings, unread) = match Findings::read(&reply.extra) {
            Ok(findings) => (findings, None),
            Err(failure) => (Findings::default(), Some(protocol_error(failure))),
        };
        let lack = || {
            let reason = UndecidedReason::Unsupported;
            let failure = findings.lack()?;
            Some(Undecided { reason, failure })
        };
        let infotree = reply.infotree;
        Self {
            undecided: unknown_severity(&reply.messages)
                .map(protocol_error)
                .or(unread)
                .or_else(lack),
            hints: hints(source, &reply.messages),
            messages: reply.messages,
            sorries: reply.sorries,
            tactics: reply.tactics,
            infotree: infotree.map(|trees| trees.into_iter().map(InfoTree::into_value).collect()),
            hiding_names: hiding_names(source),
            end_reached: findings.end_reached,
            had_errors: findings.had_errors,
            sorry_decls: sorry_decls.or(findings.sorry_decls),
            ..Self::empty()
        }
    }

    /// Whether Lean reported an error in a message.
    pub fn has_errors(&self) -> bool {
        let mut messages = self.messages.iter();
        messages.any(|message| message.severity == Severity::Error)
    }

    /// Whether anything is known to depend on a `sorry`, in the list or not.
    pub fn has_sorry(&self) -> bool {
        let depends = |names: &Vec<String>| !names.is_empty();
        self.sorry_decls.as_ref().is_some_and(depends) || self.reports_sorry()
    }

    /// Whether Lean reports a `sorry`. Some tactics leave one that is in no list, only in Lean's warning,
    /// whose wording differs between toolchains: any warning that names `sorry` counts.
    pub(crate) fn reports_sorry(&self) -> bool {
        let warns = |message: &Message| {
            message.severity == Severity::Warning && message.data.contains("sorry")
        };
        !self.sorries.is_empty() || self.messages.iter().any(warns)
    }

    /// Why the source is undecided, in a word.
    pub fn reason(&self) -> Option<UndecidedReason> {
        self.undecided.as_ref().map(|undecided| undecided.reason)
    }
}

/// The names in a source by which a `sorry` can be hidden. Lean reads `«warn».«sorry»` as `warn.sorry`. A
/// comment that has such a name counts as well.
fn hiding_names(source: &str) -> Vec<String> {
    let unquoted;
    let source = if source.contains('«') {
        unquoted = source.replace(['«', '»'], "");
        &unquoted
    } else {
        source
    };
    let found = HIDING.iter().filter(|name| source.contains(**name));
    found.map(|name| (*name).to_owned()).collect()
}

/// The failure for a message whose severity is none of Lean's: it may be an error.
fn unknown_severity(messages: &[Message]) -> Option<Failure> {
    messages.iter().find_map(|message| {
        let Severity::Other(word) = &message.severity else {
            return None;
        };
        Some(Failure::new(
            Kind::Session,
            format!("the REPL sent a message of the unknown severity `{word}`"),
            "use a leanrepl that knows this REPL's version",
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::lean::options::OptionValue;
    use crate::protocol::wire::Reply;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let reply = json!({
            "env": 3,
            "messages": [{"severity": "warning", "pos": {"line": 1, "column": 0}, "endPos": null,
                "data": "declaration uses `sorry`", "later": 1}],
            "sorries": [{"goal": "⊢ False", "proofState": 0, "pos": {"line": 1, "column": 2},
                "endPos": {"line": 1, "column": 7}}],
            "tactics": [{"tactic": "sorry", "goals": "⊢ False"}],
            "sorryDecls": ["t"],
            "endReached": false,
        });
        let Value::Object(object) = reply else {
            panic!("no object");
        };
        let Ok(Reply::Command(reply)) = Reply::from_object(object) else {
            panic!("no reply to a command");
        };
        let mut record = EvalRecord::from_reply("-- sorryAx", reply, None);
        let failure = Failure::new(Kind::Session, "it died", "try again")
            .caused_by(Failure::bug("deeper").caused_by("deepest"));
        let reason = UndecidedReason::ReplyTooLarge;
        record.undecided = Some(Undecided { reason, failure });
        record.base = Some(BaseKind::Pickle);
        let mut options = ModuleOptions::default();
        options.set(&["warningAsError"], OptionValue::Bool(true));
        options.set(&["weak", "a", "b"], OptionValue::Nat(3));
        record.options = Some(Arc::new(options));
        record.times.header = Duration::from_millis(1500);
        record.isolation = Some(Isolation::Client);
        record.session = Some(7);
        let written = serde_json::to_value(&record).unwrap();
        let read: EvalRecord = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), written);
        assert_eq!(read.options, record.options);
        assert_eq!(written["isolation"], "client");
        assert_eq!(read.hiding_names, ["sorryAx"]);
        assert!(read.has_sorry() && !read.end_reached);
        let failure = read.undecided.unwrap().failure;
        assert_eq!(failure.causes(), ["deeper", "deepest"]);
        assert_eq!(
            (written["version"].as_u64(), written["base"].as_str()),
            (Some(1), Some("pickle"))
        );
    }
}
