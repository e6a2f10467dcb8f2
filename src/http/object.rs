//! An object of JSON, and nothing else: serde's derived types take a list of their fields as well, which
//! no client means.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};

/// A value that is written as an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Object<T>(pub(crate) T);

/// Reads the object.
struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(ObjectVisitor(PhantomData))
            .map(Self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A type with one field.
    #[derive(Debug, PartialEq, Eq, Deserialize)]
    struct Named {
        name: String,
    }

    #[test]
    fn a_list_of_fields_is_not_an_object() {
        let read = |json: &str| serde_json::from_str::<Object<Named>>(json);
        assert_eq!(read(r#"{"name": "a"}"#).unwrap().0.name, "a");
        for json in [r#"["a"]"#, "[]", "null", r#"{"name": "a", "name": "b"}"#] {
            assert!(read(json).is_err(), "{json}");
        }
    }
}
