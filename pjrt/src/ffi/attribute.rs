//! Attributes: the constants that a module gives a custom call in its `backend_config`.

use super::array::slice;
use super::{DataType, Error};
use crate::sys::ffi_api as c;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// The attributes of a call, or a dictionary among them.
#[derive(Clone, Copy)]
pub struct Attributes<'a> {
    kinds: &'a [c::XLA_FFI_AttrType],
    names: &'a [*mut c::XLA_FFI_ByteSpan],
    values: &'a [*mut c_void],
}

/// What an attribute holds.
#[derive(Clone, Copy)]
enum Held<'a> {
    Scalar(DataType, Bits<'a>),
    Array(DataType, Bits<'a>, usize),
    Text(&'a [u8]),
    Dictionary(Attributes<'a>),
    Unknown(u32),
}

/// The memory of a scalar or array.
#[derive(Clone, Copy)]
struct Bits<'a>(*const c_void, PhantomData<&'a ()>);

impl fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Held::Scalar(data_type, _) => write!(f, "a scalar of {}", data_type.spelt()),
            Held::Array(data_type, _, size) => {
                write!(f, "an array of {size} {}", data_type.spelt())
            }
            Held::Text(_) => f.write_str("a string"),
            Held::Dictionary(_) => f.write_str("a dictionary"),
            Held::Unknown(kind) => write!(f, "of the unknown kind {kind}"),
        }
    }
}

/// A type that an attribute can be read as: integers, floats and `bool` for scalars of exactly that
/// type, slices of numbers for arrays, `&str` for strings, [`Attributes`] for dictionaries.
///
/// What MLIR writes as `3 : i32` is an `i32`, `3 : ui32` an `u32`, `true` a `bool`,
/// `array<i64: 1, 2>` a `&[i64]`.
#[diagnostic::on_unimplemented(
    message = "an attribute cannot be read as `{Self}`",
    note = "it can be read as a number, `bool`, `&str`, `String`, `&[number]` or `Attributes`"
)]
pub trait Attribute<'a>: read::Read<'a> {}

mod read {
    /// Reading; sealed with its trait.
    pub trait Read<'a>: Sized {
        /// What errors call it.
        const WHAT: &'static str;
        /// The value, if the attribute holds one of this type.
        fn read(held: super::Value<'a>) -> Option<Self>;
    }
}
use read::Read;

/// An attribute's value, as [`Read`] gets it.
#[derive(Clone, Copy)]
#[doc(hidden)]
pub struct Value<'a>(Held<'a>);

macro_rules! numbers {
    ($($rust:ty => $constant:ident, $scalar:literal, $array:literal;)*) => {
        $(
            impl<'a> Attribute<'a> for $rust {}
            impl<'a> Read<'a> for $rust {
                const WHAT: &'static str = $scalar;
                fn read(value: Value<'a>) -> Option<Self> {
                    match value.0 {
                        Held::Scalar(DataType::$constant, Bits(at, _)) => {
                            let at: *const $rust = at.cast();
                            // SAFETY: XLA keeps a value of this type there through `'a`; null and
                            // misaligned addresses are refused.
                            (!at.is_null() && at.is_aligned()).then(|| unsafe { at.read() })
                        }
                        _ => None,
                    }
                }
            }
            impl<'a> Attribute<'a> for &'a [$rust] {}
            impl<'a> Read<'a> for &'a [$rust] {
                const WHAT: &'static str = $array;
                fn read(value: Value<'a>) -> Option<Self> {
                    match value.0 {
                        // SAFETY: XLA keeps so many values of this type there through `'a`.
                        Held::Array(DataType::$constant, Bits(at, _), size) => unsafe {
                            slice(at.cast(), size)
                        },
                        _ => None,
                    }
                }
            }
        )*
    };
}

numbers! {
    i8 => S8, "a scalar of s8", "an array of s8";
    i16 => S16, "a scalar of s16", "an array of s16";
    i32 => S32, "a scalar of s32", "an array of s32";
    i64 => S64, "a scalar of s64", "an array of s64";
    u8 => U8, "a scalar of u8", "an array of u8";
    u16 => U16, "a scalar of u16", "an array of u16";
    u32 => U32, "a scalar of u32", "an array of u32";
    u64 => U64, "a scalar of u64", "an array of u64";
    f32 => F32, "a scalar of f32", "an array of f32";
    f64 => F64, "a scalar of f64", "an array of f64";
}

impl<'a> Attribute<'a> for bool {}
impl<'a> Read<'a> for bool {
    const WHAT: &'static str = "a scalar of pred";
    fn read(value: Value<'a>) -> Option<Self> {
        match value.0 {
            Held::Scalar(DataType::PRED, Bits(at, _)) => {
                // SAFETY: XLA keeps a byte there through `'a`; null is refused.
                (!at.is_null()).then(|| unsafe { at.cast::<u8>().read() } != 0)
            }
            _ => None,
        }
    }
}

impl<'a> Attribute<'a> for &'a str {}
impl<'a> Read<'a> for &'a str {
    const WHAT: &'static str = "a string of UTF-8";
    fn read(value: Value<'a>) -> Option<Self> {
        match value.0 {
            Held::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}

impl<'a> Attribute<'a> for String {}
impl<'a> Read<'a> for String {
    const WHAT: &'static str = "a string of UTF-8";
    fn read(value: Value<'a>) -> Option<Self> {
        <&str>::read(value).map(str::to_owned)
    }
}

impl<'a> Attribute<'a> for Attributes<'a> {}
impl<'a> Read<'a> for Attributes<'a> {
    const WHAT: &'static str = "a dictionary";
    fn read(value: Value<'a>) -> Option<Self> {
        match value.0 {
            Held::Dictionary(attributes) => Some(attributes),
            _ => None,
        }
    }
}

impl<'a> Attributes<'a> {
    /// Looks at a frame's attributes, or a dictionary.
    ///
    /// # Safety
    ///
    /// `raw` is null or points to attributes as long as their size says, whose lists hold as many
    /// entries as they say, each of its kind; all of it stays as it is through `'a`.
    pub(super) unsafe fn read(raw: *const c::XLA_FFI_Attrs) -> Result<Attributes<'a>, Error> {
        let broken = || Error::internal("XLA gives attributes that are not valid");
        let raw = NonNull::new(raw.cast_mut())
            .filter(|raw| raw.is_aligned())
            .ok_or_else(broken)?;
        // SAFETY: the size is the first word.
        if unsafe { raw.cast::<usize>().read() } < c::XLA_FFI_Attrs_STRUCT_SIZE {
            return Err(broken());
        }
        // SAFETY: as long as the fields that are read, by its own word.
        let raw = unsafe { raw.read() };
        let count = usize::try_from(raw.size).map_err(|_| broken())?;
        // SAFETY: the caller's promise.
        let lists = unsafe {
            (
                slice(raw.types.cast_const(), count),
                slice(raw.names.cast_const(), count),
                slice(raw.attrs.cast_const(), count),
            )
        };
        match lists {
            (Some(kinds), Some(names), Some(values)) => Ok(Attributes {
                kinds,
                names,
                values,
            }),
            _ => Err(broken()),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Their names, sorted; bytes that are not UTF-8 are replaced.
    pub fn names(&self) -> Vec<String> {
        let names = self.names.iter().map(|name| {
            // SAFETY: an entry of the list of names that `read` was promised.
            let name = unsafe { name_bytes(name) };
            String::from_utf8_lossy(name).into_owned()
        });
        names.collect()
    }

    /// Whether there is one of that name.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<(c::XLA_FFI_AttrType, *mut c_void)> {
        // XLA sorts the names, but nothing here should hang on that; there are a few.
        let mut entries = self.names.iter().zip(self.kinds).zip(self.values);
        let found = entries.find(|((given, _), _)| {
            // SAFETY: an entry of the list of names that `read` was promised.
            unsafe { name_bytes(given) == name.as_bytes() }
        });
        found.map(|((_, kind), value)| (*kind, *value))
    }

    /// The value of an attribute.
    ///
    /// # Errors
    ///
    /// `INVALID_ARGUMENT` if there is none of that name, or it is of another type.
    pub fn get<T: Attribute<'a>>(&self, name: &str) -> Result<T, Error> {
        let (kind, value) = self.find(name).ok_or_else(|| {
            let names = self.names().join(", ");
            let names = if names.is_empty() { "none" } else { &names };
            Error::invalid_argument(format!(
                "the attribute `{name}`, {}, was expected, and is not among those given: {names}",
                T::WHAT
            ))
        })?;
        // SAFETY: this entry is of that kind: `read`'s caller promised.
        let held = unsafe { Held::read(kind, value) }?;
        T::read(Value(held)).ok_or_else(|| {
            Error::invalid_argument(format!(
                "the attribute `{name}` is {held}, and {} was expected",
                T::WHAT
            ))
        })
    }
}

impl fmt::Debug for Attributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl<'a> Held<'a> {
    /// # Safety
    ///
    /// `value` is null or points to what the kind says, through `'a`.
    unsafe fn read(kind: c::XLA_FFI_AttrType, value: *const c_void) -> Result<Held<'a>, Error> {
        let broken = || Error::internal("XLA gives an attribute that is not valid");
        if value.is_null() || !value.cast::<usize>().is_aligned() {
            return Err(broken());
        }
        // SAFETY: not null and aligned; the kind says which struct it is.
        unsafe {
            Ok(match kind {
                c::XLA_FFI_AttrType_SCALAR => {
                    let scalar = value.cast::<c::XLA_FFI_Scalar>().read();
                    let bits = Bits(scalar.value, PhantomData);
                    Held::Scalar(DataType::from_raw(scalar.dtype), bits)
                }
                c::XLA_FFI_AttrType_ARRAY => {
                    let array = value.cast::<c::XLA_FFI_Array>().read();
                    let bits = Bits(array.data, PhantomData);
                    Held::Array(DataType::from_raw(array.dtype), bits, array.size)
                }
                c::XLA_FFI_AttrType_STRING => {
                    let span = value.cast::<c::XLA_FFI_ByteSpan>().read();
                    Held::Text(slice(span.ptr.cast(), span.len).ok_or_else(broken)?)
                }
                c::XLA_FFI_AttrType_DICTIONARY => Held::Dictionary(Attributes::read(value.cast())?),
                c::XLA_FFI_AttrType(other) => Held::Unknown(other),
            })
        }
    }
}

/// The bytes of a name; none if it is not valid.
///
/// # Safety
///
/// `name` is null or misaligned, or points to a span of bytes, both of which stay as long as the
/// result is used.
unsafe fn name_bytes(name: &*mut c::XLA_FFI_ByteSpan) -> &[u8] {
    if name.is_null() || !name.is_aligned() {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe {
        let span = name.read();
        slice(span.ptr.cast(), span.len).unwrap_or(&[])
    }
}
