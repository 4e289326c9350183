//! Options of a client.

/// How a client is created. The default leaves everything to the plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientOptions {
    pub(crate) cpu_device_count: Option<u32>,
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
}
