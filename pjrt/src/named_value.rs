//! Attributes: values of several types with names.

use crate::rt::{Api, Place};
use crate::sys;
use crate::{NamedValueType, Result};
use std::fmt;
use std::marker::PhantomData;

/// Attributes that a plugin returned, in its own order.
///
/// The C type is an array of `PJRT_NamedValue`.
#[derive(Clone, Copy)]
pub struct NamedValues<'a> {
    first: *const u8,
    count: usize,
    stride: usize,
    place: Place,
    lifetime: PhantomData<&'a sys::PJRT_NamedValue>,
}

// SAFETY: it is a borrowed view of memory that nobody writes.
unsafe impl Send for NamedValues<'_> {}
// SAFETY: as above.
unsafe impl Sync for NamedValues<'_> {}

/// One attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NamedValue<'a> {
    /// Name.
    pub name: &'a str,
    /// Value.
    pub value: Value<'a>,
}

/// Value of an attribute.
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Text or bytes: plugins put serialised messages here too.
    String(&'a [u8]),
    /// Whole number.
    Int64(i64),
    /// Whole numbers.
    Int64List(&'a [i64]),
    /// Number.
    Float(f32),
    /// Truth value.
    Bool(bool),
    /// A type that this version does not know; its contents cannot be read.
    Unknown(NamedValueType),
}

impl<'a> NamedValues<'a> {
    /// # Safety
    ///
    /// See [`crate::rt::named_values`].
    pub(crate) unsafe fn new(
        api: &Api,
        values: *const sys::PJRT_NamedValue,
        count: usize,
        place: Place,
    ) -> Result<Self> {
        // SAFETY: the caller's promise; this checks what can be checked of pointer and count.
        let checked: &[sys::PJRT_NamedValue] = unsafe { crate::rt::slice(values, count, place) }?;
        let ours = size_of::<sys::PJRT_NamedValue>();
        let mut stride = ours;
        // Only a plugin that is newer than our header can have larger items, and only they say so.
        if let (Some(first), true) = (
            checked.first(),
            count > 1 && api.minor() > sys::PJRT_API_MINOR,
        ) {
            let rounded = first
                .struct_size
                .checked_next_multiple_of(align_of::<sys::PJRT_NamedValue>())
                .filter(|rounded| *rounded <= 4 * ours);
            if let (Some(rounded), true) = (rounded, first.struct_size > ours) {
                stride = rounded;
            } else if first.struct_size > ours {
                return Err(place.invalid("named values of an absurd size"));
            }
        }
        Ok(Self {
            first: values.cast(),
            count,
            stride,
            place,
            lifetime: PhantomData,
        })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// All attributes. One that the plugin wrote wrongly (a name that is not UTF-8, a null
    /// pointer) is an error in its place.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Result<NamedValue<'a>>> + use<'a> {
        let this = *self;
        (0..this.count).map(move |index| this.read(index))
    }

    /// The value of an attribute, if there is one of that name.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.iter()
            .flatten()
            .find(|v| v.name == name)
            .map(|v| v.value)
    }

    fn read(&self, index: usize) -> Result<NamedValue<'a>> {
        // SAFETY: `index` is below the count, and each item starts a stride after the one before.
        let item = unsafe { self.first.add(index * self.stride) }.cast::<sys::PJRT_NamedValue>();
        // SAFETY: the fields of a live item are read one by one; no typed copy is made, for the
        // union may hold a truth value that is neither 0 nor 1.
        let (name, name_size, kind, size, union) = unsafe {
            (
                (&raw const (*item).name).read(),
                (&raw const (*item).name_size).read(),
                (&raw const (*item).type_).read(),
                (&raw const (*item).value_size).read(),
                (&raw const (*item).__bindgen_anon_1).cast::<u8>(),
            )
        };
        // SAFETY: the plugin keeps name and contents as long as the array.
        let name = unsafe { crate::rt::text(name, name_size, self.place) }?;
        let kind = NamedValueType::from_raw(kind);
        // SAFETY: the type says which member of the union is set; all of them start at its start.
        let value = unsafe {
            match kind {
                NamedValueType::STRING => Value::String(crate::rt::slice(
                    union.cast::<*const u8>().read(),
                    size,
                    self.place,
                )?),
                NamedValueType::INT64 => Value::Int64(union.cast::<i64>().read()),
                NamedValueType::INT64_LIST => Value::Int64List(crate::rt::slice(
                    union.cast::<*const i64>().read(),
                    size,
                    self.place,
                )?),
                NamedValueType::FLOAT => Value::Float(union.cast::<f32>().read()),
                NamedValueType::BOOL => Value::Bool(union.read() != 0),
                unknown => Value::Unknown(unknown),
            }
        };
        Ok(NamedValue { name, value })
    }
}

impl<'a> Value<'a> {
    /// The text, if it is UTF-8 text.
    pub fn as_str(self) -> Option<&'a str> {
        match self {
            Value::String(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The number, if it is a whole one.
    pub fn as_i64(self) -> Option<i64> {
        match self {
            Value::Int64(number) => Some(number),
            _ => None,
        }
    }

    /// The numbers, if it is a list.
    pub fn as_i64_list(self) -> Option<&'a [i64]> {
        match self {
            Value::Int64List(numbers) => Some(numbers),
            _ => None,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::String(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => text.fmt(f),
                Err(_) => write!(f, "{} bytes", bytes.len()),
            },
            Value::Int64(number) => number.fmt(f),
            Value::Int64List(numbers) => numbers.fmt(f),
            Value::Float(number) => number.fmt(f),
            Value::Bool(truth) => truth.fmt(f),
            Value::Unknown(kind) => write!(f, "a value of type {kind:?}"),
        }
    }
}

impl fmt::Debug for NamedValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for item in self.iter() {
            match item {
                Ok(item) => map.entry(&item.name, &item.value),
                Err(error) => map.entry(&"?", &error.to_string()),
            };
        }
        map.finish()
    }
}
