//! How messages lie in bytes: records of a key and a value, one after the other.

use super::kind::{Kind, Wire};
use std::collections::BTreeMap;

#[allow(unused_imports, reason = "kinds that no chosen message has")]
pub use super::kind::{Bool, Bytes, Double, Float, Int32, Int64, Open, Text, Uint32, Uint64};

/// What is wrong with bytes.
pub type Fault = &'static str;

/// Messages that lie in each other may be so deep.
pub(super) const DEEPEST: u32 = 100;

const SHORT: Fault = "it ends in the middle of a field";

/// The value of one record.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// A number of varying length.
    Int(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// Bytes, text, a message or packed numbers.
    Bytes(&'a [u8]),
    /// Records between two marks, which nothing of ours has.
    Group,
    /// Four bytes.
    Fixed32(u32),
}

/// What the generator writes for each message.
pub trait Fields {
    /// Takes a field; false for one that is not known, or is of another kind.
    fn read(&mut self, number: u32, value: Value<'_>, depth: u32) -> Result<bool, Fault>;
    /// Writes all fields, those that are not known last.
    fn write(&self, out: &mut Vec<u8>);
    /// Records that are not known, as they came.
    fn unknown(&self) -> &[u8];
    /// As [`Self::unknown`], to be added to.
    fn unknown_mut(&mut self) -> &mut Vec<u8>;
}

/// Takes all records of a message; a later one of the same number counts.
pub fn merge_bytes(message: &mut dyn Fields, bytes: &[u8], depth: u32) -> Result<(), Fault> {
    let depth = deeper(depth)?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let start = rest;
        let (number, value) = record(&mut rest, depth)?;
        if !message.read(number, value, depth)? {
            let taken = start.len().saturating_sub(rest.len());
            let record = start.get(..taken).unwrap_or_default();
            message.unknown_mut().extend_from_slice(record);
        }
    }
    Ok(())
}

/// Shows each record of a message, as it lies there.
pub(crate) fn each<'a>(
    bytes: &'a [u8],
    body: &mut dyn FnMut(u32, Value<'a>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (number, value) = record(&mut rest, DEEPEST)?;
        body(number, value)?;
    }
    Ok(())
}

fn deeper(depth: u32) -> Result<u32, Fault> {
    depth
        .checked_sub(1)
        .ok_or("its messages lie in each other too deep")
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], Fault> {
    let (taken, left) = rest.split_at_checked(count).ok_or(SHORT)?;
    *rest = left;
    Ok(taken)
}

pub(super) fn take_array<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (taken, left) = rest.split_first_chunk::<N>().ok_or(SHORT)?;
    let taken = *taken;
    *rest = left;
    Ok(taken)
}

pub(super) fn take_int(rest: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let [byte] = take_array::<1>(rest)?;
        let bits = u64::from(byte & 0x7f);
        // Of the tenth byte, one bit counts.
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err("a number in it has more than 64 bits")
}

/// The next record: the field's number and its value.
fn record<'a>(rest: &mut &'a [u8], depth: u32) -> Result<(u32, Value<'a>), Fault> {
    let (number, wire) = key(rest)?;
    let value = match wire {
        0 => Value::Int(take_int(rest)?),
        1 => Value::Fixed64(u64::from_le_bytes(take_array(rest)?)),
        2 => {
            let length = usize::try_from(take_int(rest)?).map_err(|_| SHORT)?;
            Value::Bytes(take(rest, length)?)
        }
        3 => {
            group(rest, number, depth)?;
            Value::Group
        }
        5 => Value::Fixed32(u32::from_le_bytes(take_array(rest)?)),
        _ => return Err("it has a field of a kind that there is not"),
    };
    Ok((number, value))
}

fn key(rest: &mut &[u8]) -> Result<(u32, u32), Fault> {
    let key = u32::try_from(take_int(rest)?).map_err(|_| "a field's number is too large")?;
    match key >> 3 {
        0 => Err("a field has the number 0"),
        number => Ok((number, key & 7)),
    }
}

/// Skips the records of a group and its end.
fn group(rest: &mut &[u8], number: u32, depth: u32) -> Result<(), Fault> {
    let depth = deeper(depth)?;
    loop {
        let mut ahead = *rest;
        let (inner, wire) = key(&mut ahead)?;
        if wire == 4 {
            *rest = ahead;
            return if inner == number {
                Ok(())
            } else {
                Err("a group in it ends that never began")
            };
        }
        record(rest, depth)?;
    }
}

/// Takes a field that is there once.
pub fn set<K: Kind>(slot: &mut K::Value, value: Value<'_>) -> Result<bool, Fault> {
    let read = K::read(value)?;
    let known = read.is_some();
    if let Some(read) = read {
        *slot = read;
    }
    Ok(known)
}

/// Takes a field whose absence is told from its default.
pub fn set_some<K: Kind>(slot: &mut Option<K::Value>, value: Value<'_>) -> Result<bool, Fault> {
    let read = K::read(value)?;
    let known = read.is_some();
    if known {
        *slot = read;
    }
    Ok(known)
}

/// Takes a field of a group of which one is set.
pub fn case<K: Kind, T>(
    slot: &mut Option<T>,
    value: Value<'_>,
    make: impl FnOnce(K::Value) -> T,
) -> Result<bool, Fault> {
    let read = K::read(value)?.map(make);
    let known = read.is_some();
    if known {
        *slot = read;
    }
    Ok(known)
}

/// Takes one more of a list, or several packed ones.
pub fn push<K: Kind>(list: &mut Vec<K::Value>, value: Value<'_>) -> Result<bool, Fault> {
    if let (Value::Bytes(mut packed), true) = (value, K::WIRE != Wire::Bytes) {
        while !packed.is_empty() {
            let one = match K::WIRE {
                Wire::Fixed64 => Value::Fixed64(u64::from_le_bytes(take_array(&mut packed)?)),
                Wire::Fixed32 => Value::Fixed32(u32::from_le_bytes(take_array(&mut packed)?)),
                Wire::Int | Wire::Bytes => Value::Int(take_int(&mut packed)?),
            };
            list.extend(K::read(one)?);
        }
        return Ok(true);
    }
    let read = K::read(value)?;
    let known = read.is_some();
    list.extend(read);
    Ok(known)
}

/// Adds to a message.
pub fn merge(message: &mut dyn Fields, value: Value<'_>, depth: u32) -> Result<bool, Fault> {
    let Value::Bytes(bytes) = value else {
        return Ok(false);
    };
    merge_bytes(message, bytes, depth)?;
    Ok(true)
}

/// Takes one more message of a list.
pub fn push_message<M: Fields + Default>(
    list: &mut Vec<M>,
    value: Value<'_>,
    depth: u32,
) -> Result<bool, Fault> {
    let mut one = M::default();
    let known = merge(&mut one, value, depth)?;
    if known {
        list.push(one);
    }
    Ok(known)
}

/// Takes an entry of a map to messages.
pub fn insert<K, M>(
    map: &mut BTreeMap<K::Value, M>,
    value: Value<'_>,
    depth: u32,
) -> Result<bool, Fault>
where
    K: Kind<Value: Ord>,
    M: Fields + Default,
{
    let Value::Bytes(mut rest) = value else {
        return Ok(false);
    };
    let depth = deeper(depth)?;
    let (mut key, mut held) = (K::Value::default(), M::default());
    while !rest.is_empty() {
        let (number, value) = record(&mut rest, depth)?;
        match number {
            1 => drop(set::<K>(&mut key, value)?),
            2 => drop(merge(&mut held, value, depth)?),
            _ => {}
        }
    }
    map.insert(key, held);
    Ok(true)
}

pub(super) fn put_int(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        // The low seven bits, and that more follow.
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    put_int(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn put_key(number: u32, wire: Wire, out: &mut Vec<u8>) {
    put_int(u64::from(number) << 3 | wire as u64, out);
}

/// Writes a field, unless it has its default.
pub fn put<K: Kind>(number: u32, value: &K::Value, out: &mut Vec<u8>) {
    if *value != K::Value::default() {
        put_some::<K>(number, Some(value), out);
    }
}

/// Writes a field if it is there.
pub fn put_some<K: Kind>(number: u32, value: Option<&K::Value>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        put_key(number, K::WIRE, out);
        K::write(value, out);
    }
}

/// Writes a list, in one record if it is packed.
pub fn put_all<K: Kind>(number: u32, list: &[K::Value], packed: bool, out: &mut Vec<u8>) {
    if packed && !list.is_empty() {
        let mut body = Vec::new();
        for value in list {
            K::write(value, &mut body);
        }
        put_key(number, Wire::Bytes, out);
        put_bytes(&body, out);
        return;
    }
    for value in list {
        put_some::<K>(number, Some(value), out);
    }
}

/// Writes a message.
pub fn put_message(number: u32, message: &dyn Fields, out: &mut Vec<u8>) {
    let mut body = Vec::new();
    message.write(&mut body);
    put_key(number, Wire::Bytes, out);
    put_bytes(&body, out);
}

/// Writes a map, in the order of its keys.
pub fn put_map<K: Kind, M: Fields>(number: u32, map: &BTreeMap<K::Value, M>, out: &mut Vec<u8>) {
    for (key, held) in map {
        let mut body = Vec::new();
        put_some::<K>(1, Some(key), &mut body);
        put_message(2, held, &mut body);
        put_key(number, Wire::Bytes, out);
        put_bytes(&body, out);
    }
}
