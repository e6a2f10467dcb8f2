//! Reads what `cargo test` prints: the counts and the names of ignored tests.

/// What a run of tests came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Tests that passed.
    pub(crate) passed: usize,
    /// Tests that failed.
    pub(crate) failed: usize,
    /// Names of the tests that were not run, with the reason if they give one.
    pub(crate) ignored: Vec<(String, String)>,
    /// Names of the tests that were run.
    pub(crate) ran: Vec<String>,
}

/// What a line of output says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A test program begins.
    Began,
    /// The test of that name has ended.
    Ran(&'a str),
    /// The test program has ended.
    Ended,
    /// Anything else.
    Other,
}

impl Tally {
    /// Takes one line of output into account; tells what it says.
    pub(crate) fn read_line<'a>(&mut self, line: &'a str) -> Line<'a> {
        if let Some(counts) = line.strip_prefix("test result: ") {
            self.passed += count(counts, "passed");
            self.failed += count(counts, "failed");
            return Line::Ended;
        }
        let number = line
            .strip_prefix("running ")
            .and_then(|rest| rest.split_once(" test"));
        if number.is_some_and(|(number, _)| number.parse::<usize>().is_ok()) {
            return Line::Began;
        }
        let Some((name, end)) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.split_once(" ... "))
        else {
            return Line::Other;
        };
        // A test that must panic says so after its name.
        let name = name.split(" - should panic").next().unwrap_or(name);
        if let Some(reason) = end.strip_prefix("ignored") {
            let reason = reason.trim_start_matches(", ").to_owned();
            self.ignored.push((name.to_owned(), reason));
            return Line::Other;
        }
        self.ran.push(name.to_owned());
        Line::Ran(name)
    }

    /// Adds a later run, which may have run tests that an earlier one ignored.
    pub(crate) fn add(&mut self, later: Self) {
        self.passed += later.passed;
        self.failed += later.failed;
        for name in &later.ran {
            if let Some(index) = self.ignored.iter().position(|(ignored, _)| ignored == name) {
                self.ignored.remove(index);
            }
        }
        for (name, reason) in later.ignored {
            let known = self.ignored.iter().any(|(ignored, _)| *ignored == name);
            if !known && !self.ran.contains(&name) {
                self.ignored.push((name, reason));
            }
        }
        self.ran.extend(later.ran);
    }
}

/// The number before a word in `3 passed; 0 failed; …`.
fn count(counts: &str, word: &str) -> usize {
    counts
        .split([';', '.'])
        .find_map(|part| part.trim().strip_suffix(word)?.trim().parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tally of an output.
    fn tally(text: &str) -> Tally {
        let mut tally = Tally::default();
        for line in text.lines() {
            tally.read_line(line);
        }
        tally
    }

    const FIRST: &str = "\
running 3 tests
test a::works ... ok
test real::answers ... ignored, needs core Lean
test real::sleeps ... ignored
test b::breaks - should panic ... FAILED

test result: FAILED. 1 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.06s

test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.06s
";

    #[test]
    fn counts_of_all_targets_are_added_up() {
        let tally = tally(FIRST);
        assert_eq!((tally.passed, tally.failed), (13, 1));
        assert_eq!(tally.ran, ["a::works", "b::breaks"]);
        let reason = ("real::answers".to_owned(), "needs core Lean".to_owned());
        assert_eq!(tally.ignored[0], reason);
    }

    #[test]
    fn a_line_tells_where_in_a_program_it_is() {
        let mut tally = Tally::default();
        let lines: Vec<Line<'_>> = FIRST.lines().map(|line| tally.read_line(line)).collect();
        assert_eq!(
            lines[..3],
            [Line::Began, Line::Ran("a::works"), Line::Other]
        );
        assert_eq!(lines[4], Line::Ran("b::breaks"));
        assert_eq!(lines[6], Line::Ended);
    }

    #[test]
    fn a_test_that_is_run_later_is_no_longer_skipped() {
        let mut sum = tally(FIRST);
        sum.add(tally(
            "test real::answers ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 13 filtered out; finished in 9s",
        ));
        assert_eq!((sum.passed, sum.failed), (14, 1));
        assert_eq!(sum.ignored, [("real::sleeps".to_owned(), String::new())]);
    }

    #[test]
    fn what_only_a_later_run_ignored_is_not_forgotten() {
        let mut sum = Tally::default();
        sum.add(tally("test a::b ... ignored, needs c"));
        sum.add(tally("test d::e ... ok"));
        assert_eq!(sum.ignored, [("a::b".to_owned(), "needs c".to_owned())]);
    }
}
