//! A line that begins with a colon → what the user wants of the shell. Pure.

use std::path::PathBuf;

use crate::failure::{Failure, Kind};

/// What the user wants of the shell itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// Takes back so many sources or tactics.
    Undo(usize),
    /// Tells what the sources are evaluated on.
    Env,
    /// Writes the history to a file.
    Save {
        path: PathBuf,
        /// Whether a file of others may be replaced.
        replace: bool,
    },
    /// Evaluates a file.
    Load(PathBuf),
    /// Adds modules to the imports; without any tells which there are.
    Import(Vec<String>),
    /// Tells how long each source takes, or stops telling.
    Time,
    /// Shows the goals that are open.
    Goals,
    /// Begins the proof of an open goal, by its number from 1.
    Prove(Option<usize>),
    /// Writes the tactics of the proof into its source.
    Qed,
    /// Leaves the proof as it was.
    Abort,
    /// Lists the commands.
    Help,
    /// Ends the shell.
    Quit,
}

/// The commands as `:help` lists them: how each is written, and what it does.
pub(crate) const COMMANDS: [(&str, &str); 12] = [
    (
        ":prove [N]",
        "prove the goal that a `sorry` left open, tactic by tactic",
    ),
    (":goals", "show the open goals"),
    (
        ":qed",
        "end the proof and write it into its text; happens by itself when no goal is left",
    ),
    (":abort", "leave the proof, and its text as it was"),
    (
        ":undo [N]",
        "take back the last text, or in a proof the last tactic",
    ),
    (
        ":import M…",
        "add modules to the imports and run the history on them; alone: show them",
    ),
    (":load FILE", "run a file"),
    (
        ":save FILE",
        "write the history as a Lean file; `:save!` replaces a file of others",
    ),
    (":env", "show what the texts run on"),
    (":time", "tell how long each text takes, or stop telling"),
    (":help", "show this"),
    (":quit", "end (also Ctrl-D)"),
];

impl Command {
    /// Reads a line that begins with a colon.
    ///
    /// # Errors
    /// A command that does not exist, or is written in another way.
    pub(crate) fn parse(line: &str) -> Result<Self, Failure> {
        let line = line.trim();
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        let command = match (word, rest) {
            (":undo" | ":u", "") => Self::Undo(1),
            (":undo" | ":u", count) => Self::Undo(number(word, count)?),
            (":prove" | ":p", "") => Self::Prove(None),
            (":prove" | ":p", count) => Self::Prove(Some(number(word, count)?)),
            (":load" | ":l", path) if !path.is_empty() => Self::Load(path.into()),
            (":save" | ":save!", path) if !path.is_empty() => Self::Save {
                path: path.into(),
                replace: word == ":save!",
            },
            (":load" | ":l" | ":save" | ":save!", _) => return Err(lacks(word, "a file")),
            (":import" | ":i", modules) => {
                Self::Import(modules.split_whitespace().map(str::to_owned).collect())
            }
            (_, "") => return bare(word),
            _ => {
                // A word that exists without more behind it is no unknown one.
                bare(word)?;
                return Err(Failure::new(
                    Kind::Usage,
                    format!("`{word}` takes nothing behind it, and `{rest}` was given"),
                    format!("write `{word}` alone"),
                ));
            }
        };
        Ok(command)
    }
}

impl Command {
    /// Whether it asks something of a session.
    pub(crate) fn needs_session(&self) -> bool {
        matches!(
            self,
            Self::Load(_) | Self::Import(_) | Self::Prove(_) | Self::Qed
        )
    }
}

/// A command of one word.
fn bare(word: &str) -> Result<Command, Failure> {
    Ok(match word {
        ":env" | ":e" => Command::Env,
        ":time" | ":t" => Command::Time,
        ":goals" | ":g" => Command::Goals,
        ":qed" => Command::Qed,
        ":abort" => Command::Abort,
        ":help" | ":h" | ":?" => Command::Help,
        ":quit" | ":q" | ":exit" => Command::Quit,
        _ => {
            return Err(Failure::new(
                Kind::Usage,
                format!("there is no command `{word}`"),
                "list the commands with `:help`",
            ));
        }
    })
}

/// A count from 1.
fn number(word: &str, text: &str) -> Result<usize, Failure> {
    match text.parse() {
        Ok(count @ 1..) => Ok(count),
        _ => Err(Failure::new(
            Kind::Usage,
            format!("`{text}` is no number from 1"),
            format!("write for example `{word} 2`"),
        )),
    }
}

/// A command without what it needs.
fn lacks(word: &str, what: &str) -> Failure {
    Failure::new(
        Kind::Usage,
        format!("`{word}` lacks {what}"),
        format!("write for example `{word} Proof.lean`"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_read_as_they_are_written() {
        for (line, expected) in [
            (":undo", Command::Undo(1)),
            (":undo 3", Command::Undo(3)),
            (" :q ", Command::Quit),
            (
                ":import A  B.C",
                Command::Import(vec!["A".to_owned(), "B.C".to_owned()]),
            ),
            (":load my file.lean", Command::Load("my file.lean".into())),
            (
                ":save! a.lean",
                Command::Save {
                    path: "a.lean".into(),
                    replace: true,
                },
            ),
            (":prove 2", Command::Prove(Some(2))),
        ] {
            assert_eq!(Command::parse(line).unwrap(), expected, "{line}");
        }
    }

    #[test]
    fn a_command_that_is_no_command_says_what_to_write() {
        for (line, expected) in [
            (":hlep", "there is no command `:hlep`"),
            (":hlep me", "there is no command `:hlep`"),
            (":undo 0", "`0` is no number from 1"),
            (":prove x", "`x` is no number from 1"),
            (":save", "`:save` lacks a file"),
            (
                ":env x",
                "`:env` takes nothing behind it, and `x` was given",
            ),
            (":", "there is no command `:`"),
        ] {
            assert_eq!(Command::parse(line).unwrap_err().problem(), expected);
        }
    }

    #[test]
    fn what_the_help_lists_exists() {
        for (written, _) in COMMANDS {
            let word = written.split(' ').next().unwrap();
            let with_file = Command::parse(&format!("{word} 1"));
            assert!(Command::parse(word).is_ok() || with_file.is_ok(), "{word}");
        }
    }
}
