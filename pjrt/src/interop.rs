//! Objects that code which binds PJRT by itself hands over, or is handed.
//!
//! Every handle has `as_raw`, which lends the C object, and `from_raw`, which takes one over.
//! Handles with one owner, such as [`crate::Buffer`], are given up by `into_raw`; those that are
//! counted, such as [`crate::Client`], can stand for an object of somebody else's by `borrow_raw`.
//! [`crate::Plugin::as_raw`] gives the plugin's own table, and [`crate::Plugin::from_api`] takes one.
//!
//! ```
//! use pjrt::{Buffer, Client, Plugin};
//!
//! # pjrt_doc::ready("cpu");
//! let plugin = Plugin::find("cpu")?;
//! let client = plugin.create_client(&Default::default())?;
//! // A buffer goes to other code, which may use the plugin's table on it, and comes back.
//! let raw: *mut pjrt::sys::PJRT_Buffer = client.buffer_from_scalar(1.0f32)?.into_raw();
//! // SAFETY: the buffer is the one from above, of this client, and nobody else has it now.
//! let buffer = unsafe { Buffer::from_raw(&client, raw) }?;
//! assert_eq!(buffer.to_vec::<f32>()?, [1.0]);
//!
//! // SAFETY: `client` destroys the object, and outlives this one.
//! let same = unsafe { Client::borrow_raw(&plugin, client.as_raw()) }?;
//! assert_eq!(same.platform_name()?, "cpu");
//! # Ok::<(), pjrt::Error>(())
//! ```

use crate::rt::{self, Api, Borrow, Handle, OnPlugin, Owner};
use crate::{Error, Plugin, Result};
use std::ptr::NonNull;

/// What an object came from: the plugin, or a handle that has to outlive it.
pub trait Parent {
    /// The plugin.
    #[doc(hidden)]
    fn plugin(&self) -> &'static Api;

    /// What has to outlive the object.
    #[doc(hidden)]
    fn kept(&self) -> Option<Owner>;
}

impl Parent for Plugin {
    fn plugin(&self) -> &'static Api {
        OnPlugin::api(self)
    }

    fn kept(&self) -> Option<Owner> {
        None
    }
}

impl<H: Handle> Parent for H {
    fn plugin(&self) -> &'static Api {
        Handle::api(self)
    }

    fn kept(&self) -> Option<Owner> {
        rt::owner_of(self)
    }
}

fn there<H: Handle>(raw: *mut H::Raw) -> Result<NonNull<H::Raw>> {
    NonNull::new(raw).ok_or_else(|| Error::InvalidArgument {
        function: H::NAME,
        argument: "raw",
        problem: "null where an object must be".to_owned(),
    })
}

/// Takes an object over.
///
/// # Safety
///
/// As [`Handle::own`], and the object needs no more than its parent.
pub unsafe fn from_raw<H: Handle>(parent: &impl Parent, raw: *mut H::Raw) -> Result<H> {
    let api = parent.plugin();
    rt::destructor::<H>(api)?;
    let raw = there::<H>(raw)?;
    // SAFETY: the caller's promise.
    Ok(unsafe { H::own(api, raw, parent.kept()) })
}

/// Stands for an object of somebody else's.
///
/// # Safety
///
/// As [`Borrow::borrow`], with nobody but the caller who keeps the object alive.
pub unsafe fn borrow_raw<H: Borrow>(parent: &impl Parent, raw: *mut H::Raw) -> Result<H> {
    let raw = there::<H>(raw)?;
    let owner = Owner::of_others::<H>(parent.plugin(), raw, parent.kept());
    // SAFETY: the caller's promise.
    Ok(unsafe { H::borrow(raw, owner) })
}
