//! A small map.

use std::borrow::Borrow;
use std::fmt;

/// Values by key, in a list in the order of the keys.
///
/// It has few entries, or entries that come in the order of their keys. The standard library's tree
/// is compiled anew for every pair of types, and takes fifteen times the code.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Sorted<K, V>(Vec<(K, V)>);

impl<K, V> Sorted<K, V> {
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Sorted(Vec::new())
    }
}

impl<K: Ord, V> Sorted<K, V> {
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|(own, _)| own.borrow().cmp(key))
    }

    /// The value of a key.
    pub(crate) fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Puts a value in, and gives the one that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        match self.find(&key) {
            Ok(at) => {
                let (_, own) = self.0.get_mut(at)?;
                Some(std::mem::replace(own, value))
            }
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes a value out.
    pub(crate) fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(self.0.remove(at).1)
    }
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Sorted::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Sorted<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.0.iter().map(|(k, v)| (k, v)))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_by_key_whatever_order_they_came_in() {
        let mut map = Sorted::new();
        for key in [5, 1, 3] {
            assert_eq!(map.insert(key, key * 10), None);
        }
        assert_eq!(map.insert(3, 7), Some(30));
        assert_eq!(format!("{map:?}"), "{1: 10, 3: 7, 5: 50}");
        assert_eq!((map.get(&1), map.get(&2)), (Some(&10), None));
        assert_eq!((map.remove(&1), map.remove(&1)), (Some(10), None));
        assert_eq!((map.get(&3), map.get(&5)), (Some(&7), Some(&50)));
    }
}
