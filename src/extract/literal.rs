//! Texts as literals of Lean, for the commands that a worker is sent. Pure.

use std::fmt::Write as _;

use crate::lean::module_name::ModuleName;

/// A string literal, on one line.
pub(crate) fn string(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('"');
    for letter in text.chars() {
        match letter {
            '"' => literal.push_str("\\\""),
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\t' => literal.push_str("\\t"),
            '\r' => literal.push_str("\\r"),
            letter if letter.is_control() => {
                // Writing to a string cannot fail.
                let _written = write!(literal, "\\u{:04x}", u32::from(letter));
            }
            letter => literal.push(letter),
        }
    }
    literal.push('"');
    literal
}

/// An array of strings.
pub(crate) fn strings(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| string(text)).collect();
    format!("#[{}]", texts.join(", "))
}

/// An array of names, each an array of its parts.
pub(crate) fn names(names: &[ModuleName]) -> String {
    let names: Vec<String> = names.iter().map(|name| strings(name.parts())).collect();
    format!("#[{}]", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_has_one_line_and_ends_where_it_should() {
        assert_eq!(string("a\"b\\c\nd\u{1}é𝔸"), "\"a\\\"b\\\\c\\nd\\u0001é𝔸\"");
        let name = ModuleName::parse("A.«b.c»").unwrap();
        assert_eq!(names(&[name]), "#[#[\"A\", \"b.c\"]]");
        assert_eq!(names(&[]), "#[]");
    }
}
