//! Whole numbers as JSON clients write them. Never takes a sign or a fraction.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use serde_json::Number;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

/// The largest number that is taken: more than there will ever be environments or seconds, and small
/// enough that one with an empty fraction is read without loss.
pub(crate) const LARGEST: u64 = 1_000_000_000_000;

/// A whole number that may be written with an empty fraction, such as `3.0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Natural(pub(crate) u64);

/// The number, if it is whole and not too large.
fn natural(number: &Number) -> Option<u64> {
    let whole = number.as_u64().or_else(|| {
        let text = format!(
            "{:.0}",
            number.as_f64().filter(|value| value.fract() == 0.0)?
        );
        text.parse().ok()
    });
    whole.filter(|whole| *whole <= LARGEST)
}

impl<'de> Deserialize<'de> for Natural {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Number::deserialize(deserializer)?;
        let whole = natural(&number).ok_or_else(|| {
            D::Error::custom(format!(
                "expected a whole number up to {LARGEST}, found {number}"
            ))
        })?;
        Ok(Self(whole))
    }
}

impl PartialSchema for Natural {
    fn schema() -> RefOr<Schema> {
        let whole = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(0))
            .maximum(Some(LARGEST));
        RefOr::T(Schema::Object(whole.build()))
    }
}

impl ToSchema for Natural {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_taken_however_they_are_written() {
        let natural = |value| serde_json::from_value::<Natural>(value).map(|it| it.0).ok();
        assert_eq!(natural(json!(3)), Some(3));
        assert_eq!(natural(json!(3.0)), Some(3));
        let written = format!("{}.0", LARGEST - 1);
        let read: Natural = serde_json::from_str(&written).unwrap();
        assert_eq!(read.0, LARGEST - 1);
        assert_eq!(natural(json!(LARGEST)), Some(LARGEST));
        for wrong in [
            json!(-1),
            json!(1.5),
            json!(LARGEST + 1),
            json!(1e300),
            json!("3"),
            json!(null),
        ] {
            assert_eq!(natural(wrong.clone()), None, "{wrong}");
        }
    }
}
