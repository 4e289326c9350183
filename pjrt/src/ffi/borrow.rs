//! Slices of a call's arrays, and who holds which of them.
//!
//! XLA may give an operand and a result the same memory, where the module says so. Two slices of
//! the same memory, one of which may be written, must not exist at once; so borrows are counted
//! while the handler runs.

use super::array::{RawArray, Which};
use super::{DataType, Error};
use crate::Element;
use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut, Range};

/// The arrays of a call, and the borrows of them.
pub(super) struct Arrays<'a> {
    operands: Vec<Option<RawArray<'a>>>,
    results: Vec<Option<RawArray<'a>>>,
    held: RefCell<Vec<Held>>,
    next: Cell<u64>,
}

struct Held {
    id: u64,
    which: Which,
    range: Range<usize>,
    writes: bool,
}

/// A borrow that ends when this is dropped.
struct Guard<'b> {
    held: &'b RefCell<Vec<Held>>,
    id: u64,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if let Ok(mut held) = self.held.try_borrow_mut() {
            held.retain(|held| held.id != self.id);
        }
    }
}

impl<'a> Arrays<'a> {
    pub(super) fn new(
        operands: Vec<Option<RawArray<'a>>>,
        results: Vec<Option<RawArray<'a>>>,
    ) -> Arrays<'a> {
        Arrays {
            operands,
            results,
            held: RefCell::default(),
            next: Cell::new(0),
        }
    }

    /// The same arrays, for after the call: nothing of them is borrowed.
    pub(super) fn to_owned(&self) -> Arrays<'static> {
        let copy = |arrays: &[Option<RawArray<'a>>]| {
            let copies = arrays.iter().cloned();
            copies.map(|a| a.map(RawArray::into_owned)).collect()
        };
        Arrays::new(copy(&self.operands), copy(&self.results))
    }

    pub(super) fn operand_count(&self) -> usize {
        self.operands.len()
    }

    pub(super) fn result_count(&self) -> usize {
        self.results.len()
    }

    pub(super) fn raw(&self, which: Which) -> Result<&RawArray<'a>, Error> {
        let (list, index, side) = match which {
            Which::Operand(index) => (&self.operands, index, "operands"),
            Which::Result(index) => (&self.results, index, "results"),
        };
        let entry = list.get(index).ok_or_else(|| {
            Error::invalid_argument(format!(
                "{which} was expected, and the call has {} {side}",
                list.len()
            ))
        })?;
        entry.as_ref().ok_or_else(|| {
            Error::unimplemented(format!(
                "{which} is of a kind that this version of the crate does not know"
            ))
        })
    }

    fn hold(&self, which: Which, range: Range<usize>, writes: bool) -> Result<Guard<'_>, Error> {
        let busy = || Error::internal("the borrows of the call are being changed");
        let mut held = self.held.try_borrow_mut().map_err(|_| busy())?;
        // No elements meet nothing, wherever they are said to lie.
        let meets = |other: &Held| {
            !range.is_empty() && range.start < other.range.end && other.range.start < range.end
        };
        let conflict = held.iter().find(|o| (o.writes || writes) && meets(o));
        if let Some(other) = conflict {
            let other = other.which;
            let problem = if other == which {
                format!("{which} is borrowed already: drop that first")
            } else {
                format!(
                    "{which} shares memory with {other}, which is borrowed: drop that first, or work in place on the result alone"
                )
            };
            return Err(Error::failed_precondition(problem));
        }
        let id = self.next.get();
        self.next.set(id.wrapping_add(1));
        if !range.is_empty() {
            held.push(Held {
                id,
                which,
                range,
                writes,
            });
        }
        Ok(Guard {
            held: &self.held,
            id,
        })
    }

    /// Borrows an operand for reading.
    ///
    /// # Safety
    ///
    /// The arrays are in host memory, which lives as long as `self`; nobody but their borrowers
    /// writes to it meanwhile, and the operands are written.
    pub(super) unsafe fn operand<T: Element>(&self, index: usize) -> Result<Operand<'_, T>, Error> {
        let which = Which::Operand(index);
        let raw = self.raw(which)?;
        let (data, count) = raw.elements::<T>(which)?;
        let guard = self.hold(which, raw.range(), false)?;
        if raw.data_type() == DataType::PRED {
            // SAFETY: as below; any byte is a `u8`, and PRED takes a byte each.
            let bytes = unsafe { std::slice::from_raw_parts(data.as_ptr().cast::<u8>(), count) };
            if bytes.iter().any(|byte| *byte > 1) {
                return Err(Error::invalid_argument(format!(
                    "{which} is {raw} with a byte that is neither 0 nor 1"
                )));
            }
        }
        // SAFETY: `elements` has seen to alignment, null and size, and that the type is T's, any
        // bits of which are values of T (a PRED was looked at); the memory lives and is not
        // written while the guard lives, which refuses a borrow for writing that meets it.
        let data = unsafe { std::slice::from_raw_parts(data.as_ptr().cast_const(), count) };
        Ok(Operand {
            data,
            dims: raw.dims(),
            _guard: guard,
        })
    }

    /// Borrows a result for writing.
    ///
    /// # Safety
    ///
    /// As [`Arrays::operand`].
    pub(super) unsafe fn result<T: Element>(
        &self,
        index: usize,
    ) -> Result<ResultMut<'_, T>, Error> {
        let which = Which::Result(index);
        let raw = self.raw(which)?;
        let (data, count) = raw.elements::<T>(which)?;
        let guard = self.hold(which, raw.range(), true)?;
        if raw.data_type() == DataType::PRED {
            // SAFETY: as below, with bytes, any bits of which are a `u8`.
            let bytes = unsafe { std::slice::from_raw_parts_mut(data.as_ptr().cast(), count) };
            // What was there before need not be truth values, and must be for a type like `bool`.
            for byte in bytes {
                *byte = u8::from(*byte != 0);
            }
        }
        // SAFETY: `elements` has seen to alignment, null and size, and that the type is T's, any
        // bits of which are values of T (a PRED was made so). XLA wrote or allocated the memory
        // behind a foreign call, so it holds some bits. Nobody else uses it while the guard lives,
        // which refuses every other borrow that meets it.
        let data = unsafe { std::slice::from_raw_parts_mut(data.as_ptr(), count) };
        Ok(ResultMut {
            data,
            dims: raw.dims(),
            _guard: guard,
        })
    }
}

/// The elements of an operand, in row-major order.
pub struct Operand<'b, T> {
    data: &'b [T],
    dims: &'b [i64],
    _guard: Guard<'b>,
}

impl<T> Operand<'_, T> {
    /// The dimensions; none for a scalar.
    pub fn dims(&self) -> &[i64] {
        self.dims
    }
}

impl<T> Deref for Operand<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.data
    }
}

/// The elements of a result, in row-major order, to be written. Before that they are what lay in
/// the memory: the elements of an operand, where the module lets both share it, else anything.
pub struct ResultMut<'b, T> {
    data: &'b mut [T],
    dims: &'b [i64],
    _guard: Guard<'b>,
}

impl<T> ResultMut<'_, T> {
    /// The dimensions; none for a scalar.
    pub fn dims(&self) -> &[i64] {
        self.dims
    }
}

impl<T> Deref for ResultMut<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.data
    }
}

impl<T> DerefMut for ResultMut<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.data
    }
}
