//! A key-value store that several threads must not use at once is none.

use pjrt::{CallbackError, ClientOptions, KeyValueStore};
use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

struct Store(RefCell<Vec<u8>>);

impl KeyValueStore for Store {
    fn get(&self, _: &[u8], _: Duration) -> Result<Option<Vec<u8>>, CallbackError> {
        Ok(Some(self.0.borrow().clone()))
    }
    fn try_get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, CallbackError> {
        Ok(None)
    }
    fn put(&self, _: &[u8], value: &[u8]) -> Result<(), CallbackError> {
        self.0.replace(value.to_vec());
        Ok(())
    }
}

fn main() {
    let _ = ClientOptions::new().key_value_store(Arc::new(Store(RefCell::default())));
}
