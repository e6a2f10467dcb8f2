//! References to images, `registry.example/name:tag`, and what wrangler or Cloudflare cannot take of
//! them. Pure: never asks a registry.

use std::fmt;
use std::str::FromStr;

use crate::reference::{Flaw, Reference};

/// The registry that Cloudflare runs for each account.
const CLOUDFLARE: &str = "registry.cloudflare.com";

/// Stands in examples for the id of an account, and in a folder for one that is not known yet.
const PLACEHOLDER: &str = "ACCOUNT";

/// A reference that says its registry and its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageRef {
    text: String,
}

/// Why a text is no reference that can be deployed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// It holds something that no reference holds.
    #[error("is no reference to an image")]
    Malformed,
    /// Its path has capitals.
    #[error("has capital letters in its path, which Docker does not take")]
    Capitals,
    /// It names no account yet.
    #[error("holds `ACCOUNT`, which only stands for the id of your account")]
    Unsettled,
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
    /// What to do about it.
    pub(crate) fn hint(self) -> &'static str {
        match self {
            Self::Malformed | Self::Short => {
                "write the registry too, for example `registry.cloudflare.com/ACCOUNT/leanrepl:v4.27.0`"
            }
            Self::Capitals => "write it in small letters, and push the image under that name",
            Self::Unsettled => {
                "write the id that `npx wrangler whoami` shows, and push the image under that name"
            }
            Self::Untagged | Self::Latest => {
                "push the image under a tag that names its release, for example `:v4.27.0`, and write that"
            }
        }
    }
}

impl ImageRef {
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is in the registry that Cloudflare runs, to which wrangler has the key.
    pub(crate) fn is_at_cloudflare(&self) -> bool {
        self.text.split('/').next() == Some(CLOUDFLARE)
    }

    /// Reads a reference in which `ACCOUNT` stands for nothing any more, or says why it cannot be
    /// deployed.
    pub(crate) fn settled(text: &str) -> Result<Self, Unfit> {
        let read = Self::parse(text)?;
        if text.split('/').any(|part| part == PLACEHOLDER) {
            return Err(Unfit::Unsettled);
        }
        Ok(read)
    }

    /// Reads a reference, in which `ACCOUNT` may stand for an account that is not known yet, or says
    /// why it cannot be deployed.
    pub(crate) fn parse(text: &str) -> Result<Self, Unfit> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        let parts = name.split('/').map(|part| match part {
            PLACEHOLDER => "account",
            part => part,
        });
        let name = parts.collect::<Vec<_>>().join("/");
        let reference = Reference::parse(&name).map_err(|flaw| match flaw {
            Flaw::Capitals => Unfit::Capitals,
            Flaw::Path | Flaw::Registry | Flaw::Tag => Unfit::Malformed,
        })?;
        if digest.is_some_and(|digest| !digest.starts_with("sha256:")) {
            return Err(Unfit::Malformed);
        }
        if reference.registry.is_none() {
            return Err(Unfit::Short);
        }
        match reference.tag {
            None => return Err(Unfit::Untagged),
            Some("latest") => return Err(Unfit::Latest),
            Some(_) => {}
        }
        Ok(Self {
            text: text.to_owned(),
        })
    }
}

impl FromStr for ImageRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text).map_err(|unfit| format!("`{text}` {unfit}; {}", unfit.hint()))
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
    fn an_account_that_is_not_known_yet_is_told_apart() {
        let text = "registry.cloudflare.com/ACCOUNT/lean:1";
        assert_eq!(ImageRef::parse(text).unwrap().as_str(), text);
        assert_eq!(ImageRef::settled(text), Err(Unfit::Unsettled));
        let text = "registry.cloudflare.com/account/lean:1";
        assert_eq!(ImageRef::settled(text).unwrap().as_str(), text);
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
            ("ghcr.io/Me/lean:1", Unfit::Capitals),
            ("registry.cloudflare.com/0123/ACCOUNT:1", Unfit::Capitals),
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
