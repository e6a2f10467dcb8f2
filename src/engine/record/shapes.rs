//! Lists of what Lean reports, written and read in the REPL's shape.

use serde::de::{Deserialize, Deserializer, Error};
use serde::ser::Serializer;
use serde_json::Value;

use crate::lean::message::{DecodeError, Message, Sorry, Tactic};

/// Something that the REPL writes as a JSON object.
pub(super) trait ReplObject: Clone {
    /// As the REPL writes it.
    fn to_value(&self) -> Value;
    fn read(value: Value) -> Result<Self, DecodeError>;
}

/// For types that have both ways already.
macro_rules! repl_object {
    ($($name:ty),*) => {$(
        impl ReplObject for $name {
            fn to_value(&self) -> Value {
                self.clone().into_value()
            }
            fn read(value: Value) -> Result<Self, DecodeError> {
                Self::from_value(value)
            }
        }
    )*};
}

repl_object!(Message, Sorry, Tactic);

pub(super) fn serialize<T: ReplObject, S: Serializer>(
    list: &[T],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(list.iter().map(ReplObject::to_value))
}

pub(super) fn deserialize<'de, T: ReplObject, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let values = Vec::<Value>::deserialize(deserializer)?;
    let read = |value| T::read(value).map_err(D::Error::custom);
    values.into_iter().map(read).collect()
}
