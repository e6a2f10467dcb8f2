//! How long files and functions are, unit tests not counted.

use crate::sources::Source;

/// The most lines of a file.
const LONGEST_FILE: usize = 400;

/// The most lines of a function before it is listed.
const LONGEST_FUNCTION: usize = 50;

/// Files that may be longer, each with the reason.
const ALLOWED: [(&str, &str); 0] = [];

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// What has to change.
    pub(crate) errors: Vec<String>,
    /// What should be looked at.
    pub(crate) warnings: Vec<String>,
}

/// Measures the sources.
pub(crate) fn report(sources: &[Source]) -> Report {
    report_allowing(sources, &ALLOWED)
}

/// Measures the sources with a list of paths that may be long, and why.
fn report_allowing(sources: &[Source], allowed: &[(&str, &str)]) -> Report {
    let mut report = Report::default();
    for source in sources {
        let lines = source.lines_without_tests();
        let count = lines.len();
        let path = &source.path;
        let reason = allowed.iter().find(|(allowed, _)| allowed == path);
        match (count > LONGEST_FILE, reason) {
            (true, None) => report.errors.push(format!(
                "{path}: {count} lines without tests; split it by noun (at most {LONGEST_FILE})"
            )),
            (true, Some((_, why))) => report
                .warnings
                .push(format!("{path}: {count} lines, allowed: {why}")),
            (false, Some(_)) => report.errors.push(format!(
                "{path}: {count} lines; take it off the list of long files"
            )),
            (false, None) => {}
        }
        for (line, count) in long_functions(&lines) {
            let text = format!("{path}:{line}: a function of {count} lines");
            report.warnings.push(text);
        }
    }
    for (path, _) in allowed {
        if !sources.iter().any(|source| source.path == *path) {
            let text = format!("{path}: no such file; take it off the list of long files");
            report.errors.push(text);
        }
    }
    report
}

/// The functions that are too long: the line where each begins, from 1, and its length. In
/// formatted code a function ends at the first brace that stands as far in as its first line.
fn long_functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if !is_function(line) {
            continue;
        }
        let margin = line.len() - line.trim_start().len();
        let end = format!("{}}}", " ".repeat(margin));
        let mut rest = lines.iter().skip(index);
        let ends_head = |line: &&&str| line.ends_with(['{', '}', ';']);
        let has_body = rest
            .clone()
            .find(ends_head)
            .is_some_and(|line| line.ends_with('{'));
        if let Some(count) = rest.position(|line| *line == end)
            && has_body
            && count + 1 > LONGEST_FUNCTION
        {
            found.push((index + 1, count + 1));
        }
    }
    found
}

/// Whether a function begins on the line.
fn is_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_before = |word: &str| {
        word.starts_with("pub") || ["const", "async", "unsafe", "extern"].contains(&word)
    };
    words.find(|word| !is_before(word)) == Some("fn")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up file of so many lines before its tests.
    fn source(path: &str, lines: usize) -> Source {
        let tests = "#[cfg(test)]\nmod tests {\n}\n".to_owned() + &"// test\n".repeat(500);
        Source {
            path: path.to_owned(),
            text: "// code\n".repeat(lines) + &tests,
        }
    }

    #[test]
    fn a_long_file_is_an_error_unless_a_reason_is_given() {
        let sources = [source("a.rs", 400), source("b.rs", 401)];
        let report = report_allowing(&sources, &[]);
        assert_eq!(report.errors.len(), 1);
        assert!(report.errors[0].starts_with("b.rs: 401"));
        let report = report_allowing(&sources, &[("b.rs", "one table")]);
        assert_eq!(report.errors, [""; 0]);
        assert_eq!(report.warnings, ["b.rs: 401 lines, allowed: one table"]);
    }

    #[test]
    fn a_reason_that_is_not_needed_is_an_error() {
        let allowed = [("a.rs", "x"), ("gone.rs", "y")];
        assert_eq!(
            report_allowing(&[source("a.rs", 9)], &allowed).errors.len(),
            2
        );
    }

    #[test]
    fn a_long_function_is_listed_where_it_begins() {
        let long = format!(
            "    pub(crate) fn f() {{\n{}    }}",
            "        x();\n".repeat(49)
        );
        let text = format!("impl A {{\n    fn g() {{\n    }}\n{long}\n}}\n");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(long_functions(&lines), [(4, 51)]);
        let declared = format!(
            "trait A {{\n    fn f(\n    );\n{}    }}\n}}",
            "    x\n".repeat(60)
        );
        let lines: Vec<&str> = declared.lines().collect();
        assert_eq!(long_functions(&lines), []);
    }
}
