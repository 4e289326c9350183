//! Options of a client.

mod check;
mod value;

pub(crate) use check::platform_of;
pub use value::ClientOptionValue;

use crate::KeyValueStore;
use crate::rt::Platform;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

pjrt_macros::generate!(platform cpu);
pjrt_macros::generate!(platform cuda);
pjrt_macros::generate!(platform tpu);

/// The platforms whose options are known.
const PLATFORMS: [&Platform; 3] = [
    CpuClientOptions::PLATFORM,
    CudaClientOptions::PLATFORM,
    TpuClientOptions::PLATFORM,
];

/// How a client is created. The default leaves everything to the plugin.
///
/// [`ClientOptions::cpu`], [`ClientOptions::cuda`] and [`ClientOptions::tpu`] have a method for each
/// option that their plugins know; [`ClientOptions::set`] takes a name.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// use pjrt::{ClientOptions, Plugin};
///
/// let options = ClientOptions::cpu().device_count(3);
/// let client = Plugin::find("cpu")?.create_client(&options)?;
/// assert_eq!(client.devices()?.len(), 3);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClientOptions {
    platform: Option<&'static Platform>,
    given: Vec<Given>,
    pub(crate) store: Option<Store>,
}

/// An option that was set.
#[derive(Clone, Debug, PartialEq)]
struct Given {
    name: Cow<'static, str>,
    value: ClientOptionValue,
    /// The caller says that it need not be listed.
    unlisted: bool,
}

/// A store, which is equal to itself only.
#[derive(Clone)]
pub(crate) struct Store(pub(crate) Arc<dyn KeyValueStore>);

impl PartialEq for Store {
    fn eq(&self, other: &Store) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

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

    /// Options of the CPU plugin. Plugins of other platforms are not given them.
    pub fn cpu() -> CpuClientOptions {
        CpuClientOptions::new()
    }

    /// Options of the CUDA plugin. Plugins of other platforms are not given them.
    pub fn cuda() -> CudaClientOptions {
        CudaClientOptions::new()
    }

    /// Options of the TPU plugin. Plugins of other platforms are not given them.
    pub fn tpu() -> TpuClientOptions {
        TpuClientOptions::new()
    }

    /// Sets an option by its name; one that was set before is replaced.
    ///
    /// When the client is created, name, type and range are compared with what is known of the
    /// plugin's platform, and what does not fit is refused with what was expected: some plugins end
    /// the process on a value of another type. Of a plugin for another platform than those that
    /// are known, options that are known elsewhere must be as they are there, and all others are
    /// sent as they are.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<ClientOptionValue>) -> Self {
        self.put(Cow::Owned(name.into()), value.into(), false);
        self
    }

    /// As [`ClientOptions::set`], for an option that is newer than this crate: a name that is not
    /// known is sent, and it is for the plugin to refuse it. Not to CPU plugins, which do not
    /// survive a wrong type.
    #[must_use]
    pub fn set_unlisted(
        mut self,
        name: impl Into<String>,
        value: impl Into<ClientOptionValue>,
    ) -> Self {
        self.put(Cow::Owned(name.into()), value.into(), true);
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

    /// No option of a platform is set yet.
    #[doc(hidden)]
    pub fn for_platform(platform: &'static Platform) -> Self {
        ClientOptions {
            platform: Some(platform),
            ..Self::default()
        }
    }

    /// Sets an option that the platform lists.
    #[doc(hidden)]
    pub fn listed(&mut self, name: &'static str, value: ClientOptionValue) {
        self.put(Cow::Borrowed(name), value, false);
    }

    fn put(&mut self, name: Cow<'static, str>, value: ClientOptionValue, unlisted: bool) {
        self.given.retain(|given| given.name != name);
        self.given.push(Given {
            name,
            value,
            unlisted,
        });
    }
}
