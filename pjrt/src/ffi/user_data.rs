//! Values that a run hands to its handlers.

use super::xla::Xla;
use super::{Error, known};
use crate::rt::{self, Api, Handle, OnPlugin};
use crate::sys::{self, ffi_api as c};
use crate::{ExecuteContext, Plugin, Result, raw};
use std::fmt;
use std::marker::PhantomData;

/// A type under which values are handed to handlers through an [`ExecuteContext`], known to one
/// plugin.
pub struct UserType<T> {
    api: &'static Api,
    id: i64,
    data: PhantomData<fn(&T)>,
}

impl<T: Sync + 'static> UserType<T> {
    /// Tells a plugin of a type. The name must be new to the plugin.
    ///
    /// Calls `PJRT_FFI_Type_Register`.
    ///
    /// # Errors
    ///
    /// `INTERNAL` if the name is taken; [`crate::Error::NoExtension`] if the plugin lacks the
    /// extension.
    pub fn register(plugin: &Plugin, name: &str) -> Result<UserType<T>> {
        let api = OnPlugin::api(plugin);
        Ok(UserType {
            api,
            id: known::register_type(api, name, None)?,
            data: PhantomData,
        })
    }

    /// Adds a value to what a context hands to handlers. A context takes one of each type.
    ///
    /// Calls `PJRT_FFI_UserData_Add`.
    ///
    /// # Errors
    ///
    /// `INTERNAL` if the context has one of this type; `ForeignHandle` if it is another plugin's.
    pub fn add(&self, context: &mut ExecuteContext, value: &'static T) -> Result<()> {
        if !std::ptr::eq(Handle::api(context), self.api) {
            return Err(crate::Error::ForeignHandle {
                function: "PJRT_FFI_UserData_Add",
                argument: "context",
                must_share: "plugin",
            });
        }
        let table = self.api.extension::<raw::ffi::Table>()?;
        let mut data = sys::ffi::PJRT_FFI_UserData::zeroed();
        data.type_id = self.id;
        data.data = std::ptr::from_ref(value).cast_mut().cast();
        let input = raw::ffi::FfiUserDataAddIn::new(rt::Handle::as_raw(context), data);
        // SAFETY: the context is live and borrowed by nobody else; the value lives as long as the
        // process, and is only read: handlers get it as `&T`.
        unsafe { raw::ffi::ffi_user_data_add(table, input) }?;
        Ok(())
    }
}

impl<T> UserType<T> {
    /// The id, for a handler that the plugin calls.
    pub(super) fn id_for(&self, xla: &Xla) -> std::result::Result<c::XLA_FFI_TypeId, Error> {
        if !known::belongs(xla, self.api) {
            return Err(Error::invalid_argument(
                "the user type is registered with another plugin than the one that calls",
            ));
        }
        Ok(c::XLA_FFI_TypeId { type_id: self.id })
    }
}

impl<T> Clone for UserType<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for UserType<T> {}

impl<T> fmt::Debug for UserType<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserType")
            .field("id", &self.id)
            .field("plugin", &self.api.name())
            .finish()
    }
}
