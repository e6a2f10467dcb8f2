//! Reads one row along its schema and hands each value to the column that it belongs to. The rules of what
//! fits are here and nowhere else. It recurses as deep as the schema, not as deep as the JSON.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::fault::{Fault, RowError, Step};
use super::schema::{DataType, Field, MAX_FIELDS};

/// How much of an unknown name is shown, in characters.
const SHOWN_NAME: usize = 64;

/// The largest integer up to which a double holds each one.
const LARGEST_EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

/// Takes the values of one column in the order of its rows. A call that does not go with the type of the
/// column is a [`Misfit`].
pub(crate) trait Sink {
    /// A value that is `null` or missing.
    fn null(&mut self) -> Result<(), Misfit>;
    /// A value of a `bool` column.
    fn bool(&mut self, value: bool) -> Result<(), Misfit>;
    /// A value of a `nat` column.
    fn nat(&mut self, value: u64) -> Result<(), Misfit>;
    /// A value of an `int` column.
    fn int(&mut self, value: i64) -> Result<(), Misfit>;
    /// A value of a `float` column.
    fn float(&mut self, value: f64) -> Result<(), Misfit>;
    /// A value of a `string` column.
    fn string(&mut self, value: &str) -> Result<(), Misfit>;
    /// The column of the items of a list.
    fn item(&mut self) -> Result<&mut Self, Misfit>;
    /// The list has all its items.
    fn end_list(&mut self) -> Result<(), Misfit>;
    /// The column of a field of a struct, from 0.
    fn child(&mut self, index: usize) -> Result<&mut Self, Misfit>;
    /// Each field of the struct has its value.
    fn end_struct(&mut self) -> Result<(), Misfit>;
}

/// Why a column does not take a value that fits the schema; lower-case, no full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Misfit(pub(crate) &'static str);

/// Hands the values of a row to `sink`, which stands for a struct of these fields. After an error it may have
/// taken some of them.
pub(crate) fn row(fields: &[Field], line: &str, sink: &mut impl Sink) -> Result<(), RowError> {
    if memchr::memchr(b'\n', line.as_bytes()).is_some() {
        return Err(RowError {
            column: String::new(),
            problem: "the row is not on one line".to_owned(),
        });
    }
    let fault = Fault::default();
    let mut json = serde_json::Deserializer::from_str(line);
    let place = Place {
        shape: Shape::Row(fields),
        is_required: true,
        fault: &fault,
        sink,
    };
    place
        .deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|err| fault.into_error(&err))
}

/// What fits a place.
#[derive(Clone, Copy)]
enum Shape<'a> {
    /// The object that is the whole row.
    Row(&'a [Field]),
    /// A value of a column.
    Value(&'a DataType),
}

/// A place in a row that takes one value.
struct Place<'a, S> {
    shape: Shape<'a>,
    is_required: bool,
    fault: &'a Fault,
    sink: &'a mut S,
}

impl<'de, S: Sink> DeserializeSeed<'de> for Place<'_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<S: Sink> Place<'_, S> {
    /// The error of a value of another type.
    fn unlike<E: Error>(&self, found: fmt::Arguments<'_>) -> E {
        let expected = match self.shape {
            Shape::Row(_) => "an object",
            Shape::Value(data_type) => data_type.name(),
        };
        let problem = format!("expected {expected}, found {found}");
        self.fault.note(problem)
    }

    /// The place of a field in the struct here.
    fn child<'b, E: Error>(
        &'b mut self,
        index: usize,
        field: &'b Field,
    ) -> Result<Place<'b, S>, E> {
        let sink = self.sink.child(index);
        Ok(Place {
            shape: Shape::Value(&field.data_type),
            is_required: !field.nullable,
            fault: self.fault,
            sink: sink.map_err(|misfit| self.fault.note::<E>(misfit.0))?,
        })
    }

    /// Takes that there is no value.
    fn missing<E: Error>(self) -> Result<(), E> {
        if self.is_required {
            return Err(self.fault.note("missing, but required"));
        }
        Self::taken(self.fault, self.sink.null())
    }

    /// The result of handing over a value.
    fn taken<E: Error>(fault: &Fault, result: Result<(), Misfit>) -> Result<(), E> {
        result.map_err(|misfit| fault.note(misfit.0))
    }

    /// Takes an integer as a float.
    fn integer_as_float<E: Error>(self, magnitude: u64, is_negative: bool) -> Result<(), E> {
        let Some(float) = exact_float(magnitude) else {
            let sign = if is_negative { "-" } else { "" };
            let problem = format!("{sign}{magnitude} has no exact float");
            return Err(self.fault.note(problem));
        };
        let float = if is_negative { -float } else { float };
        Self::taken(self.fault, self.sink.float(float))
    }
}

/// The double of the same value as an integer.
fn exact_float(integer: u64) -> Option<f64> {
    let high = u32::try_from(integer >> 32).ok()?;
    let low = u32::try_from(integer & u64::from(u32::MAX)).ok()?;
    let float = f64::from(high) * (f64::from(u32::MAX) + 1.0) + f64::from(low);
    (integer <= LARGEST_EXACT).then_some(float)
}

impl<'de, S: Sink> Visitor<'de> for Place<'_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that fits the schema")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.shape {
            Shape::Value(_) if self.is_required => {
                Err(self.fault.note("null in a required column"))
            }
            Shape::Value(_) => Self::taken(self.fault, self.sink.null()),
            Shape::Row(_) => Err(self.unlike(format_args!("null"))),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.shape {
            Shape::Value(DataType::Bool) => Self::taken(self.fault, self.sink.bool(value)),
            _ => Err(self.unlike(format_args!("{value}"))),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match (self.shape, i64::try_from(value)) {
            (Shape::Value(DataType::Nat), _) => Self::taken(self.fault, self.sink.nat(value)),
            (Shape::Value(DataType::Int), Ok(value)) => {
                Self::taken(self.fault, self.sink.int(value))
            }
            (Shape::Value(DataType::Float), _) => self.integer_as_float(value, false),
            _ => Err(self.unlike(format_args!("{value}"))),
        }
    }

    /// Only for a negative number: serde's reader of JSON gives all others to `visit_u64`.
    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        match self.shape {
            Shape::Value(DataType::Int) => Self::taken(self.fault, self.sink.int(value)),
            Shape::Value(DataType::Float) => self.integer_as_float(value.unsigned_abs(), value < 0),
            _ => Err(self.unlike(format_args!("{value}"))),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.shape {
            Shape::Value(DataType::Float) => Self::taken(self.fault, self.sink.float(value)),
            _ => Err(self.unlike(format_args!("{value:?}"))),
        }
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match self.shape {
            Shape::Value(DataType::String) => Self::taken(self.fault, self.sink.string(value)),
            _ => Err(self.unlike(format_args!("a string"))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Shape::Value(DataType::List(item)) = self.shape else {
            return Err(self.unlike(format_args!("a list")));
        };
        let mut index = 0_usize;
        loop {
            let sink = self.sink.item();
            let place = Place {
                shape: Shape::Value(item),
                is_required: false,
                fault: self.fault,
                sink: sink.map_err(|misfit| self.fault.note::<A::Error>(misfit.0))?,
            };
            let is_end = items.next_element_seed(place);
            match is_end.inspect_err(|_| self.fault.is_in(Step::Index(index)))? {
                Some(()) => index += 1,
                None => return Self::taken(self.fault, self.sink.end_list()),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        let fields = match self.shape {
            Shape::Row(fields) => fields,
            Shape::Value(DataType::Struct(fields)) => fields.as_slice(),
            Shape::Value(_) => return Err(self.unlike(format_args!("an object"))),
        };
        let mut seen = Seen::default();
        let mut next = 0;
        loop {
            let key = Key {
                fields,
                next,
                fault: self.fault,
            };
            let Some((index, field)) = entries.next_key_seed(key)? else {
                break;
            };
            let value = if seen.add(index) {
                let place = self.child(index, field);
                place.and_then(|place| entries.next_value_seed(place))
            } else {
                Err(self.fault.note("given twice"))
            };
            value.inspect_err(|_| self.fault.is_in(Step::Name(field.name.clone())))?;
            next = index + 1;
        }
        for (index, field) in fields.iter().enumerate() {
            if seen.add(index) {
                let missing = self.child(index, field).and_then(Place::missing);
                missing.inspect_err(|_: &A::Error| {
                    self.fault.is_in(Step::Name(field.name.clone()));
                })?;
            }
        }
        Self::taken(self.fault, self.sink.end_struct())
    }
}

/// The fields of an object that have a value, as bits: there are at most [`MAX_FIELDS`].
#[derive(Default)]
struct Seen(u128);

impl Seen {
    /// Whether the field of this number is the first of its number.
    fn add(&mut self, index: usize) -> bool {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        let bit = 1_u128.checked_shl(index).unwrap_or_default();
        let is_new = self.0 & bit == 0;
        self.0 |= bit;
        is_new
    }
}

const _: () = assert!(MAX_FIELDS <= u128::BITS as usize);

/// Finds the field that a key names.
#[derive(Clone, Copy)]
struct Key<'a> {
    fields: &'a [Field],
    /// The one that is looked at first: most rows have their fields in order.
    next: usize,
    fault: &'a Fault,
}

impl<'de, 'a> DeserializeSeed<'de> for Key<'a> {
    type Value = (usize, &'a Field);

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Key<'a> {
    type Value = (usize, &'a Field);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        if let Some(field) = self.fields.get(self.next)
            && field.name == name
        {
            return Ok((self.next, field));
        }
        let mut fields = self.fields.iter().enumerate();
        fields.find(|(_, field)| field.name == name).ok_or_else(|| {
            let mut shown: String = name.chars().take(SHOWN_NAME).collect();
            if shown.len() < name.len() {
                shown.push('…');
            }
            let err = self.fault.note("unknown field");
            self.fault.is_in(Step::Name(shown));
            err
        })
    }
}
