//! The kinds of single values.

// Some are of no chosen message.
#![allow(dead_code)]

use super::wire::{Fault, Value, put_bytes, put_int};
use std::marker::PhantomData;

/// In what form a value lies.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// A number of varying length.
    Int = 0,
    /// Eight bytes.
    Fixed64 = 1,
    /// A length and bytes.
    Bytes = 2,
    /// Four bytes.
    Fixed32 = 5,
}

/// A kind of single value.
pub trait Kind {
    /// It in Rust.
    type Value: Default + PartialEq;
    /// In what form it lies.
    const WIRE: Wire;
    /// None for a value of another form.
    fn read(value: Value<'_>) -> Result<Option<Self::Value>, Fault>;
    /// Writes it without a key.
    fn write(value: &Self::Value, out: &mut Vec<u8>);
}

macro_rules! ints {
    ($($kind:ident $rust:ty: $read:expr, $write:expr;)*) => {$(
        #[doc = concat!("A number that is a `", stringify!($rust), "` in Rust.")]
        pub struct $kind;
        impl Kind for $kind {
            type Value = $rust;
            const WIRE: Wire = Wire::Int;
            fn read(value: Value<'_>) -> Result<Option<$rust>, Fault> {
                let read: fn(u64) -> $rust = $read;
                Ok(match value {
                    Value::Int(bits) => Some(read(bits)),
                    _ => None,
                })
            }
            fn write(value: &$rust, out: &mut Vec<u8>) {
                let write: fn($rust) -> u64 = $write;
                put_int(write(*value), out);
            }
        }
    )*};
}

// Numbers of fewer bits are cut, as every reader of messages does; negative ones have 64 bits.
ints! {
    Int32 i32: |bits| bits as i32, |value| i64::from(value) as u64;
    Int64 i64: |bits| bits as i64, |value| value as u64;
    Uint32 u32: |bits| bits as u32, u64::from;
    Uint64 u64: |bits| bits, |value| value;
    Bool bool: |bits| bits != 0, u64::from;
}

/// An enum whose values need not be listed.
pub struct Open<T>(PhantomData<T>);

impl<T: From<i32> + Into<i32> + Copy + Default + PartialEq> Kind for Open<T> {
    type Value = T;
    const WIRE: Wire = Wire::Int;
    fn read(value: Value<'_>) -> Result<Option<T>, Fault> {
        Ok(Int32::read(value)?.map(T::from))
    }
    fn write(value: &T, out: &mut Vec<u8>) {
        Int32::write(&(*value).into(), out);
    }
}

/// A number with a fraction, of eight bytes.
pub struct Double;

impl Kind for Double {
    type Value = f64;
    const WIRE: Wire = Wire::Fixed64;
    fn read(value: Value<'_>) -> Result<Option<f64>, Fault> {
        Ok(match value {
            Value::Fixed64(bits) => Some(f64::from_bits(bits)),
            _ => None,
        })
    }
    fn write(value: &f64, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// A number with a fraction, of four bytes.
pub struct Float;

impl Kind for Float {
    type Value = f32;
    const WIRE: Wire = Wire::Fixed32;
    fn read(value: Value<'_>) -> Result<Option<f32>, Fault> {
        Ok(match value {
            Value::Fixed32(bits) => Some(f32::from_bits(bits)),
            _ => None,
        })
    }
    fn write(value: &f32, out: &mut Vec<u8>) {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Bytes.
pub struct Bytes;

impl Kind for Bytes {
    type Value = Vec<u8>;
    const WIRE: Wire = Wire::Bytes;
    fn read(value: Value<'_>) -> Result<Option<Vec<u8>>, Fault> {
        Ok(match value {
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            _ => None,
        })
    }
    fn write(value: &Vec<u8>, out: &mut Vec<u8>) {
        put_bytes(value, out);
    }
}

/// Text.
pub struct Text;

impl Kind for Text {
    type Value = String;
    const WIRE: Wire = Wire::Bytes;
    fn read(value: Value<'_>) -> Result<Option<String>, Fault> {
        let Value::Bytes(bytes) = value else {
            return Ok(None);
        };
        let text = std::str::from_utf8(bytes).map_err(|_| "a text in it is not UTF-8")?;
        Ok(Some(text.to_owned()))
    }
    fn write(value: &String, out: &mut Vec<u8>) {
        put_bytes(value.as_bytes(), out);
    }
}
