//! Options of a client.

use crate::KeyValueStore;
use std::fmt;
use std::sync::Arc;

/// How a client is created. The default leaves everything to the plugin.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// use pjrt::{ClientOptions, Plugin};
///
/// let options = ClientOptions::new().cpu_device_count(3);
/// let client = Plugin::find("cpu")?.create_client(&options)?;
/// assert_eq!(client.devices()?.len(), 3);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientOptions {
    pub(crate) cpu_device_count: Option<u32>,
    pub(crate) store: Option<Store>,
}

/// A store, which is equal to itself only.
#[derive(Clone)]
pub(crate) struct Store(pub(crate) Arc<dyn KeyValueStore>);

impl PartialEq for Store {
    fn eq(&self, other: &Store) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Store {}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyValueStore")
    }
}

impl ClientOptions {
    /// Leaves everything to the plugin.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many devices the CPU plugin shows (4 by default in the measured one). Other plugins
    /// refuse it.
    #[must_use]
    pub fn cpu_device_count(mut self, count: u32) -> Self {
        self.cpu_device_count = Some(count);
        self
    }

    /// The store through which the client exchanges data with those of other processes. The client
    /// keeps it until it is destroyed; the plugin is given its callbacks, those that do not wait
    /// since PJRT 0.62. Platforms of one process, such as CPU, never ask it.
    #[must_use]
    pub fn key_value_store(mut self, store: Arc<dyn KeyValueStore>) -> Self {
        self.store = Some(Store(store));
        self
    }
}
