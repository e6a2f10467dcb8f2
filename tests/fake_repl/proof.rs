//! Proof states: the goals that a text leaves open, and the few tactics that tests need.
//!
//! | tactic | does |
//! |---|---|
//! | `constructor` | splits the first goal `⊢ A ∧ B` |
//! | `intro NAME` | takes the first part of `⊢ A → B` |
//! | `rfl`, `trivial`, `exact …` | closes the first goal |
//! | `sorry` | closes it with a hole |
//! | `skip` | leaves all as it is |
//! | `unknown …` | a new state with an error in its messages |
//! | `--! hang`, `--! die` | as in a text |
//! | anything else | fails |

use serde_json::{Value, json};

use crate::directive::{Directive, Place};
use crate::misdeed::Misdeed;

/// The states by their number, each as its goals.
#[derive(Debug, Default)]
pub(crate) struct ProofStates(Vec<State>);

/// One state.
#[derive(Debug, Clone)]
struct State {
    /// The goals that are left.
    goals: Vec<String>,
    /// Whether one was closed by a hole.
    sorry: bool,
}

/// What comes of a tactic.
pub(crate) enum Tried {
    /// This reply.
    Reply(Value),
    /// Something happens in its place.
    Misdeed(Misdeed),
}

impl ProofStates {
    /// Keeps a state of these goals and gives its number.
    pub(crate) fn keep(&mut self, goals: Vec<String>) -> usize {
        self.push(State {
            goals,
            sorry: false,
        })
    }

    /// Keeps a state and gives its number.
    fn push(&mut self, state: State) -> usize {
        self.0.push(state);
        self.0.len() - 1
    }

    /// Runs a tactic on the state of that number.
    pub(crate) fn run(&mut self, tactic: &str, number: u64) -> Tried {
        if let Some(Ok(Directive::Before(misdeed))) = Directive::parse(tactic) {
            return Tried::Misdeed(misdeed);
        }
        let known = usize::try_from(number).ok().and_then(|at| self.0.get(at));
        let Some(mut state) = known.cloned() else {
            return Tried::Reply(json!({"message": "Unknown proof state."}));
        };
        let mut reply = json!({});
        if let Err(why) = state.run(tactic) {
            return Tried::Reply(json!({"message": format!("Lean error:\n{why}")}));
        }
        if tactic.starts_with("unknown") {
            reply["messages"] = json!([{
                "severity": "error", "pos": {"line": 0, "column": 0},
                "endPos": {"line": 0, "column": 0}, "data": "Unknown identifier",
            }]);
        }
        reply["goals"] = json!(state.goals);
        reply["proofStatus"] = json!(state.status());
        reply["proofState"] = json!(self.push(state));
        Tried::Reply(reply)
    }
}

impl State {
    /// Changes it as the tactic does.
    fn run(&mut self, tactic: &str) -> Result<(), String> {
        let (word, rest) = tactic.split_once(' ').unwrap_or((tactic, ""));
        if self.goals.is_empty() {
            return Err("no goals to be proved".to_owned());
        }
        let goal = self.goals.remove(0);
        let (context, claim) = goal.rsplit_once('⊢').unwrap_or(("", &goal));
        let parts = |sign: &str| {
            let (first, second) = claim.split_once(sign)?;
            Some((first.trim().to_owned(), second.trim().to_owned()))
        };
        let new = match word {
            "constructor" => parts("∧").map(|(first, second)| {
                vec![
                    format!("{context}⊢ {first}"),
                    format!("{context}⊢ {second}"),
                ]
            }),
            "intro" => parts("→")
                .map(|(first, second)| vec![format!("{context}{rest} : {first}\n⊢ {second}")]),
            "rfl" | "trivial" | "exact" | "unknown" => Some(Vec::new()),
            "sorry" => {
                self.sorry = true;
                Some(Vec::new())
            }
            "skip" => Some(vec![goal.clone()]),
            _ => None,
        };
        let new = new.ok_or_else(|| format!("tactic `{word}` failed\n{goal}"))?;
        self.goals.splice(0..0, new);
        Ok(())
    }

    /// What the real REPL calls it.
    fn status(&self) -> &'static str {
        match (self.goals.is_empty(), self.sorry) {
            (false, _) => "Incomplete: open goals remain",
            (true, true) => "Incomplete: contains sorry",
            (true, false) => "Completed",
        }
    }
}

/// The hole `… : GOAL := sorry` of a line, also behind `by`, with its place and goal.
pub(crate) fn hole(line: &str, number: usize) -> Option<(Place, Place, String)> {
    let (before, after) = line.split_once("sorry")?;
    if !after.trim().is_empty() {
        return None;
    }
    let statement = before.trim_end().strip_suffix("by").unwrap_or(before);
    let statement = statement.trim_end().strip_suffix(":=")?;
    let (_name, goal) = statement.split_once(" : ")?;
    let column = before.chars().count();
    Some((
        (number, column),
        (number, column + "sorry".len()),
        format!("⊢ {}", goal.trim()),
    ))
}
