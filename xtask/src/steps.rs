//! Steps of a chore: each is announced, all run, and the end says which failed.

use std::process::Command;
use std::time::{Duration, Instant};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Passed,
    /// Something has to change.
    Failed,
}

/// The steps so far.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    /// The steps that are done, each with its end and how long it took.
    done: Vec<(&'static str, Outcome, Duration)>,
    /// The names of the steps that are to be done; all if there are none.
    only: Vec<String>,
    /// The names of the steps that were left out.
    left_out: Vec<&'static str>,
}

impl Steps {
    /// Steps of which only those of these names are done; all if there are none.
    pub(crate) fn only(names: Vec<String>) -> Self {
        Self {
            only: names,
            ..Self::default()
        }
    }

    /// Runs a step that gives what is wrong, one line each.
    pub(crate) fn find(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> anyhow::Result<Vec<String>>,
    ) {
        if !(self.only.is_empty() || self.only.iter().any(|only| only == name)) {
            self.left_out.push(name);
            return;
        }
        println!("== {name}");
        let start = Instant::now();
        let problems = step().unwrap_or_else(|err| vec![format!("{err:#}")]);
        for problem in &problems {
            println!("{problem}");
        }
        let outcome = if problems.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        println!("{name}: {}\n", word(outcome));
        self.done.push((name, outcome, start.elapsed()));
    }

    /// Runs a step that is a command; its output goes to the terminal.
    pub(crate) fn command(&mut self, name: &'static str, command: &mut Command) {
        self.find(name, || {
            let status = command.status()?;
            let program = command.get_program().display();
            Ok(if status.success() {
                Vec::new()
            } else {
                vec![format!("`{program}` ended with {status}")]
            })
        });
    }

    /// Prints the summary and tells whether all is well.
    ///
    /// # Errors
    /// A name that is that of no step.
    pub(crate) fn finish(self) -> anyhow::Result<bool> {
        let is_known = |name: &String| self.done.iter().any(|(done, ..)| done == name);
        if let Some(name) = self.only.iter().find(|name| !is_known(name)) {
            anyhow::bail!(
                "no step is named `{name}`; others are {}",
                self.left_out.join(", ")
            );
        }
        let mut all_well = true;
        println!("== summary");
        for (name, outcome, time) in self.done {
            println!("{:>8}  {name} ({:.0} s)", word(outcome), time.as_secs_f64());
            all_well &= outcome == Outcome::Passed;
        }
        Ok(all_well)
    }
}

/// The word for an outcome.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "ok",
        Outcome::Failed => "FAILED",
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Failed, Passed};
    use super::*;

    #[test]
    fn one_bad_step_spoils_the_whole_and_stops_no_other() {
        let mut steps = Steps::default();
        steps.find("good", || Ok(Vec::new()));
        steps.find("broken", || anyhow::bail!("no disk"));
        steps.command("false", &mut Command::new("false"));
        steps.command("absent", &mut Command::new("/no/such/program"));
        steps.command("true", &mut Command::new("true"));
        let outcomes: Vec<Outcome> = steps.done.iter().map(|(_, outcome, _)| *outcome).collect();
        assert_eq!(outcomes, [Passed, Failed, Failed, Failed, Passed]);
        assert!(!steps.finish().unwrap());
    }

    #[test]
    fn only_the_named_steps_run_and_an_unknown_name_is_an_error() {
        let mut steps = Steps::only(vec!["good".to_owned()]);
        steps.find("bad", || anyhow::bail!("is not to run"));
        steps.find("good", || Ok(Vec::new()));
        assert!(steps.finish().unwrap());
        let mut steps = Steps::only(vec!["godo".to_owned()]);
        steps.find("good", || Ok(Vec::new()));
        let problem = steps.finish().unwrap_err().to_string();
        assert_eq!(problem, "no step is named `godo`; others are good");
    }
}
