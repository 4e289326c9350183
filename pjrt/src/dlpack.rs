//! Tensors of DLPack: arrays that go to other libraries and come from them without a copy.
//!
//! [`Buffer::into_dlpack`] makes a [`Tensor`] of a buffer, and [`Client::buffer_from_dlpack`] a buffer
//! of a tensor. What crosses the border to another library is a pointer to one of DLPack's structs:
//! [`Tensor::into_raw`] gives it and [`Tensor::from_raw`] takes one.
//!
//! ```
//! use pjrt::dlpack::Tensor;
//!
//! # pjrt_doc::ready("cpu");
//! # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
//! let buffer = client.buffer_from_slice(&[1.0f32, 2.0, 3.0], &[3])?;
//! let tensor = buffer.into_dlpack().map_err(|failed| failed.1)?;
//! assert_eq!(tensor.dims(), [3]);
//! // Another library gets the pointer, and whoever has it last calls its deleter.
//! let raw = tensor.into_raw();
//!
//! // SAFETY: the pointer is the one from above, and nobody else has it.
//! let tensor = unsafe { Tensor::from_raw(raw) }?;
//! let again = client.buffer_from_dlpack(tensor, None)?;
//! assert_eq!(again.to_vec::<f32>()?, [1.0, 2.0, 3.0]);
//! # Ok::<(), pjrt::Error>(())
//! ```

mod export;
mod import;
mod types;

pub use dlpack_rs::ffi;

use crate::rt;
use crate::{Error, Result};
use ffi::{DLManagedTensor, DLManagedTensorVersioned, DLTensor};
use std::fmt;

#[cfg(doc)]
use crate::{Buffer, Client};

/// The flag that says that nobody may write to the memory.
const READ_ONLY: u64 = ffi::DLPACK_FLAG_BITMASK_READ_ONLY;

/// The struct of one of the two generations of DLPack.
#[derive(Clone, Copy)]
enum Raw {
    Versioned(*mut DLManagedTensorVersioned),
    Legacy(*mut DLManagedTensor),
}

/// A tensor of DLPack, which belongs to this: dropping it calls its deleter.
pub struct Tensor {
    raw: Raw,
}

// SAFETY: whoever makes one vouches that the deleter may be called on any thread; the memory is only
// read.
unsafe impl Send for Tensor {}
// SAFETY: as above; a shared reference gives nothing that changes.
unsafe impl Sync for Tensor {}

impl Tensor {
    /// Takes a tensor over.
    ///
    /// # Safety
    ///
    /// The pointer is what a library's DLPack export gave, or null, and nobody else will call the
    /// deleter, which may be called on any thread. Until it is called, the memory that the tensor
    /// describes stays and nobody writes to it; on a device, what was to be written is there.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for null, and for a tensor of another major version than 1, whose deleter
    /// is then called.
    pub unsafe fn from_raw(raw: *mut DLManagedTensorVersioned) -> Result<Tensor> {
        if raw.is_null() {
            return Err(refused("null where a tensor must be".to_owned()));
        }
        let tensor = Tensor {
            raw: Raw::Versioned(raw),
        };
        // SAFETY: the caller's promise; the version is where it is in all versions.
        let version = unsafe { (*raw).version };
        if version.major == ffi::DLPACK_MAJOR_VERSION {
            return Ok(tensor);
        }
        Err(refused(format!(
            "it has version {}.{} of DLPack, and only {}.x is known",
            version.major,
            version.minor,
            ffi::DLPACK_MAJOR_VERSION
        )))
    }

    /// Takes a tensor of the kind before version 1.0 over.
    ///
    /// # Safety
    ///
    /// As [`Tensor::from_raw`].
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for null.
    pub unsafe fn from_legacy(raw: *mut DLManagedTensor) -> Result<Tensor> {
        if raw.is_null() {
            return Err(refused("null where a tensor must be".to_owned()));
        }
        Ok(Tensor {
            raw: Raw::Legacy(raw),
        })
    }

    /// Gives the tensor up to another library, which calls its deleter. One of the kind before
    /// version 1.0 is wrapped.
    pub fn into_raw(self) -> *mut DLManagedTensorVersioned {
        match self.raw {
            Raw::Versioned(raw) => {
                std::mem::forget(self);
                raw
            }
            Raw::Legacy(_) => export::versioned(self),
        }
    }

    /// The tensor as the kind before version 1.0, for libraries that take no other. That cannot say
    /// that nobody may write to the memory, which still holds: see [`Tensor::is_read_only`].
    pub fn into_legacy(self) -> *mut DLManagedTensor {
        match self.raw {
            Raw::Legacy(raw) => {
                std::mem::forget(self);
                raw
            }
            Raw::Versioned(_) => export::legacy(self),
        }
    }

    /// What the tensor is.
    pub fn tensor(&self) -> &DLTensor {
        // SAFETY: the struct lives until the deleter is called, which this does when it is dropped.
        unsafe {
            match self.raw {
                Raw::Versioned(raw) => &(*raw).dl_tensor,
                Raw::Legacy(raw) => &(*raw).dl_tensor,
            }
        }
    }

    /// Its dimensions; empty if they cannot be read.
    pub fn dims(&self) -> &[i64] {
        let tensor = self.tensor();
        // SAFETY: there are as many as the tensor says, and they live as long as it.
        unsafe { numbers(tensor.shape, tensor.ndim) }.unwrap_or_default()
    }

    /// How many elements apart neighbours are in each dimension; none if they lie in row-major
    /// order.
    pub fn strides(&self) -> Option<&[i64]> {
        let tensor = self.tensor();
        // SAFETY: there are as many as the tensor says, and they live as long as it.
        unsafe { numbers(tensor.strides, tensor.ndim) }
    }

    /// Whether nobody may write to the memory. Tensors of the kind before version 1.0 do not tell.
    pub fn is_read_only(&self) -> bool {
        match self.raw {
            // SAFETY: the struct lives as long as this.
            Raw::Versioned(raw) => unsafe { (*raw).flags & READ_ONLY != 0 },
            Raw::Legacy(_) => true,
        }
    }
}

/// Numbers of which there are as many as dimensions.
///
/// # Safety
///
/// A pointer that is not null has as many, for as long as the lifetime.
unsafe fn numbers<'a>(start: *const i64, count: i32) -> Option<&'a [i64]> {
    let count = usize::try_from(count).ok()?;
    if start.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(start, count) })
}

impl Drop for Tensor {
    fn drop(&mut self) {
        let raw = Deleted(self.raw);
        // A deleter may do what must not be done on a thread of the plugin.
        rt::destroy(move || raw.call());
    }
}

/// A tensor on its way to its deleter.
struct Deleted(Raw);

// SAFETY: as for the tensor: the deleter may be called on any thread.
unsafe impl Send for Deleted {}

impl Deleted {
    fn call(self) {
        // SAFETY: the tensor is live, and nobody uses it after this; the deleter is its own.
        unsafe {
            match self.0 {
                Raw::Versioned(raw) => {
                    if let Some(deleter) = (*raw).deleter {
                        deleter(raw);
                    }
                }
                Raw::Legacy(raw) => {
                    if let Some(deleter) = (*raw).deleter {
                        deleter(raw);
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tensor = self.tensor();
        let dtype = tensor.dtype;
        f.debug_struct("Tensor")
            .field("dtype", &(dtype.code, dtype.bits, dtype.lanes))
            .field("dims", &self.dims())
            .field("strides", &self.strides())
            .field(
                "device",
                &(tensor.device.device_type, tensor.device.device_id),
            )
            .finish_non_exhaustive()
    }
}

fn refused(problem: String) -> Error {
    Error::InvalidArgument {
        function: "DLPack",
        argument: "tensor",
        problem,
    }
}
