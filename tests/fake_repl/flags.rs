//! What the whole run should be like.

use std::path::PathBuf;
use std::time::Duration;

/// How the start goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtStart {
    /// Never reads a request.
    Hang,
    /// Exits with 1 and a line on stderr.
    Die,
    /// Writes a stray line on stdout.
    Noise,
    /// Writes a line and a blank line on stdout, as if it were a reply.
    Banner,
    /// Is ready only after this time.
    Slow(Duration),
}

/// How pickles go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PickleFault {
    /// Writes half of the file and says that all is well.
    CutShort,
    /// Says that all is well and writes nothing.
    WriteNothing,
    /// Never answers a pickle.
    HangAtPickle,
    /// Dies of a pickle.
    DieAtPickle,
    /// Never answers an unpickle.
    HangAtUnpickle,
    /// Dies of an unpickle.
    DieAtUnpickle,
    /// Gives an empty environment in silence.
    UnpickleNothing,
}

/// What is said that is not so. Nobody who sees the replies alone can notice: this is for those who
/// check the checkers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// The opposite verdict.
    Opposite,
    /// The reply to the text before in place of the text's own.
    Foreign,
}

/// What a way back puts back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Restore {
    /// All that sources can change.
    Full,
    /// Nothing, though the reply says that all went well.
    Nothing,
}

/// The flags, from arguments and from `LEAN_FAKE_REPL`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flags {
    /// `--lean-version V`: what `Lean.versionString` is; 4.27.0 if not said.
    pub(crate) lean_version: String,
    /// The modules that can be imported: Init, Std, Lean, Mathlib and each `--module NAME`.
    pub(crate) modules: Vec<String>,
    /// `--at-start hang|die|noise|banner|slow MILLIS`.
    pub(crate) at_start: Option<AtStart>,
    /// `--pickle-fault cut-short|write-nothing|hang-at-pickle|die-at-pickle|hang-at-unpickle|die-at-unpickle|unpickle-nothing`
    pub(crate) pickle_fault: Option<PickleFault>,
    /// `--old-unpickle`: an unpickle runs with initializers as the command before has left them, as
    /// in REPLs up to v4.29: off after an import, on after a command on an environment.
    pub(crate) old_unpickle: bool,
    /// `--instant-bytes N`: answers at once with N bytes, closing blank line included.
    pub(crate) instant_bytes: Option<usize>,
    /// `--instant-after K`: the first K requests are answered honestly all the same.
    pub(crate) instant_after: usize,
    /// `--transcript FILE`: expects and answers what the file says, nothing else.
    pub(crate) transcript: Option<PathBuf>,
    /// `--lie opposite|foreign`: every fifth text with a directive is answered with a lie.
    pub(crate) lie: Option<Lie>,
    /// `--restore full|nothing`: has states to which it goes back, as core Lean's REPL has; or says so and leaves
    /// all as it is.
    pub(crate) restore: Option<Restore>,
    /// `--extract FILE`: plays the extractors of `leanrepl extract` on the modules in the file (`extract`).
    pub(crate) extract: Option<String>,
    /// `--log FILE`: appends `PID REQUEST` for each request, for tests that count them.
    pub(crate) log: Option<PathBuf>,
}

impl Flags {
    /// Reads the words of a command line; the error names the word that does not fit.
    pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut flags = Self {
            lean_version: "4.27.0".to_owned(),
            modules: ["Init", "Std", "Lean", "Mathlib"]
                .map(str::to_owned)
                .to_vec(),
            at_start: None,
            pickle_fault: None,
            old_unpickle: false,
            instant_bytes: None,
            instant_after: 0,
            transcript: None,
            lie: None,
            restore: None,
            extract: None,
            log: None,
        };
        let mut words = words.into_iter();
        while let Some(flag) = words.next() {
            let mut value = || {
                words
                    .next()
                    .ok_or_else(|| format!("fake-repl: `{flag}` lacks its value"))
            };
            match flag.as_str() {
                "--lean-version" => flags.lean_version = value()?,
                "--module" => flags.modules.push(value()?),
                "--pickle-fault" => flags.pickle_fault = Some(pickle_fault(&value()?)?),
                "--old-unpickle" => flags.old_unpickle = true,
                "--restore" => flags.restore = Some(restore(&value()?)?),
                "--instant-bytes" => flags.instant_bytes = Some(number(&value()?)?),
                "--instant-after" => flags.instant_after = number(&value()?)?,
                "--transcript" => flags.transcript = Some(value()?.into()),
                "--lie" => flags.lie = Some(lie(&value()?)?),
                "--extract" => flags.extract = Some(value()?),
                "--log" => flags.log = Some(value()?.into()),
                "--at-start" => {
                    flags.at_start = Some(match value()?.as_str() {
                        "hang" => AtStart::Hang,
                        "die" => AtStart::Die,
                        "noise" => AtStart::Noise,
                        "banner" => AtStart::Banner,
                        "slow" => AtStart::Slow(Duration::from_millis(number(&value()?)?)),
                        other => return Err(format!("fake-repl: no start is called `{other}`")),
                    });
                }
                other => return Err(format!("fake-repl: no flag is called `{other}`")),
            }
        }
        Ok(flags)
    }
}

/// Reads the name of a lie; the error names it.
fn lie(name: &str) -> Result<Lie, String> {
    match name {
        "opposite" => Ok(Lie::Opposite),
        "foreign" => Ok(Lie::Foreign),
        other => Err(format!("fake-repl: no lie is called `{other}`")),
    }
}

/// Reads what a way back puts back; the error names it.
fn restore(name: &str) -> Result<Restore, String> {
    match name {
        "full" => Ok(Restore::Full),
        "nothing" => Ok(Restore::Nothing),
        other => Err(format!("fake-repl: no way back is called `{other}`")),
    }
}

/// Reads the name of a fault; the error names it.
fn pickle_fault(name: &str) -> Result<PickleFault, String> {
    Ok(match name {
        "cut-short" => PickleFault::CutShort,
        "write-nothing" => PickleFault::WriteNothing,
        "hang-at-pickle" => PickleFault::HangAtPickle,
        "die-at-pickle" => PickleFault::DieAtPickle,
        "hang-at-unpickle" => PickleFault::HangAtUnpickle,
        "die-at-unpickle" => PickleFault::DieAtUnpickle,
        "unpickle-nothing" => PickleFault::UnpickleNothing,
        other => {
            return Err(format!(
                "fake-repl: no fault of pickles is called `{other}`"
            ));
        }
    })
}

/// Reads a whole number; the error names the text.
pub(crate) fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_reason| format!("fake-repl: `{text}` is not a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses a line of words.
    fn parse(line: &str) -> Result<Flags, String> {
        Flags::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn flags_are_read_in_any_order() {
        let flags = parse("--at-start slow 20 --module Foo.Bar --lean-version 4.9.0").unwrap();
        let slow = AtStart::Slow(Duration::from_millis(20));
        assert_eq!(flags.at_start, Some(slow));
        assert_eq!(flags.modules.last().unwrap(), "Foo.Bar");
        assert_eq!(flags.lean_version, "4.9.0");
    }

    #[test]
    fn a_misspelt_flag_is_refused_by_name() {
        for (line, word) in [
            ("--lean-versoin 4", "--lean-versoin"),
            ("--at-start sleepy", "sleepy"),
            ("--lie white", "white"),
            ("--restore some", "some"),
            ("--instant-bytes many", "many"),
            ("--log", "--log"),
            ("--pickle-fault bad", "bad"),
        ] {
            let problem = parse(line).unwrap_err();
            assert!(problem.contains(word), "{problem}");
        }
    }
}
