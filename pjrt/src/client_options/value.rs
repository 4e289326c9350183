//! Values of options.

use crate::{NamedValueType, Value};

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClientOptionValue {
    /// Text or bytes.
    String(Vec<u8>),
    /// Whole number.
    Int64(i64),
    /// Whole numbers.
    Int64List(Vec<i64>),
    /// Number.
    Float(f32),
    /// Truth value.
    Bool(bool),
}

impl ClientOptionValue {
    /// The type that plugins know it by.
    pub fn kind(&self) -> NamedValueType {
        match self {
            ClientOptionValue::String(_) => NamedValueType::STRING,
            ClientOptionValue::Int64(_) => NamedValueType::INT64,
            ClientOptionValue::Int64List(_) => NamedValueType::INT64_LIST,
            ClientOptionValue::Float(_) => NamedValueType::FLOAT,
            ClientOptionValue::Bool(_) => NamedValueType::BOOL,
        }
    }

    pub(crate) fn lent(&self) -> Value<'_> {
        match self {
            ClientOptionValue::String(bytes) => Value::String(bytes),
            ClientOptionValue::Int64(number) => Value::Int64(*number),
            ClientOptionValue::Int64List(numbers) => Value::Int64List(numbers),
            ClientOptionValue::Float(number) => Value::Float(*number),
            ClientOptionValue::Bool(truth) => Value::Bool(*truth),
        }
    }
}

impl From<&str> for ClientOptionValue {
    fn from(text: &str) -> Self {
        ClientOptionValue::String(text.as_bytes().to_vec())
    }
}

impl From<String> for ClientOptionValue {
    fn from(text: String) -> Self {
        ClientOptionValue::String(text.into_bytes())
    }
}

impl From<i64> for ClientOptionValue {
    fn from(number: i64) -> Self {
        ClientOptionValue::Int64(number)
    }
}

impl From<Vec<i64>> for ClientOptionValue {
    fn from(numbers: Vec<i64>) -> Self {
        ClientOptionValue::Int64List(numbers)
    }
}

impl From<&[i64]> for ClientOptionValue {
    fn from(numbers: &[i64]) -> Self {
        ClientOptionValue::Int64List(numbers.to_vec())
    }
}

impl From<f32> for ClientOptionValue {
    fn from(number: f32) -> Self {
        ClientOptionValue::Float(number)
    }
}

impl From<bool> for ClientOptionValue {
    fn from(truth: bool) -> Self {
        ClientOptionValue::Bool(truth)
    }
}
