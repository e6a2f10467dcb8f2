//! Ends test programs that say nothing any more, so that a test that waits for ever fails, with what it waited
//! for, and the others are run.

use std::fs;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::chaos::processes::below;

/// What happens in a run.
enum Word {
    /// A test begins.
    Begin,
    /// No test runs.
    Pause,
}

/// The watch over a run of `cargo test`.
pub(crate) struct Watch {
    words: Sender<Word>,
    thread: JoinHandle<Vec<String>>,
}

impl Watch {
    /// Watches what runs below that process; a test ends by force after so long.
    pub(crate) fn over(cargo: u32, patience: Duration) -> Self {
        let (words, heard) = mpsc::channel();
        let thread = thread::spawn(move || {
            let mut ended = Vec::new();
            let mut end: Option<Instant> = None;
            loop {
                let word = match end {
                    Some(end) => heard.recv_timeout(end.saturating_duration_since(Instant::now())),
                    None => heard.recv().map_err(RecvTimeoutError::from),
                };
                end = match word {
                    Ok(Word::Begin) => Some(Instant::now() + patience),
                    Ok(Word::Pause) => None,
                    Err(RecvTimeoutError::Timeout) => {
                        ended.push(end_tests(cargo, patience));
                        None
                    }
                    Err(RecvTimeoutError::Disconnected) => return ended,
                };
            }
        });
        Self { words, thread }
    }

    /// A test begins.
    pub(crate) fn begin(&self) {
        self.say(Word::Begin);
    }

    /// No test runs.
    pub(crate) fn pause(&self) {
        self.say(Word::Pause);
    }

    /// The run is over; tells what was ended.
    pub(crate) fn finish(self) -> Vec<String> {
        drop(self.words);
        self.thread.join().unwrap_or_default()
    }

    /// Tells the thread, which listens as long as the sender is there.
    fn say(&self, word: Word) {
        let _listened = self.words.send(word);
    }
}

/// Kills all that runs below a process; tells what that was.
fn end_tests(cargo: u32, patience: Duration) -> String {
    let root = i32::try_from(cargo).ok().and_then(Pid::from_raw);
    let all = root.map(below).unwrap_or_default();
    let lines: Vec<_> = all.iter().map(|pid| command_line(*pid)).collect();
    for pid in all.into_iter().filter_map(Pid::from_raw) {
        // One that is gone needs no end.
        let _gone = kill_process(pid, Signal::KILL);
    }
    format!(
        "no test ended for {} s, so these were killed:\n    {}",
        patience.as_secs(),
        lines.join("\n    ")
    )
}

/// The number of a process, its state and its command line.
fn command_line(pid: i32) -> String {
    let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let words = String::from_utf8_lossy(&read("cmdline")).replace('\0', " ");
    let at = String::from_utf8_lossy(&read("wchan")).into_owned();
    format!("{pid} ({at}) {words}")
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command};

    use super::*;

    /// A shell with a child that would take longer than any test.
    fn shell() -> Child {
        let script = "sleep 600 & wait; exit 7";
        Command::new("sh").args(["-c", script]).spawn().unwrap()
    }

    #[test]
    fn what_says_nothing_is_killed_and_named() {
        let mut shell = shell();
        while below(Pid::from_child(&shell)).is_empty() {
            thread::yield_now();
        }
        let watch = Watch::over(shell.id(), Duration::from_millis(10));
        watch.begin();
        assert_eq!(shell.wait().unwrap().code(), Some(7));
        let said = watch.finish().join(" ");
        assert!(said.contains("sleep 600"), "{said}");
    }

    #[test]
    fn between_tests_there_is_no_hurry() {
        let mut shell = shell();
        while below(Pid::from_child(&shell)).is_empty() {
            thread::yield_now();
        }
        let watch = Watch::over(shell.id(), Duration::from_millis(500));
        watch.begin();
        watch.pause();
        thread::sleep(Duration::from_millis(700));
        assert_eq!(watch.finish(), Vec::<String>::new());
        let _end = end_tests(shell.id(), Duration::ZERO);
        assert_eq!(shell.wait().unwrap().code(), Some(7));
    }
}
