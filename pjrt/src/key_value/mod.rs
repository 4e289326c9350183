//! Key-value stores: how the processes of a distributed program find each other.

mod callbacks;
mod directory;
mod file_name;
mod in_memory;
mod record;
#[cfg(feature = "redis")]
mod redis;
mod waits;
mod words;

#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub(crate) use callbacks::Callbacks;
pub use directory::DirectoryStore;
pub use in_memory::InMemoryStore;

use crate::CallbackError;
#[cfg(pjrt_mutant = "kv_store_not_sync")]
use crate::rt::guard::{Anything as Send, Anything as Sync};
use std::time::Duration;

/// What the processes of a distributed program exchange data through while their clients are
/// created and run: each puts what it has under a key, and waits for what others put.
///
/// There are three: [`InMemoryStore`] for clients of one process, [`DirectoryStore`] for processes
/// that share a folder, and, with the feature `redis`, `RedisStore` for processes on several machines.
/// In each a key keeps its first value; where it is put once more nothing happens.
///
/// A plugin calls from threads of its own, several at once, as long as the client lives. Keys and
/// values are bytes. A panic in a method is told the plugin as the error INTERNAL. What comes too
/// late is told as DEADLINE_EXCEEDED, and what is not there as NOT_FOUND.
///
/// A program may exchange data of its own through the store that its plugin uses, under keys that
/// start with its name.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// use pjrt::{ClientOptions, InMemoryStore, KeyValueStore, Plugin};
/// use std::sync::Arc;
///
/// let store: Arc<dyn KeyValueStore> = Arc::new(InMemoryStore::default());
/// let options = ClientOptions::new().key_value_store(store);
/// let client = Plugin::find("cpu")?.create_client(&options)?;
/// # Ok::<(), pjrt::Error>(())
/// ```
pub trait KeyValueStore: Send + Sync + 'static {
    /// The value of a key, once somebody has put it; none if nobody does in time. A plugin that
    /// wants to wait without end gives [`Duration::MAX`].
    ///
    /// # Errors
    ///
    /// What keeps the store from answering; the plugin is told.
    fn get(&self, key: &[u8], timeout: Duration) -> Result<Option<Vec<u8>>, CallbackError>;

    /// The value of a key, if there is one now. Does not wait.
    ///
    /// # Errors
    ///
    /// What keeps the store from answering; the plugin is told.
    fn try_get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, CallbackError>;

    /// Puts a value under a key. What a second value under one key does is the store's to say.
    ///
    /// # Errors
    ///
    /// What keeps the store from taking it; the plugin is told.
    fn put(&self, key: &[u8], value: &[u8]) -> Result<(), CallbackError>;
}
