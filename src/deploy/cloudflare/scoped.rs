//! A value for one container or for all: `8GiB`, `mathlib-4-27-0=8GiB`. Pure.

use std::fmt::Display;
use std::str::FromStr;

use crate::deploy::cloudflare::name::RouteName;

/// A value, and for which container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scoped<T> {
    /// The container; all if absent.
    pub(crate) name: Option<RouteName>,
    pub(crate) value: T,
}

impl<T: FromStr<Err: Display>> FromStr for Scoped<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (Some(name.parse()?), value),
            None => (None, text),
        };
        let value = value.parse().map_err(|err: T::Err| err.to_string())?;
        Ok(Self { name, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_for_all_or_for_one() {
        let all: Scoped<u32> = "3".parse().unwrap();
        assert_eq!((all.name, all.value), (None, 3));
        let one: Scoped<u32> = "lean-4-27-0=5".parse().unwrap();
        assert_eq!(one.name.unwrap().as_str(), "lean-4-27-0");
        for text in ["", "=3", "lean-4-27-0=", "lean=3", "a=b=c"] {
            assert!(text.parse::<Scoped<u32>>().is_err(), "{text}");
        }
    }
}
