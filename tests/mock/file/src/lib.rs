//! The mock plugin as a shared library: what it poses as stands in the environment, as
//! [`pjrt_mock::api_of_environment`] says.

use pjrt_sys as sys;

/// Gives the table of the plugin that the environment describes, null if it describes none.
#[unsafe(no_mangle)]
pub extern "C" fn GetPjrtApi() -> *const sys::PJRT_Api {
    pjrt_mock::api_of_environment()
}
