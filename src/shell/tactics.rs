//! Tactic mode: the proof of one open goal, tactic by tactic.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::judge::{Judged, Verdict};
use crate::failure::{Failure, Kind};
use crate::session::opening::has_errors;
use crate::shell::judged::judged;
use crate::shell::keeper::{Outcome, Step};
use crate::shell::proof::{Proof, State};
use crate::shell::{Hear, REJECTED, Said, Shell, TYPED, counted, left_after};

impl Shell {
    /// Begins the proof of an open goal: that of the number, or the first of the last source that left
    /// one.
    pub(super) fn prove(
        &mut self,
        number: Option<usize>,
        hear: &mut Hear<'_>,
    ) -> Result<(), Failure> {
        self.keeper.ready(&self.record)?;
        let holes = self.holes();
        let last = holes.last().map(|(text, _, _)| *text);
        let chosen = match number {
            Some(number) => holes.get(number - 1),
            None => holes.iter().find(|(text, _, _)| Some(*text) == last),
        };
        let Some((text, index, hole)) = chosen else {
            return Err(no_goal(holes.len()));
        };
        let proof = Proof::begin(*text, *index, hole).ok_or_else(|| no_goal(holes.len()))?;
        self.leave_proof(hear);
        self.proof = Some(proof);
        self.show_goals(hear);
        Ok(())
    }

    /// Shows the goals of the proof, or without one those that the history has left open.
    pub(super) fn show_goals(&self, hear: &mut Hear<'_>) {
        if let Some(state) = self.proof.as_ref().and_then(Proof::now) {
            hear(Said::Goals(&state.goals));
            return;
        }
        let goals: Vec<String> = self
            .holes()
            .iter()
            .map(|(_, _, hole)| hole.goal.clone())
            .collect();
        hear(Said::Goals(&goals));
    }

    /// Runs a tactic; once nothing is left, writes the proof into its source.
    pub(super) fn tactic(&mut self, typed: &str, hear: &mut Hear<'_>) -> Result<(), Failure> {
        let Some(state) = self.proof.as_ref().and_then(Proof::now).cloned() else {
            return Ok(());
        };
        let tactic = typed.trim_end();
        let reply = match self.keeper.step(&state, tactic)? {
            Step::Done(reply) => reply,
            Step::Refused(message) => {
                self.worst = self.worst.max(REJECTED);
                hear(Said::Refused(&message));
                return Ok(());
            }
        };
        hear(Said::Tactic(&reply.messages));
        // A name that does not exist comes back as a new state with an error in its messages.
        if has_errors(&reply.messages) {
            self.worst = self.worst.max(REJECTED);
            return Ok(());
        }
        let Some(proof) = &mut self.proof else {
            return Ok(());
        };
        proof.step(tactic, State::from(reply));
        if proof.is_done() {
            return self.qed(hear);
        }
        self.show_goals(hear);
        self.show_status(hear);
        Ok(())
    }

    /// Says why a proof without goals is not done.
    fn show_status(&self, hear: &mut Hear<'_>) {
        let Some(state) = self.proof.as_ref().and_then(Proof::now) else {
            return;
        };
        if let (true, Some(status)) = (state.goals.is_empty(), &state.status) {
            hear(Said::Note(&format!(
                "Lean says of the proof: {}; `:undo` a tactic, or keep it so with `:qed`",
                status.text()
            )));
        }
    }

    /// Takes back tactics.
    ///
    /// # Errors
    /// A count above that of the tactics: then none is taken back.
    pub(super) fn undo_tactics(
        &mut self,
        count: usize,
        hear: &mut Hear<'_>,
    ) -> Result<(), Failure> {
        let there = self.proof.as_ref().map_or(0, |proof| proof.tactics().len());
        left_after(count, there, "tactic")?;
        let undone = self.proof.as_mut().map_or(0, |proof| proof.undo(count));
        if undone == 0 {
            hear(Said::Note(
                "there is no tactic to take back; `:abort` leaves the proof",
            ));
        }
        self.show_goals(hear);
        Ok(())
    }

    /// Writes the tactics into the source in the place of its sorry, and has Lean judge the whole:
    /// what the REPL thinks of single tactics is no verdict.
    pub(super) fn qed(&mut self, hear: &mut Hear<'_>) -> Result<(), Failure> {
        let Some(proof) = self.proof.clone() else {
            return Err(no_proof());
        };
        if proof.tactics().is_empty() {
            return Err(Failure::new(
                Kind::Usage,
                "the proof has no tactic yet",
                "type one, or leave the proof with `:abort`",
            ));
        }
        let Some(kept) = self.record.texts.get(proof.text).cloned() else {
            return Err(Failure::bug("a proof of a text that is not kept"));
        };
        let mut first = None;
        for text in proof.written_into(&kept.text) {
            let reply = self.keeper.run_after(proof.text, &text)?;
            let outcome = Outcome::from(&reply);
            let judged = judged(TYPED, &text, reply, Duration::ZERO);
            if judged.judgement.verdict == Verdict::Accepted {
                return self.proven(&proof, outcome, &judged, hear);
            }
            first.get_or_insert(judged);
        }
        if let Some(judged) = first {
            hear(Said::Lean(&judged));
        }
        self.worst = self.worst.max(REJECTED);
        hear(Said::Note(
            "Lean does not accept the proof in its text; `:undo` a tactic, or `:abort`",
        ));
        Ok(())
    }

    /// Lean accepts the source with the proof in it.
    fn proven(
        &mut self,
        proof: &Proof,
        outcome: Outcome,
        judged: &Judged,
        hear: &mut Hear<'_>,
    ) -> Result<(), Failure> {
        self.proof = None;
        hear(Said::Shown(&format!("{}\n", judged.source.trim())));
        let left = outcome.holes.len();
        hear(Said::Lean(judged));
        if let Some(kept) = self.record.texts.get_mut(proof.text) {
            kept.text = Arc::clone(&judged.source);
        }
        self.keeper.truncate(proof.text);
        self.keeper.push(outcome);
        let open = match left {
            0 => String::new(),
            left => format!("; {} left open", counted(left, "goal")),
        };
        hear(Said::Note(&format!("the proof is in its text{open}")));
        // What came after it was run without the proof.
        self.keeper.ready(&self.record).map(|_texts| ())
    }

    /// Leaves the proof by command.
    pub(super) fn abort(&mut self, hear: &mut Hear<'_>) -> Result<(), Failure> {
        if self.proof.is_none() {
            return Err(no_proof());
        }
        self.leave_proof(hear);
        Ok(())
    }

    /// Leaves the proof if there is one; its tactics are shown, so that they are not lost.
    pub(super) fn leave_proof(&mut self, hear: &mut Hear<'_>) {
        let Some(proof) = self.proof.take() else {
            return;
        };
        let tactics = proof.tactics();
        if !tactics.is_empty() {
            hear(Said::Shown(&format!("{}\n", tactics.join("\n"))));
        }
        hear(Said::Note("left the proof; its text is as it was"));
    }
}

/// A goal that does not exist.
fn no_goal(open: usize) -> Failure {
    let problem = match open {
        0 => "no goal is open".to_owned(),
        1 => "only 1 goal is open".to_owned(),
        more => format!("only {more} goals are open"),
    };
    let hint = if open == 0 {
        "run a text with a `sorry` first"
    } else {
        "list them with `:goals`"
    };
    Failure::new(Kind::Usage, problem, hint)
}

/// No proof where there must be one.
fn no_proof() -> Failure {
    Failure::new(
        Kind::Usage,
        "no proof is in the making",
        "begin one with `:prove`, after a text with a `sorry`",
    )
}
