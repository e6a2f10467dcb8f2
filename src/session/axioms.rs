//! Asks an environment which of the declarations that a source added depend on `sorryAx`. This finds
//! mistakes, not malice: the question runs in the environment that the source has made.

use crate::lean::message::{EnvId, Message, Severity};
use crate::limits::Deadline;
use crate::protocol::wire::{Command, Reply, Request};
use crate::session::error::SessionError;
use crate::session::exchange::Session;
use crate::session::opening::has_errors;

/// What the answer begins with; a JSON list of names follows.
const MARK: &str = "leanrepl.sorryDecls ";

/// The question. It needs a module that imports `Lean`, as Mathlib does. The constants of all declarations
/// are walked together first, since most sources hide nothing. The limit of the source is not that of the question; the deadline is.
const QUESTION: &str = r#"open Lean in
set_option maxHeartbeats 0 in
run_cmd do
  let env ← getEnv
  let added := env.constants.map₂.toList.map (·.1)
  let axiomsOf (names : List Name) : Array Name :=
    (((names.forM CollectAxioms.collect).run env).run {}).2.axioms
  let found := if (axiomsOf added).contains ``sorryAx then
    added.filter fun name => (axiomsOf [name]).contains ``sorryAx else []
  let shown := found.filter (!·.isInternal)
  let names := (if shown.isEmpty then found else shown).map toString
  logInfo m!"leanrepl.sorryDecls {(toJson names).compress}""#;

/// The declarations since the imports of the environment that depend on `sorryAx`; nothing if it cannot
/// be asked.
///
/// # Errors
/// A session that fails; it is over then.
pub(crate) fn sorry_decls(
    session: &mut Session,
    env: EnvId,
    deadline: Deadline,
) -> Result<Option<Vec<String>>, SessionError> {
    let request = Request::Command(Command {
        cmd: QUESTION.to_owned(),
        env: Some(env),
        ..Command::default()
    });
    match session.ask(&request, deadline)? {
        Reply::Command(reply) if !has_errors(&reply.messages) => Ok(answer(&reply.messages)),
        Reply::Command(_) | Reply::Error { .. } => Ok(None),
        Reply::ProofStep(_) => Err(session.out_of_step()),
    }
}

/// The answer among the messages.
fn answer(messages: &[Message]) -> Option<Vec<String>> {
    let infos = messages
        .iter()
        .filter(|message| message.severity == Severity::Info);
    let mut lists = infos.filter_map(|message| message.data.strip_prefix(MARK));
    let list = lists.next()?;
    serde_json::from_str(list).ok()
}
