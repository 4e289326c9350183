//! Data that waits for a plugin's one call, under a number.
//!
//! The plugin is given the number and no address: a call that comes twice, late or never finds
//! what is there or nothing, and reads no memory that is gone.

use super::Sorted;
use std::any::Any;
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

/// What waits, and the last number that was given.
struct Waiting {
    last: usize,
    data: Sorted<usize, Box<dyn Any + Send>>,
}

static WAITING: Mutex<Waiting> = Mutex::new(Waiting {
    last: 0,
    data: Sorted::new(),
});

/// Keeps data until [`called`] gets the number, which is given as a plugin keeps it.
pub(crate) fn waiting<T: Send + 'static>(data: T) -> *mut c_void {
    let data: Box<dyn Any + Send> = Box::new(data);
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    waiting.last = waiting.last.wrapping_add(1);
    let number = waiting.last;
    waiting.data.insert(number, data);
    std::ptr::without_provenance_mut(number)
}

/// The data that waits under a number: once, and only as the type that it has.
pub(crate) fn called<T: Send + 'static>(number: *mut c_void) -> Option<T> {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    if !waiting.data.get(&number.addr())?.is::<T>() {
        return None;
    }
    let data = waiting.data.remove(&number.addr())?;
    drop(waiting);
    data.downcast().ok().map(|data| *data)
}

/// Frees all that waits.
#[cfg(pjrt_mutants)]
pub(super) fn release() {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    let data = std::mem::replace(&mut waiting.data, Sorted::new());
    drop(waiting);
    drop(data);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_found_once_and_under_its_own_number_and_type() {
        let (a, b) = (waiting(1u8), waiting(2u8));
        assert_ne!(a, b);
        assert_eq!(called::<u16>(a), None);
        assert_eq!(called::<u8>(a), Some(1));
        assert_eq!(called::<u8>(a), None);
        assert_eq!(called::<u8>(std::ptr::null_mut()), None);
        assert_eq!(called::<u8>(b), Some(2));
    }
}
