//! Attributes of custom calls, as a program writes them and as handlers read them.

use pjrt_sys::ffi_api as sys;
use std::ffi::c_void;

/// A value: what it is follows from how it is written.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Number(i64),
    Float(f32),
    Numbers(Vec<i64>),
    Text(String),
}

/// An attribute.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Attribute {
    name: String,
    value: Value,
}

impl Attribute {
    /// Reads `NAME=VALUE`: `3`, `0.5`, `1,2` and what is none of these, text.
    pub(crate) fn parse(word: &str) -> Option<Attribute> {
        let (name, value) = word.split_once('=')?;
        let numbers: Option<Vec<i64>> = value.split(',').map(|n| n.parse().ok()).collect();
        let value = match (numbers.as_deref(), value.parse()) {
            (Some([number]), _) => Value::Number(*number),
            (Some(numbers), _) => Value::Numbers(numbers.to_vec()),
            (None, Ok(float)) => Value::Float(float),
            (None, Err(_)) => Value::Text(value.to_owned()),
        };
        let name = name.to_owned();
        Some(Attribute { name, value })
    }
}

fn span(bytes: &str) -> sys::XLA_FFI_ByteSpan {
    sys::XLA_FFI_ByteSpan {
        ptr: bytes.as_ptr().cast(),
        len: bytes.len(),
    }
}

/// What an attribute's entry points to.
enum Form {
    Scalar(Box<sys::XLA_FFI_Scalar>),
    Array(Box<sys::XLA_FFI_Array>),
    Text(Box<sys::XLA_FFI_ByteSpan>),
}

/// Attributes in the form that handlers read, which points into the attributes.
pub(crate) struct Frame {
    types: Vec<sys::XLA_FFI_AttrType>,
    /// What the lists below point to.
    _names: Vec<sys::XLA_FFI_ByteSpan>,
    _forms: Vec<Form>,
    name_list: Vec<*mut sys::XLA_FFI_ByteSpan>,
    value_list: Vec<*mut c_void>,
}

impl Frame {
    pub(crate) fn new(attributes: &[Attribute]) -> Frame {
        let mut names: Vec<_> = attributes.iter().map(|a| span(&a.name)).collect();
        let mut forms: Vec<Form> = attributes.iter().map(|a| form(&a.value)).collect();
        let mut types = Vec::new();
        let mut value_list: Vec<*mut c_void> = Vec::new();
        for form in &mut forms {
            let (kind, at) = match form {
                Form::Scalar(scalar) => (sys::XLA_FFI_AttrType_SCALAR, (&raw mut **scalar).cast()),
                Form::Array(array) => (sys::XLA_FFI_AttrType_ARRAY, (&raw mut **array).cast()),
                Form::Text(text) => (sys::XLA_FFI_AttrType_STRING, (&raw mut **text).cast()),
            };
            types.push(kind);
            value_list.push(at);
        }
        Frame {
            types,
            name_list: names.iter_mut().map(|name| &raw mut *name).collect(),
            _names: names,
            _forms: forms,
            value_list,
        }
    }

    /// Sets the attributes of a call, which last as long as this.
    pub(crate) fn give(&mut self, to: &mut sys::XLA_FFI_Attrs) {
        to.size = i64::try_from(self.types.len()).unwrap_or(0);
        to.types = self.types.as_mut_ptr();
        to.names = self.name_list.as_mut_ptr();
        to.attrs = self.value_list.as_mut_ptr();
    }
}

fn form(value: &Value) -> Form {
    let scalar = |dtype, value: *const c_void| {
        let value = value.cast_mut();
        Form::Scalar(Box::new(sys::XLA_FFI_Scalar { dtype, value }))
    };
    match value {
        Value::Number(n) => scalar(sys::XLA_FFI_DataType_S64, (&raw const *n).cast()),
        Value::Float(x) => scalar(sys::XLA_FFI_DataType_F32, (&raw const *x).cast()),
        Value::Text(text) => Form::Text(Box::new(span(text))),
        Value::Numbers(numbers) => Form::Array(Box::new(sys::XLA_FFI_Array {
            dtype: sys::XLA_FFI_DataType_S64,
            size: numbers.len(),
            data: numbers.as_ptr().cast_mut().cast(),
        })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_what_it_looks_like() {
        let value = |word| Attribute::parse(word).map(|attribute| attribute.value);
        assert_eq!(value("a=-3"), Some(Value::Number(-3)));
        assert_eq!(value("a=0.5"), Some(Value::Float(0.5)));
        assert_eq!(value("a=1,2"), Some(Value::Numbers(vec![1, 2])));
        assert_eq!(value("a=b=c"), Some(Value::Text("b=c".to_owned())));
        assert_eq!(value("a"), None);
    }
}
