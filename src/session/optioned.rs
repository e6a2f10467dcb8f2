//! Sets the options of a module on an environment, as `lean -D name=value` does before it elaborates.
//! Commands set them, in a request of their own: a source keeps its places.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::failure::{Failure, Kind};
use crate::lean::message::{EnvId, Message, Severity};
use crate::lean::options::{LeanOption, ModuleOptions};
use crate::limits::Deadline;
use crate::session::opening::{EnvError, OpenSession};

impl OpenSession {
    /// The environment in which the options hold; made on first use and kept.
    ///
    /// # Errors
    /// An option that Lean does not know and that is not weak, or a value that is not of its type.
    pub(crate) fn with_options(
        &mut self,
        env: EnvId,
        options: &ModuleOptions,
        wait: Duration,
    ) -> Result<EnvId, EnvError> {
        if options.is_empty() {
            return Ok(env);
        }
        let key = (env, options.clone());
        if let Some(env) = self.optioned.get(&key) {
            return Ok(*env);
        }
        let made = self.set_options(env, options, Deadline::after(wait))?;
        self.optioned.insert(key, made);
        Ok(made)
    }

    /// Sets the options. Almost always one request does.
    fn set_options(
        &mut self,
        env: EnvId,
        options: &ModuleOptions,
        deadline: Deadline,
    ) -> Result<EnvId, EnvError> {
        let first: Vec<String> = options.iter().filter_map(first_command).collect();
        let reply = self.run(&first.join("\n"), env, deadline.left())?;
        let first_refused = refused(&reply.messages);
        if first_refused.is_empty() {
            return Ok(reply.env);
        }
        let mut commands = Vec::new();
        for (index, option) in options.iter().enumerate() {
            match first_refused.get(&index) {
                None => commands.extend(first_command(option)),
                Some(said) => commands.extend(self.other_command(env, option, said, deadline)?),
            }
        }
        let reply = self.run(&commands.join("\n"), env, deadline.left())?;
        if let Some(said) = refused(&reply.messages).values().next() {
            let problem = "Lean refuses the options of the Lake file together";
            return Err(EnvError::Refused(refusal(problem, said)));
        }
        Ok(reply.env)
    }

    /// The command that sets an option whose first command was refused with these words; none for a weak
    /// option that Lean does not know.
    fn other_command(
        &mut self,
        env: EnvId,
        option: &LeanOption,
        said: &str,
        deadline: Deadline,
    ) -> Result<Option<String>, EnvError> {
        for command in option.commands().into_iter().skip(1) {
            let reply = self.run(&command, env, deadline.left())?;
            if refused(&reply.messages).is_empty() {
                return Ok(Some(command));
            }
        }
        // Lean's words for an option that it does not know differ between versions: so it is asked to set
        // a value of each type.
        if option.is_weak() {
            let probes = option.probes();
            let reply = self.run(&probes.join("\n"), env, deadline.left())?;
            if refused(&reply.messages).len() == probes.len() {
                return Ok(None);
            }
        }
        let problem = format!("Lean refuses the option `{option}` of the Lake file");
        Err(EnvError::Refused(refusal(&problem, said)))
    }
}

/// The command that is tried first.
fn first_command(option: &LeanOption) -> Option<String> {
    option.commands().into_iter().next()
}

/// The commands, each on a line of its own, that Lean refused: the number of each, from 0, with its words.
fn refused(messages: &[Message]) -> BTreeMap<usize, String> {
    let errors = messages
        .iter()
        .filter(|message| message.severity == Severity::Error);
    let pairs = errors.map(|error| {
        let line = usize::try_from(error.pos.line).unwrap_or(usize::MAX);
        (line.saturating_sub(1), error.data.clone())
    });
    pairs.collect()
}

/// The failure for options that Lean does not take.
fn refusal(problem: &str, said: &str) -> Failure {
    Failure::new(
        Kind::Project,
        problem,
        "correct it in the Lake file: `lake build` fails on it too; the name of an option that only \
         some modules know needs `weak.` in front",
    )
    .caused_by(said.to_owned())
}
