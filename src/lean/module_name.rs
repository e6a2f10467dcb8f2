//! Names of modules: as they are written in a header, and the files they stand for. Never looks at
//! the disk.

use std::fmt;
use std::path::PathBuf;

/// The name of a module, such as `Mathlib.Data.Nat.Basic`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleName {
    /// Its parts, `Mathlib` first; never empty.
    parts: Vec<String>,
}

impl ModuleName {
    /// The name of those parts. None if there is no part, or one that no file can be named after:
    /// empty, `.`, `..`, or with a `/` or a NUL in it.
    pub fn new(parts: Vec<String>) -> Option<Self> {
        let is_name = |part: &String| {
            !matches!(part.as_str(), "" | "." | "..") && !part.contains(['/', '\0'])
        };
        (!parts.is_empty() && parts.iter().all(is_name)).then_some(Self { parts })
    }

    /// The name as a header writes it; a dot between `«` and `»` separates nothing. None if it is
    /// no name that a file can have.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = vec![String::new()];
        let mut quoted = false;
        for letter in text.chars() {
            match letter {
                '«' => quoted = true,
                '»' => quoted = false,
                '.' if !quoted => parts.push(String::new()),
                letter => parts.last_mut()?.push(letter),
            }
        }
        Self::new(parts)
    }

    /// Its parts, the first one first.
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The first part, which decides the folder that all modules of a package are looked for in.
    pub fn root(&self) -> &str {
        self.parts.first().map_or("", String::as_str)
    }

    /// The file, without its extension, from that folder on.
    pub fn path(&self) -> PathBuf {
        self.parts.iter().collect()
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            if part.contains('.') {
                write!(f, "{dot}«{part}»")?;
            } else {
                write!(f, "{dot}{part}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_file_below_the_folder_of_its_package() {
        let name = ModuleName::parse("Mathlib.Data.«my.file»").unwrap();
        assert_eq!(name.root(), "Mathlib");
        assert_eq!(name.path(), PathBuf::from("Mathlib/Data/my.file"));
        assert_eq!(name.to_string(), "Mathlib.Data.«my.file»");
    }

    #[test]
    fn a_name_never_leads_out_of_the_folder() {
        for text in [
            "",
            ".",
            "A.",
            ".A",
            "A..B",
            "«..».«..».etc",
            "A.«/etc/passwd»",
            "A\0",
        ] {
            assert_eq!(ModuleName::parse(text), None, "{text}");
        }
        assert_eq!(ModuleName::new(Vec::new()), None);
    }
}
