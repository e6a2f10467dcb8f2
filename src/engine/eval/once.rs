//! One text, one attempt, on the session that is there: for those who decide themselves what a
//! failed attempt means. Never starts a session and never tries again.

use std::sync::Arc;

use crate::engine::eval::{Evaluator, Stage};
use crate::engine::evaluated::Evaluated;
use crate::engine::judge::Policy;
use crate::lean::header;
use crate::lean::message::EnvId;
use crate::limits::Wait;
use crate::protocol::wire::Options;
use crate::session::opening::{OpenSession, Trouble};

use crate::failure::Failure;

/// What came of one attempt.
#[derive(Debug)]
pub(crate) struct Once {
    /// What Lean says, or why nobody knows.
    pub(crate) outcome: Result<Evaluated, Trouble>,
    /// Whether the environment of the text's header is there and proven.
    pub(crate) is_header_proven: bool,
    /// Whether the reply to the text had begun to come when the attempt ended.
    pub(crate) has_begun: bool,
}

impl Evaluator {
    /// Evaluates one text on the session that is open, with a timeout, options and a policy of its own. After
    /// a session error the session is still there to be looked at, but over.
    pub(crate) fn evaluate_once(
        &mut self,
        name: &str,
        text: &Arc<str>,
        timeout: Wait,
        options: &Options,
        policy: Policy,
    ) -> Once {
        self.settings.timeout = timeout;
        self.settings.options = options.clone();
        self.settings.policy = policy;
        let Some(open) = &mut self.open else {
            return Once {
                outcome: Err(no_session()),
                is_header_proven: false,
                has_begun: false,
            };
        };
        open.answered = false;
        let attempt = self.ask(text);
        let is_header_proven = self.stage == Stage::Body;
        let begun = |open: &OpenSession| open.answered || open.session.has_begun();
        let has_begun = is_header_proven && self.open.as_ref().is_some_and(begun);
        Once {
            outcome: attempt.map(|attempt| Evaluated {
                lean_options: self.settings.lean_options.clone(),
                ..self.judge(name, text, attempt)
            }),
            is_header_proven,
            has_begun,
        }
    }

    /// The proven environment of a text's header, made if it is not there yet.
    pub(crate) fn prove(&mut self, text: &str) -> Result<EnvId, Trouble> {
        let (env, _ground) = self.environment(&header::split(text))?;
        Ok(env)
    }

    /// The session, if one was opened.
    pub(crate) fn opened(&mut self) -> Option<&mut OpenSession> {
        self.open.as_mut()
    }
}

/// A session that is gone where there must be one.
fn no_session() -> Trouble {
    Trouble::Refused(Failure::bug(
        "a text was given to an evaluator without a session",
    ))
}
