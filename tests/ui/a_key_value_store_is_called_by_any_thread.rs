//! A plugin calls a key-value store from its threads, several at once.

use pjrt::{CallbackError, KeyValueStore};
use std::cell::RefCell;
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

struct Shared(std::rc::Rc<()>);

impl KeyValueStore for Shared {
    fn get(&self, _: &[u8], _: Duration) -> Result<Option<Vec<u8>>, CallbackError> {
        Ok(Some(vec![self.0.as_ref() as *const () as u8]))
    }
    fn try_get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, CallbackError> {
        Ok(None)
    }
    fn put(&self, _: &[u8], _: &[u8]) -> Result<(), CallbackError> {
        Ok(())
    }
}

fn main() {}
