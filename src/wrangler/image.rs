//! References to images, `registry.example/name:tag`, and what wrangler or Cloudflare cannot take of
//! them. Pure: never asks a registry.

use std::fmt;
use std::str::FromStr;

/// The registry that Cloudflare runs for each account.
const CLOUDFLARE: &str = "registry.cloudflare.com";

/// A reference that says its registry and its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageRef {
    /// The whole text.
    text: String,
}

/// Why a text is no reference that can be deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// It holds something that no reference holds.
    #[error("is no reference to an image")]
    Malformed,
    /// Its registry is left out, which means different ones to different programs.
    #[error("does not say its registry")]
    Short,
    /// Its tag is left out.
    #[error("has no tag")]
    Untagged,
    /// The tag `latest`: a new image under it is not noticed, so that the old one goes on running.
    #[error("has the tag `latest`, of which a new image is not noticed")]
    Latest,
}

impl Unfit {
    /// What mends it.
    pub(crate) fn mend(self) -> &'static str {
        match self {
            Self::Malformed | Self::Short => {
                "write the registry too, for example `registry.cloudflare.com/ACCOUNT/leanrepl:v4.27.0`"
            }
            Self::Untagged | Self::Latest => {
                "push the image under a tag that names its release, for example `:v4.27.0`, and write that"
            }
        }
    }
}

impl ImageRef {
    /// The whole text.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is in the registry that Cloudflare runs, to which wrangler has the key.
    pub(crate) fn is_at_cloudflare(&self) -> bool {
        self.text.split('/').next() == Some(CLOUDFLARE)
    }

    /// Reads a reference, or says why it cannot be deployed.
    pub(crate) fn parse(text: &str) -> Result<Self, Unfit> {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "._-/:@".contains(letter);
        if text.is_empty() || !text.chars().all(is_letter) {
            return Err(Unfit::Malformed);
        }
        let (registry, path) = text.split_once('/').ok_or(Unfit::Short)?;
        if !(registry.contains(['.', ':']) || registry == "localhost") {
            return Err(Unfit::Short);
        }
        let (name, digest) = match path.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (path, None),
        };
        let (name, tag) = name.split_once(':').ok_or(Unfit::Untagged)?;
        let is_sound = !name.split('/').any(str::is_empty)
            && !tag.is_empty()
            && !tag.contains(['/', ':'])
            && !registry.starts_with(['.', ':'])
            && digest.is_none_or(|digest| digest.starts_with("sha256:"));
        if !is_sound {
            return Err(Unfit::Malformed);
        }
        if tag == "latest" {
            return Err(Unfit::Latest);
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }
}

impl FromStr for ImageRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|unfit| format!("`{text}` {unfit}; {}", unfit.mend()))
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_reference_says_its_registry_and_its_tag() {
        for text in [
            "registry.cloudflare.com/0123/leanrepl:v4.27.0",
            "ghcr.io/me/lean/repl:4.27.0",
            "localhost:5000/lean:1",
            "ghcr.io/me/lean:1@sha256:abc",
        ] {
            assert_eq!(ImageRef::parse(text).unwrap().as_str(), text);
        }
        assert!(
            ImageRef::parse("registry.cloudflare.com/a/b:1")
                .unwrap()
                .is_at_cloudflare()
        );
        assert!(
            !ImageRef::parse("registry.cloudflare.com.example/a/b:1")
                .unwrap()
                .is_at_cloudflare()
        );
    }

    #[test]
    fn what_cannot_be_deployed_says_why() {
        for (text, unfit) in [
            ("lean:1", Unfit::Short),
            ("me/lean:1", Unfit::Short),
            ("ghcr.io/me/lean", Unfit::Untagged),
            ("localhost:5000/lean", Unfit::Untagged),
            ("ghcr.io/me/lean:latest", Unfit::Latest),
            ("ghcr.io/me/lean@sha256:abc", Unfit::Untagged),
            ("ghcr.io/me/lean:1@x", Unfit::Malformed),
            ("ghcr.io//lean:1", Unfit::Malformed),
            ("ghcr.io/me/lean:", Unfit::Malformed),
            ("ghcr.io/me/le an:1", Unfit::Malformed),
            ("", Unfit::Malformed),
        ] {
            assert_eq!(ImageRef::parse(text), Err(unfit), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z.:/@]*|.*") {
            if let Ok(image) = ImageRef::parse(&text) {
                prop_assert_eq!(image.to_string(), text);
            }
        }
    }
}
