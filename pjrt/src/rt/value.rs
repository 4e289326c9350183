//! Plain structs that a plugin fills in memory of ours.

use super::{Place, count, filled};
use crate::{Error, Result};
use std::mem::MaybeUninit;

/// The Rust form of a plain C struct.
pub trait Value: Sized {
    /// The C struct.
    type Raw;

    /// Copies a struct, checking the lengths that it says.
    ///
    /// # Safety
    ///
    /// `raw` points at a struct whose fields are initialised, with whatever bits.
    unsafe fn read(raw: *const Self::Raw) -> Result<Self>;
}

/// Memory for structs that a plugin fills. It is zero at first and never seen as structs of the C
/// type, for a plugin may store bits that are no value of a field's type, such as 2 in a `bool`.
pub struct ValueMemory<V: Value> {
    /// Every byte of every field is initialised.
    items: Vec<MaybeUninit<V::Raw>>,
}

/// Memory for so many structs.
pub fn zeroed_values<V: Value>(
    items: usize,
    function: &'static str,
    argument: &'static str,
) -> Result<ValueMemory<V>> {
    let mut memory = Vec::new();
    if memory.try_reserve_exact(items).is_err() {
        let problem = format!("there is no memory for {items} items");
        return Err(Error::InvalidArgument {
            function,
            argument,
            problem,
        });
    }
    memory.resize_with(items, MaybeUninit::zeroed);
    Ok(ValueMemory { items: memory })
}

impl<V: Value> ValueMemory<V> {
    /// Where the plugin writes.
    pub fn as_mut_ptr(&mut self) -> *mut V::Raw {
        self.items.as_mut_ptr().cast()
    }

    /// The structs that a plugin filled.
    pub fn filled(self, count: usize, place: Place) -> Result<Vec<V>> {
        let items = filled(self.items, count, place)?;
        // SAFETY: the memory was zeroed when it was made, so all fields are initialised.
        let read = |item: &MaybeUninit<V::Raw>| unsafe { V::read(item.as_ptr()) };
        items.iter().map(read).collect()
    }

    /// The one struct that a plugin filled.
    pub fn one(self, place: Place) -> Result<V> {
        let mut items = self.filled(1, place)?;
        items.pop().ok_or_else(|| place.invalid("no item"))
    }
}

/// Copies of structs that a plugin owns.
///
/// # Safety
///
/// A pointer that is not null and fits points at `count` structs whose fields are initialised.
pub unsafe fn value_list<V: Value>(
    items: *const V::Raw,
    count: usize,
    place: Place,
) -> Result<Vec<V>> {
    // Bytes that may be anything: the structs are read field by field.
    // SAFETY: the caller's promise.
    let items: &[MaybeUninit<V::Raw>] = unsafe { super::slice(items.cast(), count, place) }?;
    // SAFETY: the caller's promise.
    let read = |item: &MaybeUninit<V::Raw>| unsafe { V::read(item.as_ptr()) };
    items.iter().map(read).collect()
}

/// The items of an array of fixed length that are in use.
pub fn live<T, L: TryInto<usize>, const N: usize>(
    items: [T; N],
    live: L,
    place: Place,
) -> Result<Vec<T>> {
    let live = count(live, place)?;
    if live > N {
        return Err(place.invalid("more items in use than the array has"));
    }
    Ok(items.into_iter().take(live).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Raw {
        truth: bool,
        number: u32,
    }

    #[derive(Debug, PartialEq)]
    struct Pair(bool, u32);

    impl Value for Pair {
        type Raw = Raw;

        unsafe fn read(raw: *const Raw) -> Result<Self> {
            // SAFETY: the caller's promise; the truth value is read as a byte.
            unsafe {
                let truth = (&raw const (*raw).truth).cast::<u8>().read();
                Ok(Pair(truth != 0, (&raw const (*raw).number).read()))
            }
        }
    }

    const PLACE: Place = Place {
        function: "F",
        field: "f",
    };

    fn three() -> ValueMemory<Pair> {
        let mut memory = zeroed_values::<Pair>(3, "F", "f").unwrap();
        let first = memory.as_mut_ptr();
        // SAFETY: the memory has three items; 2 is what a careless plugin may store in a `bool`.
        unsafe {
            (&raw mut (*first).truth).cast::<u8>().write(2);
            (&raw mut (*first.add(1)).number).write(7);
        }
        memory
    }

    #[test]
    fn what_was_filled_comes_back_whatever_bits_a_truth_value_has() {
        assert_eq!(
            three().filled(2, PLACE).unwrap(),
            [Pair(true, 0), Pair(false, 7)]
        );
        assert_eq!(three().one(PLACE).unwrap(), Pair(true, 0));
        assert_eq!(three().filled(0, PLACE).unwrap(), []);
    }

    #[test]
    fn an_array_is_cut_to_its_live_length() {
        assert_eq!(live([1, 2, 3], 2usize, PLACE).unwrap(), [1, 2]);
        assert_eq!(live([1, 2, 3], 3i64, PLACE).unwrap(), [1, 2, 3]);
        for length in [-1, 4, i64::MAX] {
            assert!(live([1, 2, 3], length, PLACE).is_err(), "{length}");
        }
    }

    #[test]
    fn more_than_there_was_room_for_is_an_error() {
        let error = three().filled(4, PLACE).unwrap_err().to_string();
        assert!(
            error.contains("more items than there was room for"),
            "{error}"
        );
        let error = zeroed_values::<Pair>(usize::MAX, "F", "f").err().unwrap();
        assert!(error.to_string().contains("no memory"), "{error}");
    }
}
