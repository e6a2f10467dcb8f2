//! References to images as Docker reads them: `REGISTRY/PATH:TAG`. Pure: never asks a registry, and
//! never says which of them are good for what.

/// Longest name without its tag, in bytes.
const NAME: usize = 255;

/// Longest tag, in bytes.
const TAG: usize = 128;

/// A name of an image, in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference<'a> {
    /// Its registry with the port, if it says one.
    pub(crate) registry: Option<&'a str>,
    pub(crate) path: &'a str,
    pub(crate) tag: Option<&'a str>,
}

/// Why a text is no name of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    /// A path with capitals, which is otherwise good.
    #[error("the path of an image has no capital letters")]
    Capitals,
    /// A path that is none.
    #[error(
        "the path of an image has small letters and digits, with `.`, `_`, `-` and `/` between them"
    )]
    Path,
    /// A registry that is none.
    #[error("a registry is a host, with `:` and a port if need be")]
    Registry,
    /// A tag that is none.
    #[error("a tag has up to 128 letters, digits, `.`, `_` and `-`, and begins with no `.` or `-`")]
    Tag,
}

impl<'a> Reference<'a> {
    /// Reads a name without a digest.
    ///
    /// # Errors
    /// What Docker would not take.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Flaw> {
        let (name, tag) = match text.rsplit_once(':') {
            // A colon before the last slash belongs to a port.
            Some((name, tag)) if !tag.contains('/') => (name, Some(tag)),
            _ => (text, None),
        };
        let (registry, path) = match name.split_once('/') {
            Some((first, path)) if first.contains(['.', ':']) || first == "localhost" => {
                (Some(first), path)
            }
            _ => (None, name),
        };
        if registry.is_some_and(|registry| !is_registry(registry)) {
            return Err(Flaw::Registry);
        }
        if name.len() > NAME || !is_path(&path.to_ascii_lowercase()) {
            return Err(Flaw::Path);
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(Flaw::Tag);
        }
        if path.contains(|letter: char| letter.is_ascii_uppercase()) {
            return Err(Flaw::Capitals);
        }
        Ok(Self {
            registry,
            path,
            tag,
        })
    }
}

/// Whether a text is a host, with a port if need be.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_digits = |port: &str| !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    let is_label = |label: &str| {
        let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(is_inside)
    };
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let is_host = match inner {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(is_label),
    };
    is_host && port.is_none_or(is_digits)
}

/// Whether a text is a path: parts of letters and digits, with one `.`, one or two `_`, or any number
/// of `-` between them.
fn is_path(text: &str) -> bool {
    let is_part = |part: &str| {
        let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let mut between = part.split(is_letter).filter(|piece| !piece.is_empty());
        part.starts_with(is_letter)
            && part.ends_with(is_letter)
            && between
                .all(|piece| matches!(piece, "." | "_" | "__") || piece.chars().all(|c| c == '-'))
    };
    text.split('/').all(is_part)
}

/// Whether a text is a tag.
fn is_tag(text: &str) -> bool {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !text.is_empty()
        && text.len() <= TAG
        && !text.starts_with(['.', '-'])
        && text.chars().all(is_inside)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_falls_into_its_parts() {
        for (text, registry, path, tag) in [
            ("lean", None, "lean", None),
            ("me/lean:V1", None, "me/lean", Some("V1")),
            ("h:5000/lean", Some("h:5000"), "lean", None),
            (
                "Ghcr.io/a/b--c__d.e:_1",
                Some("Ghcr.io"),
                "a/b--c__d.e",
                Some("_1"),
            ),
            ("localhost/lean:1", Some("localhost"), "lean", Some("1")),
            ("[::1]:5000/lean:1", Some("[::1]:5000"), "lean", Some("1")),
        ] {
            let seen = Reference::parse(text);
            assert_eq!(
                seen,
                Ok(Reference {
                    registry,
                    path,
                    tag
                })
            );
        }
    }

    #[test]
    fn what_docker_would_not_take_is_told_apart() {
        let (long, longer) = ("a".repeat(256), format!("a:{}", "b".repeat(129)));
        for (text, flaw) in [
            ("", Flaw::Path),
            ("Bad Tag!", Flaw::Path),
            ("me//lean", Flaw::Path),
            ("-lean", Flaw::Path),
            ("lean_", Flaw::Path),
            ("le..an", Flaw::Path),
            ("le___an", Flaw::Path),
            ("le._an", Flaw::Path),
            ("lean@sha256:00", Flaw::Path),
            ("ghcr.io/", Flaw::Path),
            (&long, Flaw::Path),
            ("Me/lean:1", Flaw::Capitals),
            ("ghcr.io/ACCOUNT/lean:1", Flaw::Capitals),
            ("h:x/lean", Flaw::Registry),
            ("-h.io/lean", Flaw::Registry),
            ("h..io/lean", Flaw::Registry),
            ("[::x]:1/lean", Flaw::Registry),
            ("lean:", Flaw::Tag),
            ("lean:.1", Flaw::Tag),
            ("lean:a b", Flaw::Tag),
            (&longer, Flaw::Tag),
        ] {
            assert_eq!(Reference::parse(text), Err(flaw), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-zA-Z0-9.:/_-]*|.*") {
            if let Ok(seen) = Reference::parse(&text) {
                let registry = seen.registry.map_or_else(String::new, |host| format!("{host}/"));
                let tag = seen.tag.map_or_else(String::new, |tag| format!(":{tag}"));
                prop_assert_eq!(format!("{registry}{}{tag}", seen.path), text);
            }
        }
    }
}
