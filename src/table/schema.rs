//! The schema of a table, in the JSON that Lean Scout writes for its extractors:
//! `{"fields": [{"name": …, "type": {"datatype": …}, "nullable": …}]}`, where a list has an `item` and a
//! struct has `children`. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::{Map, Value};

/// The most lists and structs inside each other. With it, nothing that follows a schema can use up the stack.
pub const MAX_DEPTH: usize = 32;

/// The most fields of a table or of one struct.
pub const MAX_FIELDS: usize = 128;

/// What the columns of a table are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    /// The columns in their order; at least one.
    pub fields: Vec<Field>,
}

/// A column, or a part of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its name, as the key in a row.
    pub name: String,
    /// What its values are.
    pub data_type: DataType,
    /// Whether a value may be `null` or missing.
    pub nullable: bool,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataType {
    /// `true` or `false`.
    Bool,
    /// An integer from 0 to 2^64 - 1.
    Nat,
    /// An integer of 64 bits with a sign.
    Int,
    /// A number of double precision.
    Float,
    /// A string.
    String,
    /// Any number of items, each of which may be `null`.
    List(Box<Self>),
    /// Named parts; at least one.
    Struct(Vec<Field>),
}

/// What is wrong with the JSON of a schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct SchemaError {
    /// The place in the JSON, for example `fields[2].type.item`; `schema` for the whole.
    pub path: String,
    /// What is wrong there: lower-case, no full stop.
    pub problem: String,
}

impl Schema {
    /// Reads a schema. Strict: what is unknown, missing or there twice is an error.
    ///
    /// # Errors
    /// The first part that is wrong, with its place.
    pub fn from_json(json: &Value) -> Result<Self, SchemaError> {
        let path = Path(String::new());
        let object = path.object(json, &["fields"])?;
        let fields = path.fields(object, "fields", MAX_DEPTH)?;
        Ok(Self { fields })
    }

    /// The schema as JSON of several lines, with the keys in Lean Scout's order.
    pub fn to_json(&self) -> String {
        // Strings, lists and keys that are strings can always be written.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }

    /// The column of a name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A place in the JSON of a schema, empty at its root.
struct Path(String);

impl Path {
    /// The place of a key in the object here.
    fn key(&self, key: &str) -> Self {
        match self.0.as_str() {
            "" => Self(key.to_owned()),
            path => Self(format!("{path}.{key}")),
        }
    }

    /// An error at this place.
    fn wrong(&self, problem: impl Into<String>) -> SchemaError {
        let path = match self.0.as_str() {
            "" => "schema",
            path => path,
        };
        SchemaError {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    /// The object here, which has all the keys and no others.
    fn object<'a>(
        &self,
        json: &'a Value,
        keys: &[&str],
    ) -> Result<&'a Map<String, Value>, SchemaError> {
        let object = json
            .as_object()
            .ok_or_else(|| self.wrong(format!("expected an object, found {}", kind(json))))?;
        if let Some(missing) = keys.iter().find(|key| !object.contains_key(**key)) {
            return Err(self.wrong(format!("`{missing}` is missing")));
        }
        match object.keys().find(|key| !keys.contains(&key.as_str())) {
            Some(unknown) => Err(self.wrong(format!("unknown key `{}`", unknown.escape_debug()))),
            None => Ok(object),
        }
    }

    /// The string that is the value of a key.
    fn string(&self, object: &Map<String, Value>, key: &str) -> Result<String, SchemaError> {
        let value = object.get(key).unwrap_or(&Value::Null);
        let string = value.as_str().map(str::to_owned);
        string.ok_or_else(|| {
            let path = self.key(key);
            path.wrong(format!("expected a string, found {}", kind(value)))
        })
    }

    /// The fields that are the value of a key; `depth` more lists and structs may be inside each other.
    fn fields(
        &self,
        object: &Map<String, Value>,
        key: &str,
        depth: usize,
    ) -> Result<Vec<Field>, SchemaError> {
        let path = self.key(key);
        let value = object.get(key).unwrap_or(&Value::Null);
        let items = value
            .as_array()
            .ok_or_else(|| path.wrong(format!("expected an array, found {}", kind(value))))?;
        match items.len() {
            0 => return Err(path.wrong("there must be at least one field")),
            1..=MAX_FIELDS => {}
            count => {
                return Err(path.wrong(format!("{count} fields, of at most {MAX_FIELDS}")));
            }
        }
        let mut names = BTreeSet::new();
        let mut fields = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let path = Self(format!("{}[{index}]", path.0));
            let field = path.field(item, depth)?;
            if !names.insert(field.name.clone()) {
                let name = field.name.escape_debug();
                return Err(path
                    .key("name")
                    .wrong(format!("there are two fields named `{name}`")));
            }
            fields.push(field);
        }
        Ok(fields)
    }

    /// The field that the object here describes.
    fn field(&self, json: &Value, depth: usize) -> Result<Field, SchemaError> {
        let object = self.object(json, &["name", "type", "nullable"])?;
        let name = self.string(object, "name")?;
        if name.is_empty() {
            return Err(self.key("name").wrong("the name of a field is empty"));
        }
        let nullable = object.get("nullable").unwrap_or(&Value::Null);
        let nullable = nullable.as_bool().ok_or_else(|| {
            let path = self.key("nullable");
            path.wrong(format!("expected a boolean, found {}", kind(nullable)))
        })?;
        let json = object.get("type").unwrap_or(&Value::Null);
        Ok(Field {
            name,
            data_type: self.key("type").data_type(json, depth)?,
            nullable,
        })
    }

    /// The type that the object here describes.
    fn data_type(&self, json: &Value, depth: usize) -> Result<DataType, SchemaError> {
        let Some(object) = json.as_object() else {
            return Err(self.wrong(format!("expected an object, found {}", kind(json))));
        };
        let name = self.string(object, "datatype")?;
        let more: &[&str] = match name.as_str() {
            "list" => &["datatype", "item"],
            "struct" => &["datatype", "children"],
            _ => &["datatype"],
        };
        let plain = match name.as_str() {
            "bool" => DataType::Bool,
            "nat" => DataType::Nat,
            "int" => DataType::Int,
            "float" => DataType::Float,
            "string" => DataType::String,
            "list" | "struct" => {
                self.object(json, more)?;
                let depth = depth.checked_sub(1).ok_or_else(|| {
                    self.wrong(format!("nested deeper than {MAX_DEPTH} lists and structs"))
                })?;
                return if name == "list" {
                    let item = object.get("item").unwrap_or(&Value::Null);
                    let item = self.key("item").data_type(item, depth)?;
                    Ok(DataType::List(Box::new(item)))
                } else {
                    Ok(DataType::Struct(self.fields(object, "children", depth)?))
                };
            }
            unknown => {
                let unknown = unknown.escape_debug();
                return Err(self.key("datatype").wrong(format!(
                    "unknown datatype `{unknown}`; there are bool, nat, int, float, string, list and struct"
                )));
            }
        };
        self.object(json, more)?;
        Ok(plain)
    }
}

/// What a JSON value is, for messages.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null or nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

impl DataType {
    /// Its name in the JSON of a schema.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Nat => "nat",
            Self::Int => "int",
            Self::Float => "float",
            Self::String => "string",
            Self::List(_) => "list",
            Self::Struct(_) => "struct",
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Schema {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Schema", 1)?;
        object.serialize_field("fields", &self.fields)?;
        object.end()
    }
}

impl Serialize for Field {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Field", 3)?;
        object.serialize_field("name", &self.name)?;
        object.serialize_field("type", &self.data_type)?;
        object.serialize_field("nullable", &self.nullable)?;
        object.end()
    }
}

impl Serialize for DataType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("DataType", 2)?;
        object.serialize_field("datatype", self.name())?;
        match self {
            Self::List(item) => object.serialize_field("item", item)?,
            Self::Struct(children) => object.serialize_field("children", children)?,
            Self::Bool | Self::Nat | Self::Int | Self::Float | Self::String => {}
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// Lean Scout's own schemas.
    const PUBLISHED: [&str; 3] = [
        include_str!("../../tests/extract_golden/types.schema.json"),
        include_str!("../../tests/extract_golden/const_dep.schema.json"),
        include_str!("../../tests/extract_golden/tactics.schema.json"),
    ];

    /// What a schema of this JSON is refused with.
    fn refused(json: &Value) -> String {
        Schema::from_json(json).unwrap_err().to_string()
    }

    /// A schema of one required column `a`.
    fn one(data_type: &Value) -> Value {
        json!({"fields": [{"name": "a", "type": data_type, "nullable": false}]})
    }

    #[test]
    fn a_published_schema_is_read_and_written_back_in_the_same_order() {
        for text in PUBLISHED {
            let schema = Schema::from_json(&serde_json::from_str(text).unwrap()).unwrap();
            let without_indent = |text: &str| text.lines().map(str::trim).collect::<String>();
            assert_eq!(without_indent(&schema.to_json()), without_indent(text));
        }
    }

    #[test]
    fn a_column_is_found_by_its_name() {
        let schema = Schema::from_json(&serde_json::from_str(PUBLISHED[0]).unwrap()).unwrap();
        let doc = schema.field("docString").unwrap();
        assert_eq!((&doc.data_type, doc.nullable), (&DataType::String, true));
        assert_eq!(schema.field("doc"), None);
    }

    #[test]
    fn an_error_names_the_place() {
        let string = json!({"datatype": "string"});
        let field = |name: &str| json!({"name": name, "type": string, "nullable": true});
        let many: Vec<Value> = (0..=MAX_FIELDS).map(|n| field(&n.to_string())).collect();
        for (json, problem) in [
            (json!([]), "schema: expected an object, found an array"),
            (json!({}), "schema: `fields` is missing"),
            (json!({"fields": [], "x": 1}), "schema: unknown key `x`"),
            (
                json!({"fields": {}}),
                "fields: expected an array, found an object",
            ),
            (
                json!({"fields": []}),
                "fields: there must be at least one field",
            ),
            (
                json!({"fields": many}),
                "fields: 129 fields, of at most 128",
            ),
            (
                json!({"fields": [3]}),
                "fields[0]: expected an object, found a number",
            ),
            (
                json!({"fields": [{"name": "a", "type": string}]}),
                "fields[0]: `nullable` is missing",
            ),
            (
                json!({"fields": [{"name": "a", "type": string, "nullable": "no"}]}),
                "fields[0].nullable: expected a boolean, found a string",
            ),
            (
                json!({"fields": [{"name": 1, "type": string, "nullable": true}]}),
                "fields[0].name: expected a string, found a number",
            ),
            (
                json!({"fields": [field("")]}),
                "fields[0].name: the name of a field is empty",
            ),
            (
                json!({"fields": [field("a"), field("b"), field("a")]}),
                "fields[2].name: there are two fields named `a`",
            ),
            (
                one(&json!("string")),
                "fields[0].type: expected an object, found a string",
            ),
            (
                one(&json!({})),
                "fields[0].type.datatype: expected a string, found null or nothing",
            ),
            (
                one(&json!({"datatype": "text"})),
                "fields[0].type.datatype: unknown datatype `text`; there are bool, nat, int, float, string, list and struct",
            ),
            (
                one(&json!({"datatype": "list"})),
                "fields[0].type: `item` is missing",
            ),
            (
                one(&json!({"datatype": "nat", "item": string})),
                "fields[0].type: unknown key `item`",
            ),
            (
                one(&json!({"datatype": "list", "item": {"datatype": "struct", "children": []}})),
                "fields[0].type.item.children: there must be at least one field",
            ),
        ] {
            assert_eq!(refused(&json), problem);
        }
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth| {
            let start = json!({"datatype": "bool"});
            (0..depth).fold(start, |item, _| json!({"datatype": "list", "item": item}))
        };
        assert!(Schema::from_json(&one(&nested(MAX_DEPTH))).is_ok());
        let problem = refused(&one(&nested(MAX_DEPTH + 1)));
        assert!(
            problem.ends_with(".item: nested deeper than 32 lists and structs"),
            "{problem}"
        );
    }

    /// JSON that is often nearly a schema.
    fn noise() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-b]?|list|struct|nat|string".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 4, |inner| {
            let key = "fields|name|type|nullable|datatype|item|children";
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(key, inner, 0..4)
                    .prop_map(|object| Value::Object(object.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_is_a_schema_or_an_error(json in noise()) {
            if let Ok(schema) = Schema::from_json(&json) {
                let written: Value = serde_json::from_str(&schema.to_json()).unwrap();
                prop_assert_eq!(written, json);
            }
        }
    }
}
