//! Takes the fields of a JSON object by key and says where something else was expected. Values
//! are moved, never copied. Never knows which fields there are.

use std::error::Error;
use std::fmt;

use serde_json::{Map, Value};

/// Fields of a newer REPL that this version does not know, kept as they came. Known fields that
/// came as an explicit null or as an empty list are kept here too, since absent is not the same.
pub type Extra = Map<String, Value>;

/// JSON that does not have the shape it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError {
    /// The way from the outermost object, innermost step first.
    steps: Vec<Step>,
    expected: &'static str,
    found: String,
}

/// One step into a JSON value.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// Into a field of an object.
    Field(&'static str),
    /// Into an item of an array.
    Item(usize),
}

impl DecodeError {
    /// `expected` was due where `found` stands.
    pub(crate) fn new(expected: &'static str, found: &Value) -> Self {
        let found = match found {
            Value::Null => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::String(value) => {
                let start: String = value.chars().take(40).collect();
                let mark = if start.len() < value.len() { "…" } else { "" };
                format!("the string {start:?}{mark}")
            }
            Value::Array(_) => "an array".to_owned(),
            Value::Object(object) => {
                let keys: Vec<&str> = object.keys().take(10).map(String::as_str).collect();
                format!("an object with the fields [{}]", keys.join(", "))
            }
        };
        Self::found(expected, found)
    }

    /// `expected` was due where something stands that `found` describes.
    fn found(expected: &'static str, found: String) -> Self {
        Self {
            steps: Vec::new(),
            expected,
            found,
        }
    }

    /// The same error, seen from one step further out.
    fn within(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Where it is, as `messages[3].pos.line`; empty for the outermost value.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            match step {
                Step::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Item(index) => {
                    path.push('[');
                    path.push_str(&index.to_string());
                    path.push(']');
                }
            }
        }
        path
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)?;
        if !self.steps.is_empty() {
            write!(f, " at `{}`", self.path())?;
        }
        write!(f, ", found {}", self.found)
    }
}

impl Error for DecodeError {}

/// Turns a value into what it stands for.
pub(crate) type Decode<T> = fn(Value) -> Result<T, DecodeError>;

/// The fields of an object that were not taken yet.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// The fields of `value`; `expected` names the object for the error text.
    pub(crate) fn of(value: Value, expected: &'static str) -> Result<Self, DecodeError> {
        match value {
            Value::Object(object) => Ok(Self(object)),
            other => Err(DecodeError::new(expected, &other)),
        }
    }

    /// The fields of an object.
    pub(crate) fn new(object: Map<String, Value>) -> Self {
        Self(object)
    }

    /// Whether the field is there and not null.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !value.is_null())
    }

    /// Whether any field has a name like that, even one that holds null.
    pub(crate) fn any_name(&self, is_like: impl Fn(&str) -> bool) -> bool {
        self.0.keys().any(|name| is_like(name))
    }

    /// The error for an object whose fields do not fit together.
    pub(crate) fn contradicts(self, expected: &'static str) -> DecodeError {
        DecodeError::new(expected, &Value::Object(self.0))
    }

    /// Takes a field that must be there.
    pub(crate) fn required<T>(
        &mut self,
        key: &'static str,
        decode: Decode<T>,
    ) -> Result<T, DecodeError> {
        let taken = match self.0.remove(key) {
            Some(value) => decode(value),
            None => Err(DecodeError::found("a value", "nothing".to_owned())),
        };
        taken.map_err(|err| err.within(Step::Field(key)))
    }

    /// Takes a field that may be absent. An explicit null stays behind, so that it ends in the
    /// [`rest`](Self::rest) and is written again.
    pub(crate) fn optional<T>(
        &mut self,
        key: &'static str,
        decode: Decode<T>,
    ) -> Result<Option<T>, DecodeError> {
        if !self.has(key) {
            return Ok(None);
        }
        self.required(key, decode).map(Some)
    }

    /// Takes a list that may be absent. An explicit empty list stays behind like a null.
    pub(crate) fn list<T>(
        &mut self,
        key: &'static str,
        decode: Decode<T>,
    ) -> Result<Vec<T>, DecodeError> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(items)) if items.is_empty() => Ok(Vec::new()),
            Some(_) => self.required_list(key, decode),
        }
    }

    /// Takes a list that must be there.
    pub(crate) fn required_list<T>(
        &mut self,
        key: &'static str,
        decode: Decode<T>,
    ) -> Result<Vec<T>, DecodeError> {
        let value = self.required(key, Ok)?;
        list(value, decode).map_err(|err| err.within(Step::Field(key)))
    }

    /// Leaves what was not understood of a field that was taken.
    pub(crate) fn leave(&mut self, key: &str, rest: Extra) {
        if !rest.is_empty() {
            self.0.insert(key.to_owned(), Value::Object(rest));
        }
    }

    /// What was not taken.
    pub(crate) fn rest(self) -> Extra {
        self.0
    }
}

/// The items of an array.
pub(crate) fn list<T>(value: Value, decode: Decode<T>) -> Result<Vec<T>, DecodeError> {
    let items = match value {
        Value::Array(items) => items,
        other => return Err(DecodeError::new("an array", &other)),
    };
    // A plain loop: adapters would take several frames of stack for each level of an infotree.
    let mut decoded = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        decoded.push(decode(item).map_err(|err| err.within(Step::Item(index)))?);
    }
    Ok(decoded)
}

pub(crate) fn string(value: Value) -> Result<String, DecodeError> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(DecodeError::new("a string", &other)),
    }
}

/// A natural number.
#[expect(
    clippy::needless_pass_by_value,
    reason = "has the shape of every decoder"
)]
pub(crate) fn natural(value: Value) -> Result<u64, DecodeError> {
    match value.as_u64() {
        Some(number) => Ok(number),
        None => Err(DecodeError::new("a natural number", &value)),
    }
}

/// A boolean.
#[expect(
    clippy::needless_pass_by_value,
    reason = "has the shape of every decoder"
)]
pub(crate) fn boolean(value: Value) -> Result<bool, DecodeError> {
    match value.as_bool() {
        Some(flag) => Ok(flag),
        None => Err(DecodeError::new("true or false", &value)),
    }
}

/// Puts fields into an object that already has the unknown ones.
pub(crate) struct Object(Extra);

impl Object {
    /// An object with the fields that were not understood.
    pub(crate) fn with(extra: Extra) -> Self {
        Self(extra)
    }

    pub(crate) fn put(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a field if it is there.
    pub(crate) fn put_some<T: Into<Value>>(self, key: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    /// Adds a list if it has items.
    pub(crate) fn put_list<T>(self, key: &str, items: Vec<T>, encode: fn(T) -> Value) -> Self {
        if items.is_empty() {
            return self;
        }
        let items: Vec<Value> = items.into_iter().map(encode).collect();
        self.put(key, items)
    }

    /// Takes back what was not understood of a field.
    pub(crate) fn take(&mut self, key: &str) -> Extra {
        match self.0.remove(key) {
            Some(Value::Object(rest)) => rest,
            _ => Extra::new(),
        }
    }

    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }
}
