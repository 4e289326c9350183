//! Named values: attributes, options, properties.

use crate::call::Call;
use crate::era::Era;
use crate::failure::Failure;
use crate::memory_of::{items, list, string, text};
use pjrt_sys as sys;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Bool(bool),
}

/// Values as callers get them: an array whose elements are as large as that version has them.
pub(crate) struct Named {
    /// What the array points to.
    _values: Box<[(String, Value)]>,
    array: Box<[u64]>,
    count: usize,
}

impl Named {
    pub(crate) fn new(era: &Era, values: Vec<(&str, Value)>) -> Named {
        let values: Box<[(String, Value)]> = values
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let Some(layout) = era.layout::<sys::PJRT_NamedValue>() else {
            panic!("every version has named values");
        };
        let words = layout.size.div_ceil(8);
        let mut array = vec![0u64; words * values.len()].into_boxed_slice();
        for (place, (name, value)) in array.chunks_exact_mut(words).zip(&values) {
            let raw = raw(name, value, layout.minimum);
            // SAFETY: an element's words hold that version's struct.
            unsafe { layout.write((&raw const raw).cast(), place.as_mut_ptr().cast()) };
        }
        let count = values.len();
        Named {
            _values: values,
            array,
            count,
        }
    }

    /// Start and length, as outputs.
    pub(crate) fn array(&self) -> (*const sys::PJRT_NamedValue, usize) {
        (self.array.as_ptr().cast(), self.count)
    }
}

fn raw(name: &str, value: &Value, size: usize) -> sys::PJRT_NamedValue {
    let mut raw = sys::PJRT_NamedValue::zeroed();
    raw.struct_size = size;
    (raw.name, raw.name_size) = text(name.as_bytes());
    raw.value_size = 1;
    let slot = &mut raw.__bindgen_anon_1;
    raw.type_ = match value {
        Value::Text(value) => {
            (slot.string_value, raw.value_size) = text(value.as_bytes());
            sys::PJRT_NamedValue_kString
        }
        Value::Int(value) => {
            slot.int64_value = *value;
            sys::PJRT_NamedValue_kInt64
        }
        Value::Ints(values) => {
            (slot.int64_array_value, raw.value_size) = list(values);
            sys::PJRT_NamedValue_kInt64List
        }
        Value::Float(value) => {
            slot.float_value = *value;
            sys::PJRT_NamedValue_kFloat
        }
        Value::Bool(value) => {
            slot.bool_value = *value;
            sys::PJRT_NamedValue_kBool
        }
    };
    raw
}

impl Call {
    /// Named values of the caller.
    pub(crate) fn named(
        &self,
        start: *const sys::PJRT_NamedValue,
        count: usize,
    ) -> Result<Vec<(String, Value)>, Failure> {
        let mut found = Vec::new();
        for raw in self.read_all(start, count)? {
            self.known("PJRT_NamedValue_Type", raw.type_.0.into())?;
            let name = string(raw.name, raw.name_size)?;
            let slot = raw.__bindgen_anon_1;
            // SAFETY: the type says which member holds.
            let value = unsafe {
                match raw.type_ {
                    sys::PJRT_NamedValue_kString => {
                        Value::Text(string(slot.string_value, raw.value_size)?)
                    }
                    sys::PJRT_NamedValue_kInt64 => Value::Int(slot.int64_value),
                    sys::PJRT_NamedValue_kInt64List => {
                        Value::Ints(items(slot.int64_array_value, raw.value_size).to_vec())
                    }
                    sys::PJRT_NamedValue_kFloat => Value::Float(slot.float_value),
                    _ => Value::Bool(slot.bool_value),
                }
            };
            found.push((name, value));
        }
        Ok(found)
    }
}
