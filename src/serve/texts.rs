//! The texts of a request: one, or a list. Decides by shape what is meant and says what was
//! expected.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, OneOfBuilder, Schema, Type,
};
use utoipa::{PartialSchema, ToSchema};

/// One text of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Item {
    /// The client's name for it.
    pub(crate) id: Option<String>,
    /// The text.
    pub(crate) text: String,
}

/// All texts of a request, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts(pub(crate) Vec<Item>);

/// What is expected.
const SHAPE: &str = "a text, or a list of texts or of objects with `text` and perhaps `id`";

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let items = match Value::deserialize(deserializer)? {
            Value::String(text) => vec![Item { id: None, text }],
            Value::Array(items) if !items.is_empty() => items
                .into_iter()
                .map(item)
                .collect::<Option<_>>()
                .ok_or_else(unfit)?,
            _ => return Err(unfit()),
        };
        Ok(Self(items))
    }
}

/// The error for anything else.
fn unfit<E: Error>() -> E {
    E::custom(format!("`texts` must be {SHAPE}"))
}

/// One item of the list.
fn item(value: Value) -> Option<Item> {
    let mut object: Map<String, Value> = match value {
        Value::String(text) => return Some(Item { id: None, text }),
        Value::Object(object) => object,
        _ => return None,
    };
    let id = match object.remove("id") {
        None => None,
        Some(Value::String(id)) => Some(id),
        Some(_) => return None,
    };
    match object.remove("text") {
        Some(Value::String(text)) if object.is_empty() => Some(Item { id, text }),
        _ => None,
    }
}

impl PartialSchema for Texts {
    fn schema() -> RefOr<Schema> {
        let text = || ObjectBuilder::new().schema_type(Type::String);
        let object = ObjectBuilder::new()
            .property("id", text())
            .property("text", text())
            .required("text")
            .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
        let item = OneOfBuilder::new().item(text()).item(object);
        let list = ArrayBuilder::new().items(item).min_items(Some(1));
        RefOr::T(Schema::from(
            OneOfBuilder::new().item(text()).item(list).build(),
        ))
    }
}

impl ToSchema for Texts {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_text_and_a_list_of_both_kinds_are_taken() {
        let item = |id: Option<&str>, text: &str| Item {
            id: id.map(str::to_owned),
            text: text.to_owned(),
        };
        let texts = |value| {
            serde_json::from_value::<Texts>(value)
                .map(|texts| texts.0)
                .ok()
        };
        assert_eq!(texts(json!("a")), Some(vec![item(None, "a")]));
        assert_eq!(
            texts(json!(["a", {"id": "x", "text": "b"}, {"text": ""}])),
            Some(vec![item(None, "a"), item(Some("x"), "b"), item(None, "")])
        );
        for wrong in [
            json!([]),
            json!(null),
            json!([1]),
            json!({"text": "a"}),
            json!([{"id": 1, "text": "a"}]),
            json!([{"text": "a", "txet": "b"}]),
            json!([{"id": "a"}]),
        ] {
            assert_eq!(texts(wrong.clone()), None, "{wrong}");
        }
    }
}
