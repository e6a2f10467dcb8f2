//! Fills the holes of a text. Strict: a hole without a value, a value without a hole and a hole that
//! does not end are bugs. Pure; never touches the disk and knows nothing of what the text is for.

use std::collections::BTreeSet;

use crate::failure::Failure;

/// Where a hole begins.
const OPEN: &str = "{{";

/// Where it ends.
const CLOSE: &str = "}}";

/// Puts `values` (name and text) into the holes `{{name}}` of `text`. What a value holds is not looked
/// at again. A line that is nothing but a hole goes away if its value is empty.
///
/// # Errors
/// A hole that has no value, a value that has no hole, a hole that does not end: the text was written
/// for other values, which is a bug. `name` says which text.
pub(crate) fn fill(name: &str, text: &str, values: &[(&str, &str)]) -> Result<String, Failure> {
    let mut filled = String::with_capacity(text.len());
    let mut used = BTreeSet::new();
    for line in text.split_inclusive('\n') {
        let whole = whole_hole(line);
        let mut rest = line;
        if let Some(hole) = whole
            && value(name, hole, values)?.is_empty()
        {
            used.insert(hole);
            continue;
        }
        while let Some((before, after)) = rest.split_once(OPEN) {
            filled.push_str(before);
            let (hole, after) = after
                .split_once(CLOSE)
                .ok_or_else(|| Failure::bug(format!("a hole in `{name}` does not end")))?;
            filled.push_str(value(name, hole, values)?);
            used.insert(hole);
            rest = after;
        }
        filled.push_str(rest);
    }
    let mut idle = values.iter().filter(|(known, _)| !used.contains(known));
    match idle.next() {
        Some((known, _)) => Err(Failure::bug(format!(
            "`{name}` has no hole for the value `{known}`"
        ))),
        None => Ok(filled),
    }
}

/// The name of the hole that a line consists of.
fn whole_hole(line: &str) -> Option<&str> {
    let hole = line.trim_end().strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    (!hole.contains(CLOSE)).then_some(hole)
}

/// The value for a hole.
fn value<'a>(name: &str, hole: &str, values: &[(&str, &'a str)]) -> Result<&'a str, Failure> {
    let mut found = values.iter().filter(|(known, _)| *known == hole);
    match found.next() {
        Some((_, value)) => Ok(value),
        None => Err(Failure::bug(format!(
            "the hole `{hole}` of `{name}` has no value"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn holes_are_filled_and_values_are_not_read_again() {
        let text = "FROM {{base}}\n{{extra}}\nRUN {{a}}{{a}} {}\n{{last}}\n";
        let values = [
            ("base", "x:1"),
            ("extra", ""),
            ("a", "{{base}}"),
            ("last", "end"),
        ];
        assert_eq!(
            fill("t", text, &values).unwrap(),
            "FROM x:1\nRUN {{base}}{{base}} {}\nend\n"
        );
    }

    #[test]
    fn a_hole_without_value_a_value_without_hole_and_an_open_hole_are_bugs() {
        for (text, values, problem) in [
            ("{{a}}", &[][..], "the hole `a` of `t` has no value"),
            ("{{ a}}", &[("a", "")], "the hole ` a` of `t` has no value"),
            ("x", &[("a", "")], "`t` has no hole for the value `a`"),
            ("{{a", &[("a", "")], "a hole in `t` does not end"),
            ("x {{a\n}}", &[("a", "")], "a hole in `t` does not end"),
        ] {
            let failure = fill("t", text, values).unwrap_err();
            assert_eq!(failure.problem(), problem);
            assert_eq!(failure.kind().exit_code(), 70);
        }
    }

    proptest! {
        #[test]
        fn any_text_without_holes_stays_as_it_is(text in "[^{]*") {
            prop_assert_eq!(fill("t", &text, &[]).unwrap(), text);
        }

        #[test]
        fn any_text_is_filled_or_refused(text in "[{}a\n ]*", value in ".*") {
            let _either = fill("t", &text, &[("a", &value)]);
        }
    }
}
