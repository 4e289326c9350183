//! How often each function was called.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Calls by function.
#[derive(Default)]
pub(crate) struct Counts(Mutex<BTreeMap<&'static str, u64>>);

impl Counts {
    pub(crate) fn add(&self, function: &'static str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry(function).or_default() += 1;
    }

    pub(crate) fn of(&self, function: &str) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get(function).copied().unwrap_or(0)
    }
}
