//! Values that a plugin knows by a number.
//!
//! Where a plugin is given one word to bring back, and calls more than once or nobody knows how
//! often, the word is a number and not an address: a call that comes too late, or with another
//! number, finds nothing instead of memory that is gone.

use super::Sorted;
use std::any::Any;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

type Entry = Arc<dyn Any + Send + Sync>;

struct Entries {
    next: usize,
    by_number: Sorted<usize, Entry>,
}

static ENTRIES: Mutex<Entries> = Mutex::new(Entries {
    next: 1,
    by_number: Sorted::new(),
});

/// A value that a plugin can find, until this is dropped.
#[derive(Debug)]
pub(crate) struct Numbered(usize);

impl Numbered {
    /// Gives a value a number of its own; none is used twice.
    pub(crate) fn new<T: Any + Send + Sync>(value: Arc<T>) -> Numbered {
        let mut entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
        let number = entries.next;
        entries.next = number.wrapping_add(1).max(1);
        entries.by_number.insert(number, value);
        Numbered(number)
    }

    /// The word for the plugin; never null.
    pub(crate) fn data(&self) -> *mut c_void {
        std::ptr::without_provenance_mut(self.0)
    }
}

impl Drop for Numbered {
    fn drop(&mut self) {
        let mut entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
        let value = entries.by_number.remove(&self.0);
        // The value's own destructor may do anything: not under the lock.
        drop(entries);
        drop(value);
    }
}

/// The value that a plugin brings back the word of, if it is still there and of this type.
pub(crate) fn numbered<T: Any + Send + Sync>(data: *mut c_void) -> Option<Arc<T>> {
    let entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
    let value = entries.by_number.get(&data.addr()).cloned();
    drop(entries);
    value?.downcast().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_until_its_number_goes() {
        let value = Arc::new(7i32);
        let number = Numbered::new(value.clone());
        let data = number.data();
        assert_eq!(numbered::<i32>(data).as_deref(), Some(&7));
        assert_eq!(numbered::<u8>(data), None);
        assert_eq!(numbered::<i32>(std::ptr::null_mut()), None);
        drop(number);
        assert_eq!(numbered::<i32>(data), None);
        assert_eq!(Arc::strong_count(&value), 1);
        assert_ne!(Numbered::new(value).data(), data);
    }
}
