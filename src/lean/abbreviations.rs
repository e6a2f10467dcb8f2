//! Names that are typed behind a backslash for the symbols of Lean: `\to` for `→`. Pure; never
//! decides when a key was pressed.

use std::sync::LazyLock;

/// The table: a symbol and its names on each line.
const TABLE: &str = include_str!("abbreviations.txt");

/// All names with their symbols, in alphabetical order of the names.
static NAMES: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let mut names: Vec<_> = TABLE
        .lines()
        .filter(|line| !line.starts_with("--"))
        .filter_map(|line| line.split_once(' '))
        .flat_map(|(symbol, names)| names.split(' ').map(move |name| (name, symbol)))
        .collect();
    names.sort_unstable();
    names
});

/// The beginning of an abbreviation in front of the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Begun<'a> {
    /// Where its backslash stands, in bytes.
    pub start: usize,
    /// What follows the backslash.
    pub name: &'a str,
}

impl Begun<'_> {
    /// The symbol if the name is whole.
    pub fn symbol(self) -> Option<&'static str> {
        symbol(self.name)
    }

    /// Whether the name with `next` behind it is still the beginning of one.
    fn goes_on(self, next: char) -> bool {
        let mut longer = self.name.to_owned();
        longer.push(next);
        !beginning_with(&longer).is_empty()
    }
}

/// The symbol of that name.
pub fn symbol(name: &str) -> Option<&'static str> {
    let at = NAMES.binary_search_by_key(&name, |(name, _)| name).ok()?;
    NAMES.get(at).map(|(_, symbol)| *symbol)
}

/// The names that begin so, with their symbols, in alphabetical order.
pub fn beginning_with(beginning: &str) -> &'static [(&'static str, &'static str)] {
    let from = NAMES.partition_point(|(name, _)| *name < beginning);
    let rest = NAMES.get(from..).unwrap_or_default();
    let count = rest.partition_point(|(name, _)| name.starts_with(beginning));
    rest.get(..count).unwrap_or_default()
}

/// The abbreviation that ends where `before` ends, if one does: the text from the last backslash on,
/// as long as a name begins so.
pub fn begun(before: &str) -> Option<Begun<'_>> {
    let last = before.rfind('\\')?;
    // The backslash is a name too, so that a second one behind it belongs to the first.
    let start = match before.get(..last).and_then(|rest| rest.strip_suffix('\\')) {
        Some(rest) if last + 1 == before.len() => rest.len(),
        _ => last,
    };
    let name = before.get(start + 1..)?;
    (!beginning_with(name).is_empty()).then_some(Begun { start, name })
}

/// What becomes of the abbreviation in front of the cursor when `next` is typed: where it starts, in
/// bytes, and its symbol. Nothing if there is none, or if `next` may belong to its name.
pub fn replaced(before: &str, next: char) -> Option<(usize, &'static str)> {
    let begun = begun(before)?;
    if begun.goes_on(next) {
        return None;
    }
    Some((begun.start, begun.symbol()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What stands on the line after these keys.
    fn typed(keys: &str) -> String {
        let mut line = String::new();
        for key in keys.chars() {
            if let Some((start, symbol)) = replaced(&line, key) {
                line.truncate(start);
                line.push_str(symbol);
            }
            line.push(key);
        }
        line
    }

    #[test]
    fn a_name_becomes_its_symbol_when_something_else_follows() {
        for (keys, expected) in [
            (r"\a \to \b", r"α → \b"),
            (r"\R)", "ℝ)"),
            (r"\<a, b\> ", "⟨a, b⟩ "),
            (r"\. simp", "· simp"),
            (r"x\^2+", "x²+"),
            (r"x\-1 ", "x⁻¹ "),
            (r"\alphax", "αx"),
            (r"\all x, \ex y", "∀ x, ∃ y"),
            (r"\<=x", "≤x"),
            // A name that does not exist stays as it was typed.
            (r"\zzz at all", r"\zzz at all"),
            // A set without another one.
            (r"A \ B", r"A \ B"),
            (r"A \\ B", r"A \ B"),
            ("\\to\n", "→\n"),
        ] {
            assert_eq!(typed(keys), expected, "{keys}");
        }
    }

    #[test]
    fn each_name_stands_for_one_symbol_and_can_be_typed() {
        assert!(NAMES.len() > 600);
        for pair in NAMES.windows(2) {
            assert_ne!(pair[0].0, pair[1].0);
        }
        for (name, symbol) in NAMES.iter() {
            assert_eq!(typed(&format!("\\{name}\u{1}")), format!("{symbol}\u{1}"));
        }
    }

    #[test]
    fn what_may_follow_is_found_by_its_beginning() {
        assert_eq!(beginning_with("bigv"), [("bigvee", "⋁")]);
        assert!(beginning_with("zz").is_empty());
        assert_eq!(beginning_with("").len(), NAMES.len());
    }

    proptest! {
        #[test]
        fn replacing_never_loses_text(keys in r"([a-z<>.^\\ ]|to|\\a|\\R|\\al){0,30}") {
            let mut line = String::new();
            for key in keys.chars() {
                if let Some((start, symbol)) = replaced(&line, key) {
                    // Only a backslash and a whole name go, and what they stand for comes.
                    let (kept, gone) = line.split_at(start);
                    let name = gone.strip_prefix('\\').unwrap();
                    prop_assert_eq!(super::symbol(name), Some(symbol));
                    line = format!("{kept}{symbol}");
                }
                line.push(key);
            }
            if !keys.contains('\\') {
                prop_assert_eq!(line, keys);
            }
        }
    }
}
