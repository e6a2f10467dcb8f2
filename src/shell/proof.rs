//! A proof in the making: its tactics with the goals after each, and how they become part of the
//! source that left the goal open. Pure; never asks a session.

use crate::lean::message::{ProofStateId, Sorry};
use crate::lean::position::Position;
use crate::protocol::wire::ProofStatus;

/// A proof of one goal that a source left open.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Proof {
    /// The number of the source in the record, from 0.
    pub(crate) text: usize,
    /// Which of the source's sorries it proves, from 0.
    pub(crate) hole: usize,
    pub(crate) place: (Position, Position),
    /// What is to be proven, and after it what is left after each tactic.
    states: Vec<State>,
    /// The tactics; one less than there are states.
    tactics: Vec<String>,
}

/// What is left to prove.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub(crate) id: ProofStateId,
    pub(crate) goals: Vec<String>,
    /// What the REPL thinks of the proof so far, if it says so.
    pub(crate) status: Option<ProofStatus>,
}

/// Whether tactics can be run from a hole: the session keeps a state, and the source has a place.
pub(crate) fn is_provable(hole: &Sorry) -> bool {
    hole.proof_state.is_some() && hole.pos.is_some() && hole.end_pos.is_some()
}

impl Proof {
    /// Begins the proof of a hole; none if it has no state or place.
    pub(crate) fn begin(text: usize, hole: usize, sorry: &Sorry) -> Option<Self> {
        Some(Self {
            text,
            hole,
            place: (sorry.pos?, sorry.end_pos?),
            states: vec![State {
                id: sorry.proof_state?,
                goals: vec![sorry.goal.clone()],
                status: None,
            }],
            tactics: Vec::new(),
        })
    }

    /// What is left to prove now.
    pub(crate) fn now(&self) -> Option<&State> {
        self.states.last()
    }

    pub(crate) fn tactics(&self) -> &[String] {
        &self.tactics
    }

    /// A tactic led to a state.
    pub(crate) fn step(&mut self, tactic: &str, state: State) {
        self.tactics.push(tactic.trim_end().to_owned());
        self.states.push(state);
    }

    /// Takes back the last tactics, as many as there are; gives how many it were.
    pub(crate) fn undo(&mut self, count: usize) -> usize {
        let count = count.min(self.tactics.len());
        self.tactics.truncate(self.tactics.len() - count);
        self.states.truncate(self.tactics.len() + 1);
        count
    }

    /// Whether nothing is left, as far as the session can tell.
    pub(crate) fn is_done(&self) -> bool {
        self.now().is_some_and(|state| {
            state.goals.is_empty() && matches!(state.status, None | Some(ProofStatus::Completed))
        })
    }

    /// The sources that may hold the proof in the place of its sorry, the likeliest first. Which of
    /// them is right depends on whether the sorry is a term or a tactic, and Lean decides.
    pub(crate) fn written_into(&self, text: &str) -> Vec<String> {
        let (Some(from), Some(to)) = (byte_at(text, self.place.0), byte_at(text, self.place.1))
        else {
            return Vec::new();
        };
        let (Some(before), Some(after)) = (text.get(..from), text.get(to..)) else {
            return Vec::new();
        };
        let line = before.rsplit('\n').next().unwrap_or_default();
        let indent = line.chars().take_while(|letter| *letter == ' ').count();
        let column = line.chars().count();
        let is_first = line.trim().is_empty() || line.trim() == "·";
        let follows_by = before.trim_end().ends_with(" by") && !is_first;
        let block = |indent: usize| self.block(indent);
        // As tactics on lines of their own, below what they belong to.
        let below = |opening: &str, indent: usize| {
            let before = before.trim_end();
            format!("{before}{opening}\n{}{after}", block(indent))
        };
        let in_line = || format!("{before}{}{after}", block(column).trim_start());
        let term = || below(" by", indent + 2);
        let in_brackets = || {
            let block = block(indent + 4);
            format!("{before}(by\n{block}){after}")
        };
        if follows_by {
            vec![below("", indent + 2)]
        } else if is_first {
            vec![in_line(), in_brackets()]
        } else {
            vec![term(), in_brackets(), in_line()]
        }
    }

    /// The tactics, one below the other, each line with so many spaces before it.
    fn block(&self, indent: usize) -> String {
        let space = " ".repeat(indent);
        let lines = self.tactics.iter().flat_map(|tactic| tactic.lines());
        let lines: Vec<String> = lines.map(|line| format!("{space}{line}")).collect();
        lines.join("\n")
    }
}

/// The byte of a source at a place; none if the place is not in it.
fn byte_at(text: &str, place: Position) -> Option<usize> {
    let line = usize::try_from(place.line).ok()?.checked_sub(1)?;
    let column = usize::try_from(place.column).ok()?;
    let mut start = 0;
    for (index, piece) in text.split_inclusive('\n').enumerate() {
        if index == line {
            let at = piece.char_indices().map(|(at, _)| at).nth(column);
            return Some(start + at.unwrap_or(piece.len()));
        }
        start += piece.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    /// The proof of the first `sorry` in a source by these tactics.
    fn proof(text: &str, tactics: &[&str]) -> Proof {
        let (before, _) = text.split_once("sorry").unwrap();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap().chars().count();
        let place = |column: usize| Position {
            line: u64::try_from(line).unwrap(),
            column: u64::try_from(column).unwrap(),
        };
        let sorry = Sorry {
            pos: Some(place(column)),
            end_pos: Some(place(column + 5)),
            goal: "⊢ p".to_owned(),
            proof_state: Some(ProofStateId(0)),
            extra: Map::new(),
        };
        let mut proof = Proof::begin(0, 0, &sorry).unwrap();
        for (tactic, id) in tactics.iter().zip(1..) {
            let state = State {
                id: ProofStateId(id),
                goals: Vec::new(),
                status: None,
            };
            proof.step(tactic, state);
        }
        proof
    }

    #[test]
    fn a_proof_is_laid_out_as_one_would_write_it() {
        for (text, expected) in [
            (
                "theorem t : p := sorry",
                "theorem t : p := by\n  intro h\n  exact h",
            ),
            (
                "theorem t : p := by sorry\n",
                "theorem t : p := by\n  intro h\n  exact h\n",
            ),
            (
                "theorem t : p := by\n  sorry",
                "theorem t : p := by\n  intro h\n  exact h",
            ),
            (
                "theorem α : p := by\n  constructor\n  · sorry\n  · rfl",
                "theorem α : p := by\n  constructor\n  · intro h\n    exact h\n  · rfl",
            ),
        ] {
            let written = proof(text, &["intro h", "exact h"]).written_into(text);
            assert_eq!(written.first().map(String::as_str), Some(expected));
        }
        let text = "example : p ∧ q := ⟨sorry, hq⟩";
        let written = proof(text, &["intro h", "exact h"]).written_into(text);
        assert!(
            written.contains(&"example : p ∧ q := ⟨(by\n    intro h\n    exact h), hq⟩".to_owned())
        );
    }

    #[test]
    fn a_tactic_of_several_lines_keeps_its_shape() {
        let text = "theorem t : p := by\n  sorry";
        let written =
            proof(text, &["cases h with\n| inl h =>\n  exact h", "rfl"]).written_into(text);
        assert_eq!(
            written[0],
            "theorem t : p := by\n  cases h with\n  | inl h =>\n    exact h\n  rfl"
        );
    }

    #[test]
    fn undo_steps_back_to_the_start_and_no_further() {
        let mut proof = proof("theorem t : p := sorry", &["a", "b", "c"]);
        assert!(proof.is_done());
        assert_eq!(proof.undo(2), 2);
        assert_eq!(proof.tactics(), ["a"]);
        assert_eq!(proof.now().unwrap().id, ProofStateId(1));
        assert_eq!(proof.undo(5), 1);
        assert_eq!(proof.now().unwrap().goals, ["⊢ p"]);
        assert!(!proof.is_done());
    }

    #[test]
    fn a_place_that_is_not_in_the_text_writes_nothing() {
        let proof = proof("\n\n\n sorry", &["rfl"]);
        assert!(proof.written_into("theorem t : p := sorry").is_empty());
    }
}
