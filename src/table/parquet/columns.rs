//! The columns of a batch of rows, in Arrow's layout, as they grow row by row.

use std::mem;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder as _, BooleanBuilder, Float64Builder, Int64Builder, StringBuilder, UInt64Builder,
};
use arrow_array::{ArrayRef, ListArray, RecordBatch, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBuffer, ScalarBuffer};
use arrow_schema::{
    ArrowError, DataType as ArrowType, Field as ArrowField, FieldRef, Fields, SchemaRef,
};

use crate::table::row::RowError;
use crate::table::schema::{DataType, Field, Schema};
use crate::table::walk::{self, Misfit, Sink};

/// The name of the items of a list, which Lean Scout takes over from Parquet's own rules.
const ITEM: &str = "element";

/// What a batch with more than 2^31 bytes of a column's strings, or items of its lists, is refused with.
const TOO_LARGE: Misfit = Misfit("too much for one batch; use a smaller `--batch-rows`");

/// A call that does not go with the type of the column.
const OTHER_TYPE: Misfit = Misfit("the value does not belong to this column");

/// The schema in Arrow's types.
pub(super) fn arrow_schema(schema: &Schema) -> SchemaRef {
    Arc::new(arrow_schema::Schema::new(arrow_fields(&schema.fields)))
}

/// Fields in Arrow's types.
fn arrow_fields(fields: &[Field]) -> Fields {
    let fields = fields.iter().map(|field| {
        let data_type = arrow_type(&field.data_type);
        ArrowField::new(&field.name, data_type, field.nullable)
    });
    fields.collect()
}

/// A type in Arrow's.
fn arrow_type(data_type: &DataType) -> ArrowType {
    match data_type {
        DataType::Bool => ArrowType::Boolean,
        DataType::Nat => ArrowType::UInt64,
        DataType::Int => ArrowType::Int64,
        DataType::Float => ArrowType::Float64,
        DataType::String => ArrowType::Utf8,
        DataType::List(item) => ArrowType::List(Arc::new(arrow_item(item))),
        DataType::Struct(fields) => ArrowType::Struct(arrow_fields(fields)),
    }
}

/// The field of a list's items, which may always be null.
fn arrow_item(item: &DataType) -> ArrowField {
    ArrowField::new(ITEM, arrow_type(item), true)
}

/// The rows of one batch.
pub(super) struct Batch {
    schema: SchemaRef,
    /// A struct of all columns.
    columns: Column,
}

impl Batch {
    /// An empty batch; `arrow` is [`arrow_schema()`] of the same schema.
    pub(super) fn new(schema: &Schema, arrow: &SchemaRef) -> Self {
        Self {
            schema: Arc::clone(arrow),
            columns: Column::of_struct(&schema.fields),
        }
    }

    /// How many rows it has.
    pub(super) fn len(&self) -> usize {
        self.columns.len()
    }

    /// Adds a row. After an error the batch cannot be used any more.
    pub(super) fn push(&mut self, schema: &Schema, line: &str) -> Result<(), RowError> {
        walk::row(&schema.fields, line, &mut self.columns)
    }

    /// Takes all rows out.
    pub(super) fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        match &mut self.columns {
            Column::Struct {
                nulls, children, ..
            } => {
                nulls.finish();
                let arrays = children.iter_mut().map(Column::take);
                let arrays = arrays.collect::<Result<_, _>>()?;
                RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            }
            _ => Err(ArrowError::SchemaError("a table is a struct".to_owned())),
        }
    }
}

/// The values of one column. Each starts without room: there are many columns, and most stay small.
enum Column {
    Bool(BooleanBuilder),
    Nat(UInt64Builder),
    Int(Int64Builder),
    Float(Float64Builder),
    String(StringBuilder),
    List {
        item: FieldRef,
        /// Where each list begins among the items, and where the last one ends.
        offsets: Vec<i32>,
        nulls: NullBufferBuilder,
        items: Box<Self>,
    },
    Struct {
        fields: Fields,
        nulls: NullBufferBuilder,
        children: Vec<Self>,
    },
}

impl Column {
    /// A column without values.
    fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Bool => Self::Bool(BooleanBuilder::with_capacity(0)),
            DataType::Nat => Self::Nat(UInt64Builder::with_capacity(0)),
            DataType::Int => Self::Int(Int64Builder::with_capacity(0)),
            DataType::Float => Self::Float(Float64Builder::with_capacity(0)),
            DataType::String => Self::String(StringBuilder::with_capacity(0, 0)),
            DataType::List(item) => Self::List {
                item: Arc::new(arrow_item(item)),
                offsets: vec![0],
                nulls: NullBufferBuilder::new(0),
                items: Box::new(Self::new(item)),
            },
            DataType::Struct(fields) => Self::of_struct(fields),
        }
    }

    /// A struct column without values.
    fn of_struct(fields: &[Field]) -> Self {
        let children = fields.iter().map(|field| Self::new(&field.data_type));
        Self::Struct {
            fields: arrow_fields(fields),
            nulls: NullBufferBuilder::new(0),
            children: children.collect(),
        }
    }

    /// How many values it has.
    fn len(&self) -> usize {
        match self {
            Self::Bool(builder) => builder.len(),
            Self::Nat(builder) => builder.len(),
            Self::Int(builder) => builder.len(),
            Self::Float(builder) => builder.len(),
            Self::String(builder) => builder.len(),
            Self::List { nulls, .. } | Self::Struct { nulls, .. } => nulls.len(),
        }
    }

    /// Takes all values out.
    fn take(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Nat(builder) => Arc::new(builder.finish()),
            Self::Int(builder) => Arc::new(builder.finish()),
            Self::Float(builder) => Arc::new(builder.finish()),
            Self::String(builder) => Arc::new(builder.finish()),
            Self::List {
                item,
                offsets,
                nulls,
                items,
            } => {
                // The end of the items only grows, which is all that an offset buffer asks for.
                let offsets = ScalarBuffer::from(mem::replace(offsets, vec![0]));
                let offsets = OffsetBuffer::new(offsets);
                let items = items.take()?;
                Arc::new(ListArray::try_new(
                    Arc::clone(item),
                    offsets,
                    items,
                    nulls.finish(),
                )?)
            }
            Self::Struct {
                fields,
                nulls,
                children,
            } => {
                let arrays = children.iter_mut().map(Self::take);
                let arrays = arrays.collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new(
                    fields.clone(),
                    arrays,
                    nulls.finish(),
                )?)
            }
        })
    }
}

impl Sink for Column {
    fn null(&mut self) -> Result<(), Misfit> {
        match self {
            Self::Bool(builder) => builder.append_null(),
            Self::Nat(builder) => builder.append_null(),
            Self::Int(builder) => builder.append_null(),
            Self::Float(builder) => builder.append_null(),
            Self::String(builder) => builder.append_null(),
            Self::List { offsets, nulls, .. } => {
                offsets.push(offsets.last().copied().unwrap_or_default());
                nulls.append_null();
            }
            Self::Struct {
                nulls, children, ..
            } => {
                for child in children {
                    child.null()?;
                }
                nulls.append_null();
            }
        }
        Ok(())
    }

    fn bool(&mut self, value: bool) -> Result<(), Misfit> {
        let Self::Bool(builder) = self else {
            return Err(OTHER_TYPE);
        };
        builder.append_value(value);
        Ok(())
    }

    fn nat(&mut self, value: u64) -> Result<(), Misfit> {
        let Self::Nat(builder) = self else {
            return Err(OTHER_TYPE);
        };
        builder.append_value(value);
        Ok(())
    }

    fn int(&mut self, value: i64) -> Result<(), Misfit> {
        let Self::Int(builder) = self else {
            return Err(OTHER_TYPE);
        };
        builder.append_value(value);
        Ok(())
    }

    fn float(&mut self, value: f64) -> Result<(), Misfit> {
        let Self::Float(builder) = self else {
            return Err(OTHER_TYPE);
        };
        builder.append_value(value);
        Ok(())
    }

    fn string(&mut self, value: &str) -> Result<(), Misfit> {
        let Self::String(builder) = self else {
            return Err(OTHER_TYPE);
        };
        // The builder would panic.
        let end = builder.values_slice().len().saturating_add(value.len());
        if i32::try_from(end).is_err() {
            return Err(TOO_LARGE);
        }
        builder.append_value(value);
        Ok(())
    }

    fn item(&mut self) -> Result<&mut Self, Misfit> {
        match self {
            Self::List { items, .. } => Ok(items),
            _ => Err(OTHER_TYPE),
        }
    }

    fn end_list(&mut self) -> Result<(), Misfit> {
        let Self::List {
            offsets,
            nulls,
            items,
            ..
        } = self
        else {
            return Err(OTHER_TYPE);
        };
        let Ok(end) = i32::try_from(items.len()) else {
            return Err(TOO_LARGE);
        };
        offsets.push(end);
        nulls.append_non_null();
        Ok(())
    }

    fn child(&mut self, index: usize) -> Result<&mut Self, Misfit> {
        match self {
            Self::Struct { children, .. } => children.get_mut(index).ok_or(OTHER_TYPE),
            _ => Err(OTHER_TYPE),
        }
    }

    fn end_struct(&mut self) -> Result<(), Misfit> {
        let Self::Struct { nulls, .. } = self else {
            return Err(OTHER_TYPE);
        };
        nulls.append_non_null();
        Ok(())
    }
}
