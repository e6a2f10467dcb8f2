//! How long the parts of a run took, and which tests took longest.

use std::time::{Duration, Instant};

/// How many of the slowest tests are shown.
const SHOWN: usize = 15;

/// One part of a run.
#[derive(Debug)]
struct Part {
    /// What it is.
    name: String,
    /// From its beginning to its end.
    whole: Duration,
    /// What its test programs took of that; the rest is setting up and compiling.
    tests: Duration,
}

/// The times of a run.
#[derive(Debug, Default)]
pub(crate) struct Times {
    /// The parts that have ended.
    parts: Vec<Part>,
    /// The part that runs, and since when.
    running: Option<(Part, Instant)>,
    /// Names of tests, each with the time since the test before it ended in the same program. With several
    /// threads, a test took at least that long.
    tests: Vec<(Duration, String)>,
}

impl Times {
    /// Ends the part that runs, and begins the next.
    pub(crate) fn begin(&mut self, name: &str) {
        self.end();
        let part = Part {
            name: name.to_owned(),
            whole: Duration::ZERO,
            tests: Duration::ZERO,
        };
        self.running = Some((part, Instant::now()));
    }

    /// Ends the part that runs, if there is one.
    pub(crate) fn end(&mut self) {
        if let Some((mut part, start)) = self.running.take() {
            part.whole = start.elapsed();
            self.parts.push(part);
        }
    }

    /// Takes a test into account that has ended.
    pub(crate) fn add_test(&mut self, name: &str, time: Duration) {
        self.tests.push((time, name.to_owned()));
    }

    /// Takes a test program into account that has ended.
    pub(crate) fn add_program(&mut self, time: Duration) {
        if let Some((part, _)) = &mut self.running {
            part.tests += time;
        }
    }

    /// Adds the times of parts that ran beside the one that runs.
    pub(crate) fn add(&mut self, mut beside: Self) {
        beside.end();
        self.parts.append(&mut beside.parts);
        self.tests.append(&mut beside.tests);
    }

    /// The tables, slowest first: parts, and tests.
    pub(crate) fn tables(mut self) -> String {
        self.end();
        self.parts.sort_by_key(|part| std::cmp::Reverse(part.whole));
        self.tests.sort_by(|one, other| other.cmp(one));
        let seconds = Duration::as_secs_f64;
        let mut lines = vec![
            "| part | seconds | in test programs |".to_owned(),
            "|---|---|---|".to_owned(),
        ];
        lines.extend(self.parts.iter().map(|part| {
            let (whole, tests) = (seconds(&part.whole), seconds(&part.tests));
            format!("| {} | {whole:.0} | {tests:.0} |", part.name)
        }));
        lines.push("\n| slowest tests | seconds since the test before |\n|---|---|".to_owned());
        let slowest = self.tests.iter().take(SHOWN);
        lines.extend(slowest.map(|(time, name)| format!("| {name} | {:.0} |", seconds(time))));
        lines.join("\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_and_tests_are_shown_slowest_first() {
        let mut times = Times::default();
        times.begin("short");
        times.add_program(Duration::from_millis(1600));
        times.add_test("a::quick", Duration::from_millis(400));
        let mut beside = Times::default();
        beside.begin("beside");
        beside.add_test("b::slow", Duration::from_secs(90));
        beside.end();
        beside.parts[0].whole = Duration::from_secs(100);
        times.add(beside);
        assert_eq!(
            times.tables(),
            "| part | seconds | in test programs |\n|---|---|---|\n\
             | beside | 100 | 0 |\n| short | 0 | 2 |\n\n\
             | slowest tests | seconds since the test before |\n|---|---|\n\
             | b::slow | 90 |\n| a::quick | 0 |\n"
        );
    }
}
