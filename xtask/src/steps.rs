//! Steps of a chore: each is announced, all run, and the end says which failed.

use std::process::Command;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All is well.
    Passed,
    /// Something has to change.
    Failed,
}

/// The steps done so far.
#[derive(Debug, Default)]
pub(crate) struct Steps(Vec<(&'static str, Outcome)>);

impl Steps {
    /// Runs a step that gives what is wrong, one line each.
    pub(crate) fn find(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> anyhow::Result<Vec<String>>,
    ) {
        println!("== {name}");
        let problems = step().unwrap_or_else(|err| vec![format!("{err:#}")]);
        for problem in &problems {
            println!("{problem}");
        }
        let outcome = if problems.is_empty() {
            Outcome::Passed
        } else {
            Outcome::Failed
        };
        self.end(name, outcome);
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

    /// Says how a step ended.
    fn end(&mut self, name: &'static str, outcome: Outcome) {
        println!("{name}: {}\n", word(outcome));
        self.0.push((name, outcome));
    }

    /// Prints the summary and tells whether all is well.
    pub(crate) fn finish(self) -> bool {
        let mut all_well = true;
        println!("== summary");
        for (name, outcome) in self.0 {
            println!("{:>8}  {name}", word(outcome));
            all_well &= outcome == Outcome::Passed;
        }
        all_well
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
        let outcomes: Vec<Outcome> = steps.0.iter().map(|(_, outcome)| *outcome).collect();
        assert_eq!(outcomes, [Passed, Failed, Failed, Failed, Passed]);
        assert!(!steps.finish());
    }
}
