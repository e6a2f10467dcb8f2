//! One-shot commands: logged, bounded in time and output, ended with all that they started. Never
//! called from `ui` or `cli`, never used for sessions.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs::File;
use std::io::{self, pipe};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use crate::env_vars::{self, Variables};
use crate::event::{Event, Observer};
use crate::failure::{Failure, Kind};
use crate::limits::{Bytes, CancelFlag, Deadline, Wait};
use crate::process::quote::command_line;
use crate::process::running::{End, Running};

/// A command to be run once, to its end.
#[derive(Debug)]
pub struct Run {
    /// The program, as a name or a path.
    program: OsString,
    args: Vec<OsString>,
    dir: Option<PathBuf>,
    environment: Variables,
    /// Variables set on top of it.
    vars: Variables,
    /// What it reads; nothing if there is none.
    stdin: Option<File>,
    /// What it is run for, as in "while installing core Lean".
    purpose: String,
    /// The moment at which it is stopped.
    deadline: Deadline,
    /// How much of its stdout is kept.
    max_stdout: Bytes,
    /// The kind of failure that its failure is.
    kind: Kind,
    /// What a user can do when it fails.
    hint: String,
    /// What a user can do when there is no such program.
    hint_if_missing: String,
}

/// What a command left behind when it ended well.
#[derive(Debug)]
pub struct Output {
    /// The start of its stdout, up to the bound of the run.
    pub stdout: Vec<u8>,
    /// Whether there was more than that.
    pub is_cut: bool,
}

impl Run {
    /// A run of `program` with the cleaned environment and no arguments. It has to end within
    /// a minute unless told otherwise.
    pub fn new(program: impl Into<OsString>) -> Self {
        let program = program.into();
        let name = program.to_string_lossy().into_owned();
        Self {
            program,
            args: Vec::new(),
            dir: None,
            environment: env_vars::cleaned(),
            vars: Vec::new(),
            stdin: None,
            purpose: "running a command".to_owned(),
            deadline: Deadline::after(Duration::from_secs(60)),
            max_stdout: Bytes::mib(1),
            kind: Kind::Build,
            hint: "run the same command with `-v` to see all that it does".to_owned(),
            hint_if_missing: format!("install `{name}` and put it on `PATH`"),
        }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs it in that folder.
    #[must_use]
    pub fn dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.dir = Some(dir.into());
        self
    }

    /// Starts from that environment instead of the cleaned one. The program is looked for in its
    /// `PATH`.
    #[must_use]
    pub fn environment(mut self, environment: Variables) -> Self {
        self.environment = environment;
        self
    }

    /// Sets one variable.
    #[must_use]
    pub fn var(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.vars.push((name.into(), value.into()));
        self
    }

    /// Gives it an open file as its stdin. A lock that is held through this file stays held until
    /// both this process and the command are gone.
    #[must_use]
    pub fn stdin(mut self, file: File) -> Self {
        self.stdin = Some(file);
        self
    }

    /// Says what it is for, as in "installing core Lean".
    #[must_use]
    pub fn purpose(mut self, purpose: impl Into<String>) -> Self {
        self.purpose = purpose.into();
        self
    }

    /// Stops it at that moment.
    #[must_use]
    pub fn deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// Keeps that much of its stdout instead of 1 MiB.
    #[must_use]
    pub fn max_stdout(mut self, bound: Bytes) -> Self {
        self.max_stdout = bound;
        self
    }

    /// The kind of its failures, instead of [`Kind::Build`].
    #[must_use]
    pub fn kind(mut self, kind: Kind) -> Self {
        self.kind = kind;
        self
    }

    /// What a user can do when it fails.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }

    /// What a user can do when there is no such program.
    #[must_use]
    pub fn hint_if_missing(mut self, hint: impl Into<String>) -> Self {
        self.hint_if_missing = hint.into();
        self
    }

    /// Runs it. Fails when there is no such program or folder, when it ends with anything but
    /// success, at the deadline and at an interrupt; nothing that it started is left running.
    pub fn finish(
        self,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
    ) -> Result<Output, Failure> {
        self.finish_watched(observer, interrupt, &mut || ())
    }

    /// Runs it as `finish` does and calls `watch` every tick or so meanwhile.
    pub fn finish_watched(
        mut self,
        observer: &dyn Observer,
        interrupt: &CancelFlag,
        watch: &mut dyn FnMut(),
    ) -> Result<Output, Failure> {
        let program = self.find()?;
        let line = command_line(self.dir.as_deref(), &self.vars, &self.program, &self.args);
        observer.tell(Event::CommandStarted { line: &line });
        let mut running = self
            .start(&program)
            .map_err(|err| self.failure("could not be started").caused_by(err))?;
        let end = running.follow(self.deadline, observer, interrupt, watch);
        running.end(observer);
        let (stdout, is_cut, lines) = running.take_output();
        let problem = match end {
            End::Status(status) if status.success() => {
                return Ok(Output { stdout, is_cut });
            }
            End::Interrupted => {
                return Err(Failure::new(
                    Kind::Interrupted,
                    format!("`{}` was stopped while {}", self.name(), self.purpose),
                    "run the same command again to go on",
                ));
            }
            End::Status(status) => format!("ended with {}", Ending(status)),
            End::Late => format!("did not end within {} and was stopped", self.span()),
            End::Lost(err) => format!("could not be waited for ({err})"),
        };
        Err(self.failure(&problem).caused_by(LastLines {
            dir: self.dir.take(),
            lines,
        }))
    }

    /// The program's name as a user knows it.
    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.program.to_string_lossy()
    }

    /// The deadline's whole wait, to the second.
    fn span(&self) -> String {
        let span = self.deadline.span();
        if span.as_secs() == 0 {
            return format!("{} ms", span.as_millis());
        }
        Wait::secs(span.as_secs()).to_string()
    }

    /// A failure of this command.
    fn failure(&self, problem: &str) -> Failure {
        Failure::new(
            self.kind,
            format!("`{}` {problem} while {}", self.name(), self.purpose),
            self.hint.clone(),
        )
    }

    /// The path of the program. A missing program and a missing folder are one and the same error
    /// to the system that starts a process, so both are looked for before.
    fn find(&self) -> Result<PathBuf, Failure> {
        if let Some(dir) = self.dir.as_deref().filter(|dir| !dir.is_dir()) {
            return Err(Failure::new(
                self.kind,
                format!(
                    "the folder `{}`, in which `{}` should run while {}, does not exist",
                    dir.display(),
                    self.name(),
                    self.purpose
                ),
                "create the folder or name another one",
            ));
        }
        let paths = env_vars::value_in(&self.vars, env_vars::PATH)
            .or_else(|| env_vars::value_in(&self.environment, env_vars::PATH));
        find_program(&self.program, paths).ok_or_else(|| {
            Failure::new(
                self.kind,
                format!(
                    "`{}`, needed for {}, was not found",
                    self.name(),
                    self.purpose
                ),
                self.hint_if_missing.clone(),
            )
        })
    }

    /// Starts it in a process group of its own.
    fn start(&mut self, program: &Path) -> io::Result<Running> {
        let (stdout, stdout_end) = pipe()?;
        let (stderr, stderr_end) = pipe()?;
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one place that starts one-shot commands"
        )]
        let mut command = duct::cmd(program, &self.args)
            .stdout_file(stdout_end)
            .stderr_file(stderr_end)
            .full_env(self.environment.iter().chain(&self.vars).cloned())
            .unchecked()
            // duct kills its own children only; a group takes the children of those along.
            .before_spawn(|command| {
                command.process_group(0);
                Ok(())
            });
        command = match self.stdin.take() {
            Some(file) => command.stdin_file(file),
            None => command.stdin_null(),
        };
        if let Some(dir) = &self.dir {
            command = command.dir(dir);
        }
        Running::new(command.start()?, stdout, stderr, self.max_stdout)
    }
}

/// The path of a program that is looked for in `paths` unless it is a path itself.
pub(crate) fn find_program(program: &OsStr, paths: Option<&OsStr>) -> Option<PathBuf> {
    let here = std::env::current_dir().unwrap_or_default();
    let found = which::which_in(program, paths, here).ok()?;
    std::path::absolute(found).ok()
}

/// An exit status in words.
struct Ending(ExitStatus);

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.code(), self.0.signal()) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => write!(f, "{}", self.0),
        }
    }
}

/// What a command wrote last, as the cause of its failure.
#[derive(Debug)]
struct LastLines {
    dir: Option<PathBuf>,
    /// The last lines of both outputs.
    lines: Vec<String>,
}

impl fmt::Display for LastLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(dir) = &self.dir {
            write!(f, "in `{}` ", dir.display())?;
        }
        if self.lines.is_empty() {
            return f.write_str("it wrote nothing");
        }
        f.write_str("it wrote last:")?;
        self.lines
            .iter()
            .try_for_each(|line| write!(f, "\n  {line}"))
    }
}

impl std::error::Error for LastLines {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Unobserved;
    use rustix::process::Pid;
    use std::sync::Mutex;
    use std::thread;

    /// A run of a shell script.
    fn sh(script: &str) -> Run {
        Run::new("sh").arg("-c").arg(script).purpose("testing")
    }

    /// Runs it with nobody watching.
    fn finish(run: Run) -> Result<Output, Failure> {
        run.finish(&Unobserved, &CancelFlag::default())
    }

    /// A deadline that a test waits for.
    fn soon() -> Deadline {
        Deadline::after(Duration::from_millis(300))
    }

    /// The process id that a script wrote into the file as its grandchild.
    fn written_pid(path: &Path) -> Pid {
        let text = std::fs::read_to_string(path).unwrap();
        Pid::from_raw(text.trim().parse().unwrap()).unwrap()
    }

    /// Whether the process ends, as it must soon after it was killed; one that waits to be reaped by
    /// its new parent has ended.
    fn ends(pid: Pid) -> bool {
        let deadline = Deadline::after(Duration::from_secs(10));
        while !deadline.is_over() {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            if stat.is_empty() || stat.contains(") Z ") || stat.contains(") X ") {
                return true;
            }
            thread::yield_now();
        }
        false
    }

    /// Remembers the events it hears, as text.
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Observer for Heard {
        fn tell(&self, event: Event<'_>) {
            let text = match event {
                Event::CommandStarted { line } => format!("+ {line}"),
                Event::CommandOutput { line } => line.to_owned(),
                other => format!("{other:?}"),
            };
            self.0.lock().unwrap().push(text);
        }
    }

    #[test]
    fn a_command_is_shown_and_its_output_is_heard_and_kept() {
        let heard = Heard::default();
        let output = sh("echo out; echo \"$A\" >&2")
            .var("A", "it's")
            .finish(&heard, &CancelFlag::default())
            .unwrap();
        assert_eq!(output.stdout, b"out\n");
        let mut heard = heard.0.into_inner().unwrap();
        assert_eq!(
            heard.remove(0),
            r#"+ A='it'\''s' sh -c 'echo out; echo "$A" >&2'"#
        );
        heard.sort();
        assert_eq!(heard, ["it's", "out"]);
    }

    #[test]
    fn a_deadline_ends_the_grandchildren_too() {
        let dir = tempfile::tempdir().unwrap();
        let run = sh("sleep 600 & echo $! > pid; wait").dir(dir.path());
        let failure = finish(run.deadline(soon())).unwrap_err();
        assert_eq!(
            failure.problem(),
            "`sh` did not end within 300 ms and was stopped while testing"
        );
        assert_eq!(failure.kind(), Kind::Build);
        assert!(ends(written_pid(&dir.path().join("pid"))));
    }

    #[test]
    fn an_interrupt_ends_the_grandchildren_too() {
        let dir = tempfile::tempdir().unwrap();
        let interrupt = CancelFlag::default();
        let asked = interrupt.clone();
        let pid = dir.path().join("pid");
        let is_there = pid.clone();
        let user = thread::spawn(move || {
            while std::fs::read_to_string(&is_there).unwrap_or_default() == "" {
                thread::yield_now();
            }
            asked.set();
        });
        let failure = sh("sleep 600 & echo $! > pid; wait")
            .dir(dir.path())
            .finish(&Unobserved, &interrupt)
            .unwrap_err();
        user.join().unwrap();
        assert_eq!(failure.kind(), Kind::Interrupted);
        assert!(ends(written_pid(&pid)));
    }

    #[test]
    fn what_a_command_leaves_in_the_background_ends_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let output = finish(sh("sleep 600 & echo $! > pid; echo done").dir(dir.path())).unwrap();
        assert_eq!(output.stdout, b"done\n");
        assert!(ends(written_pid(&dir.path().join("pid"))));
    }

    #[test]
    fn a_grandchild_that_left_the_group_cannot_hold_the_caller_up() {
        let output = finish(sh("setsid sleep 5 & echo done")).unwrap();
        assert_eq!(output.stdout, b"done\n");
    }

    #[test]
    fn a_missing_program_and_a_missing_folder_are_told_apart() {
        let failure = finish(Run::new("no-such-program").purpose("testing")).unwrap_err();
        assert_eq!(
            failure.problem(),
            "`no-such-program`, needed for testing, was not found"
        );
        assert_eq!(
            failure.hint(),
            "install `no-such-program` and put it on `PATH`"
        );
        let failure = finish(sh("true").dir("/no/such/folder")).unwrap_err();
        assert_eq!(
            failure.problem(),
            "the folder `/no/such/folder`, in which `sh` should run while testing, does not exist"
        );
    }

    #[test]
    fn a_failed_command_says_how_it_ended_and_what_it_wrote_last() {
        let dir = tempfile::tempdir().unwrap();
        let run = sh("for n in $(seq 30); do echo line $n >&2; done; exit 3").dir(dir.path());
        let failure = finish(run.kind(Kind::Project).hint("fix it")).unwrap_err();
        assert_eq!(
            failure.problem(),
            "`sh` ended with exit code 3 while testing"
        );
        assert_eq!(failure.kind(), Kind::Project);
        assert_eq!(failure.hint(), "fix it");
        let causes = failure.causes();
        let cause = causes.first().unwrap();
        assert!(
            cause.starts_with(&format!(
                "in `{}` it wrote last:\n  line 11\n",
                dir.path().display()
            )),
            "{cause}"
        );
        assert!(cause.ends_with("\n  line 30"), "{cause}");
    }

    #[test]
    fn a_killed_command_names_the_signal() {
        let failure = finish(sh("kill -9 $$")).unwrap_err();
        assert_eq!(failure.problem(), "`sh` ended with signal 9 while testing");
        assert_eq!(failure.causes(), ["it wrote nothing"]);
    }

    #[test]
    fn a_flood_on_stdout_is_kept_up_to_the_bound() {
        let run = sh("head -c 3000000 /dev/zero").max_stdout(Bytes::new(1000));
        let output = finish(run).unwrap();
        assert_eq!(output.stdout.len(), 1000);
        assert!(output.is_cut);
    }

    #[test]
    fn a_command_sees_only_the_environment_it_is_given() {
        let path = env_vars::read(env_vars::PATH).unwrap();
        let run = Run::new("env")
            .environment(vec![("PATH".into(), path)])
            .var("A", "1");
        let output = String::from_utf8(finish(run).unwrap().stdout).unwrap();
        let mut names: Vec<_> = output
            .lines()
            .filter_map(|line| line.split_once('='))
            .map(|(name, _)| name)
            .collect();
        names.sort_unstable();
        assert_eq!(names, ["A", "PATH"]);
    }

    #[test]
    fn a_command_that_waits_for_input_gets_none() {
        assert_eq!(finish(sh("cat")).unwrap().stdout, b"");
    }
}
