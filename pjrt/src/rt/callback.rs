//! Closures that a plugin keeps and calls.
//!
//! A plugin calls through two words: a function and the data that it was registered with. The data
//! points at a small place that is never freed, for nobody can say when a plugin makes its last
//! call. What lies in the place, the closure, is taken out when the registration ends; a call that
//! runs then has a reference of its own, and one that comes later finds nothing.

use super::{Api, Sorted, contained};
use crate::Result;
use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a plugin finds a closure.
struct Place<F: ?Sized>(Mutex<Option<Arc<F>>>);

impl<F: ?Sized> Place<F> {
    fn get(&self) -> Option<Arc<F>> {
        let closure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        closure.clone()
    }

    fn empty(&self) {
        let mut closure = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = closure.take();
        // The closure's own destructor may do anything: not under the lock.
        drop(closure);
        drop(taken);
    }
}

/// A closure that is being registered. Dropped before it is kept, it will not be called.
pub struct Kept<F: ?Sized + Send + Sync + 'static>(Option<&'static Place<F>>);

impl<F: ?Sized + Send + Sync + 'static> Kept<F> {
    /// Puts a closure where a plugin can find it.
    pub fn new(closure: Arc<F>) -> Self {
        Kept(Some(Box::leak(Box::new(Place(Mutex::new(Some(closure)))))))
    }

    /// The data to register.
    pub fn data(&self) -> *mut c_void {
        match self.0 {
            Some(place) => std::ptr::from_ref(place).cast_mut().cast(),
            None => std::ptr::null_mut(),
        }
    }

    /// Whether [`let_go`] was called with the data already.
    pub fn ended(&self) -> bool {
        self.0.is_none_or(|place| place.get().is_none())
    }

    /// The plugin has the closure: it stays as long as the process, or until [`let_go`].
    pub fn keep_for_good(mut self) {
        self.0 = None;
    }

    /// The plugin has the closure: it stays until its registration ends, and those that were there
    /// before end.
    pub fn keep(mut self, registered: Registered) {
        let Some(place) = self.0.take() else { return };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let entry = Entry {
            number,
            empty: Box::new(|| place.empty()),
        };
        registered.replace(Some(entry));
    }
}

impl<F: ?Sized + Send + Sync + 'static> Drop for Kept<F> {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            place.empty();
        }
    }
}

/// Calls a closure for a plugin, if it is still registered. Nothing unwinds into the plugin, and
/// handles that go away inside are destroyed on another thread.
///
/// # Safety
///
/// `data` is null or came from [`Kept::data`] of the same type.
pub unsafe fn call_back<F: ?Sized + Send + Sync + 'static>(
    data: *mut c_void,
    body: impl FnOnce(&F) -> Result<()>,
) {
    // SAFETY: the place is never freed and only changes under its lock.
    let Some(place) = (unsafe { data.cast_const().cast::<Place<F>>().as_ref() }) else {
        return;
    };
    let call = || {
        if let Some(closure) = place.get() {
            // What cannot be read is not shown to the closure; a plugin takes no error here.
            let _ = body(&closure);
        }
    };
    contained(call);
}

/// The plugin calls the closure no more: it goes, once the calls that run have ended. A second time
/// does nothing.
///
/// # Safety
///
/// As [`call_back`].
pub unsafe fn let_go<F: ?Sized + Send + Sync + 'static>(data: *mut c_void) {
    // SAFETY: the place is never freed and only changes under its lock.
    if let Some(place) = unsafe { data.cast_const().cast::<Place<F>>().as_ref() } {
        contained(|| place.empty());
    }
}

/// A registration: plugin, function and key.
type Key = (usize, &'static str, Vec<u8>);

/// A closure under a key.
struct Entry {
    number: u64,
    empty: Box<dyn FnOnce() + Send>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);
static ENTRIES: Mutex<Sorted<Key, Vec<Entry>>> = Mutex::new(Sorted::new());

/// What is registered under a key before a call. Only that ends with the call: what another thread
/// registers meanwhile may be what the plugin has afterwards.
pub struct Registered {
    key: Key,
    before: u64,
}

impl Registered {
    /// What the function registered so far.
    pub fn under(api: &'static Api, function: &'static str, key: &[u8]) -> Registered {
        Registered {
            key: (std::ptr::from_ref(api).addr(), function, key.to_vec()),
            before: NEXT.load(Ordering::Relaxed),
        }
    }

    /// The plugin calls it no more.
    pub fn end(self) {
        self.replace(None);
    }

    fn replace(self, entry: Option<Entry>) {
        let mut entries = ENTRIES.lock().unwrap_or_else(PoisonError::into_inner);
        let found = entries.remove(&self.key).unwrap_or_default();
        let (old, mut stay): (Vec<_>, Vec<_>) =
            found.into_iter().partition(|e| e.number < self.before);
        stay.extend(entry);
        if !stay.is_empty() {
            entries.insert(self.key, stay);
        }
        // Closures end outside the lock: they may register others.
        drop(entries);
        old.into_iter().for_each(|entry| (entry.empty)());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    type Closure = dyn Fn(usize) + Send + Sync;

    fn key(name: &str) -> Registered {
        Registered {
            key: (0, "PJRT_Test", name.as_bytes().to_vec()),
            before: NEXT.load(Ordering::Relaxed),
        }
    }

    fn counter() -> (Arc<AtomicUsize>, Arc<Closure>) {
        let count = Arc::new(AtomicUsize::new(0));
        let inner = count.clone();
        let closure = move |n| {
            inner.fetch_add(n, Ordering::SeqCst);
        };
        (count, Arc::new(closure))
    }

    fn call(data: *mut c_void) {
        // SAFETY: the tests give data of this type.
        unsafe {
            call_back::<Closure>(data, |f| {
                f(1);
                Ok(())
            })
        }
    }

    #[test]
    fn a_closure_is_called_until_its_registration_ends_and_then_freed() {
        let (count, closure) = counter();
        let kept = Kept::new(closure);
        let data = kept.data();
        kept.keep(key("ends"));
        call(data);
        assert_eq!(
            (count.load(Ordering::SeqCst), Arc::strong_count(&count)),
            (1, 2)
        );
        key("another").end();
        call(data);
        key("ends").end();
        call(data);
        assert_eq!(
            (count.load(Ordering::SeqCst), Arc::strong_count(&count)),
            (2, 1)
        );
    }

    #[test]
    fn a_registration_that_fails_frees_its_closure() {
        let (count, closure) = counter();
        let kept = Kept::new(closure);
        let data = kept.data();
        drop(kept);
        call(data);
        assert_eq!(
            (count.load(Ordering::SeqCst), Arc::strong_count(&count)),
            (0, 1)
        );
    }

    #[test]
    fn a_second_registration_ends_the_first_but_not_one_that_came_meanwhile() {
        let first = counter();
        Kept::new(first.1).keep(key("twice"));
        let (before, other) = (key("twice"), counter());
        Kept::new(other.1).keep(key("twice"));
        assert_eq!(Arc::strong_count(&first.0), 1);
        let last = counter();
        Kept::new(last.1).keep(before);
        assert_eq!(
            (Arc::strong_count(&other.0), Arc::strong_count(&last.0)),
            (2, 2)
        );
        key("twice").end();
        assert_eq!(
            (Arc::strong_count(&other.0), Arc::strong_count(&last.0)),
            (1, 1)
        );
    }

    #[test]
    fn a_closure_goes_when_the_plugin_lets_it_go() {
        let (count, closure) = counter();
        let kept = Kept::new(closure);
        let data = kept.data();
        assert!(!kept.ended());
        for _ in 0..2 {
            // SAFETY: the data is of this type.
            unsafe { let_go::<Closure>(data) };
            assert_eq!(Arc::strong_count(&count), 1);
        }
        assert!(kept.ended());
        kept.keep_for_good();
        call(data);
        assert_eq!(count.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn a_panic_stays_inside() {
        let closure: Arc<Closure> = Arc::new(|_| panic!("a closure that fails"));
        let kept = Kept::new(closure);
        let data = kept.data();
        kept.keep_for_good();
        call(data);
        call(data);
        call(std::ptr::null_mut());
    }
}
