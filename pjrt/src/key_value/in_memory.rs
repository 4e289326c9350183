//! A store for clients of one process.

use super::KeyValueStore;
use super::words::second;
use crate::CallbackError;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A store in the memory of this process, for several clients in it.
///
/// ```
/// use pjrt::{InMemoryStore, KeyValueStore};
/// use std::time::Duration;
///
/// let store = InMemoryStore::new();
/// store.put(b"address", b"10.0.0.1")?;
/// assert_eq!(store.get(b"address", Duration::ZERO)?.as_deref(), Some(&b"10.0.0.1"[..]));
/// assert_eq!(store.try_get(b"port")?, None);
/// # Ok::<(), pjrt::CallbackError>(())
/// ```
#[derive(Default)]
pub struct InMemoryStore {
    values: Mutex<BTreeMap<Vec<u8>, Vec<u8>>>,
    changed: Condvar,
}

impl InMemoryStore {
    /// A store with nothing in it.
    pub fn new() -> InMemoryStore {
        InMemoryStore::default()
    }

    fn values(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeyValueStore for InMemoryStore {
    fn get(&self, key: &[u8], timeout: Duration) -> Result<Option<Vec<u8>>, CallbackError> {
        // A time beyond what the clock can say is no limit.
        let deadline = Instant::now().checked_add(timeout);
        let mut values = self.values();
        loop {
            if let Some(value) = values.get(key) {
                return Ok(Some(value.clone()));
            }
            values = match deadline {
                None => self.changed.wait(values),
                Some(deadline) => {
                    let rest = deadline.saturating_duration_since(Instant::now());
                    if rest.is_zero() {
                        return Ok(None);
                    }
                    let woken = self.changed.wait_timeout(values, rest);
                    woken
                        .map(|(values, _)| values)
                        .map_err(|poisoned| PoisonError::new(poisoned.into_inner().0))
                }
            }
            .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn try_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CallbackError> {
        Ok(self.values().get(key).cloned())
    }

    /// # Errors
    ///
    /// ALREADY_EXISTS for a second value under one key that is not the first.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), CallbackError> {
        match self.values().entry(key.to_vec()) {
            Entry::Occupied(first) => return second(key, first.get(), value),
            Entry::Vacant(place) => place.insert(value.to_vec()),
        };
        self.changed.notify_all();
        Ok(())
    }
}

impl fmt::Debug for InMemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemoryStore")
            .field("keys", &self.values().len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;
    use std::sync::Arc;

    #[test]
    fn a_value_that_comes_in_time_is_waited_for() {
        let store = Arc::new(InMemoryStore::new());
        let other = store.clone();
        let waiting = std::thread::spawn(move || other.get(b"k", Duration::MAX));
        store.put(b"other", b"1").unwrap();
        store.put(b"k", b"2").unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(Some(b"2".to_vec())));
        assert_eq!(store.get(b"none", Duration::from_millis(5)), Ok(None));
    }

    #[test]
    fn a_key_keeps_its_first_value() {
        let store = InMemoryStore::new();
        store.put(b"k", b"1").unwrap();
        store.put(b"k", b"1").unwrap();
        let error = store.put(b"k", b"2").unwrap_err();
        assert_eq!(error.code(), ErrorCode::ALREADY_EXISTS);
        assert_eq!(store.try_get(b"k"), Ok(Some(b"1".to_vec())));
    }
}
