//! The sources of a request: one, or a list. Decides by shape what is meant and says what was
//! expected. A field that is given twice is an error: nothing says which of the two is meant.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type,
};
use utoipa::{PartialSchema, ToSchema};

/// One source of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SourceItem {
    pub(crate) id: Option<String>,
    pub(crate) source: String,
}

/// All sources of a request, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sources(pub(crate) Vec<SourceItem>);

/// What is expected of an element of the list.
const ELEMENT: &str = "a source, or an object with `source` and perhaps `id`";

impl<'de> Deserialize<'de> for Sources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourcesVisitor).map(Self)
    }
}

/// Reads one source or a list.
struct SourcesVisitor;

impl<'de> Visitor<'de> for SourcesVisitor {
    type Value = Vec<SourceItem>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a source in `sources`, or a list whose elements are {ELEMENT}"
        )
    }

    fn visit_str<E: Error>(self, source: &str) -> Result<Self::Value, E> {
        self.visit_string(source.to_owned())
    }

    fn visit_string<E: Error>(self, source: String) -> Result<Self::Value, E> {
        Ok(vec![SourceItem { id: None, source }])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        if items.is_empty() {
            return Err(A::Error::custom("`sources` must have at least one element"));
        }
        Ok(items)
    }
}

impl<'de> Deserialize<'de> for SourceItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ItemVisitor)
    }
}

/// Reads one element of the list.
struct ItemVisitor;

impl<'de> Visitor<'de> for ItemVisitor {
    type Value = SourceItem;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{ELEMENT} in `sources`")
    }

    fn visit_str<E: Error>(self, source: &str) -> Result<SourceItem, E> {
        self.visit_string(source.to_owned())
    }

    fn visit_string<E: Error>(self, source: String) -> Result<SourceItem, E> {
        Ok(SourceItem { id: None, source })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<SourceItem, A::Error> {
        let mut id = None;
        let mut source = None;
        while let Some(name) = object.next_key::<String>()? {
            let (field, given) = match name.as_str() {
                "id" => (&mut id, "`id` is given twice"),
                "source" | "text" => (
                    &mut source,
                    "`source` is given twice (`text` is another name for it)",
                ),
                _ => return Err(A::Error::unknown_field(&name, &["source", "id"])),
            };
            if field.is_some() {
                return Err(A::Error::custom(given));
            }
            *field = Some(object.next_value::<String>()?);
        }
        let source = source.ok_or_else(|| A::Error::missing_field("source"))?;
        Ok(SourceItem { id, source })
    }
}

impl PartialSchema for Sources {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let object = ObjectBuilder::new()
            .property("id", text())
            .property("source", text())
            .required("source")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)))
            .description(Some("`text` is another name for `source`."));
        let item = OneOfBuilder::new().item(text()).item(object);
        let list = ArrayBuilder::new().items(item).min_items(Some(1));
        RefOr::T(Schema::from(
            OneOfBuilder::new().item(text()).item(list).build(),
        ))
    }
}

impl ToSchema for Sources {}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources in JSON, or what is wrong with it.
    fn read(json: &str) -> Result<Vec<SourceItem>, String> {
        let sources = serde_json::from_str::<Sources>(json);
        sources
            .map(|sources| sources.0)
            .map_err(|err| err.to_string())
    }

    #[test]
    fn one_source_and_a_list_of_both_kinds_are_taken() {
        let item = |id: Option<&str>, source: &str| SourceItem {
            id: id.map(str::to_owned),
            source: source.to_owned(),
        };
        assert_eq!(read(r#""a\n""#), Ok(vec![item(None, "a\n")]));
        assert_eq!(
            read(r#"["a", {"id": "x", "source": "b"}, {"text": "", "id": "y"}]"#),
            Ok(vec![
                item(None, "a"),
                item(Some("x"), "b"),
                item(Some("y"), "")
            ])
        );
    }

    #[test]
    fn another_shape_is_refused_with_the_name_of_what_is_wrong() {
        for (json, complaint) in [
            ("[]", "at least one"),
            ("null", "a source in `sources`"),
            ("[1]", "a source, or an object with `source`"),
            (r#"{"source": "a"}"#, "a source in `sources`"),
            (r#"[{"id": 1, "source": "a"}]"#, "expected a string"),
            (r#"[{"source": null}]"#, "expected a string"),
            (r#"[{"source": "a", "sourec": "b"}]"#, "`sourec`"),
            (r#"[{"id": "a"}]"#, "`source`"),
        ] {
            let why = read(json).unwrap_err();
            assert!(why.contains(complaint), "{json}: {why}");
        }
    }

    #[test]
    fn a_field_that_is_given_twice_is_refused_by_any_of_its_names() {
        for (json, name) in [
            (r#"[{"source": "a", "source": "b"}]"#, "`source`"),
            (r#"[{"text": "a", "text": "b"}]"#, "`source`"),
            (r#"["c", {"text": "a", "source": "b"}]"#, "`source`"),
            (r#"[{"source": "a", "text": "a"}]"#, "`source`"),
            (r#"[{"id": "a", "source": "b", "id": "a"}]"#, "`id`"),
        ] {
            let why = read(json).unwrap_err();
            assert!(
                why.contains(name) && why.contains("given twice"),
                "{json}: {why}"
            );
        }
    }
}
