//! Buffers that become tensors.

use super::ffi::{
    DLManagedTensor, DLManagedTensorVersioned, DLPACK_FLAG_BITMASK_READ_ONLY, DLPACK_MAJOR_VERSION,
    DLPACK_MINOR_VERSION, DLPackVersion, DLTensor,
};
use super::{Raw, Tensor, types};
use crate::rt;
use crate::{Buffer, Error, MemoryLayout, Result};
use std::ptr;

/// A tensor and what it lives on.
struct Exported<T, K> {
    tensor: T,
    dims: Vec<i64>,
    strides: Vec<i64>,
    kept: K,
}

/// A buffer whose memory stays where it is.
struct Pinned(Buffer);

impl Drop for Pinned {
    fn drop(&mut self) {
        // An error has nobody to go to, and the buffer goes next.
        let _ = self.0.decrease_external_reference_count();
    }
}

impl Buffer {
    /// Makes a tensor of DLPack of the array, without a copy, once its contents are there. The
    /// buffer's memory stays until the tensor's deleter is called. Nobody may write to it, which the
    /// tensor says too: work that was begun with the buffer may still read it, and host memory that
    /// was lent to the buffer may be shared.
    ///
    /// Calls `PJRT_Buffer_IncreaseExternalReferenceCount` and
    /// `PJRT_Buffer_OpaqueDeviceMemoryDataPointer` (since PJRT 0.19).
    ///
    /// # Errors
    ///
    /// The buffer comes back with the error: `InvalidArgument` for a deleted buffer, elements of
    /// less than a byte, a layout that is not row-major, and memory of which DLPack does not know
    /// (it knows that of CPUs, CUDA and ROCm); the error of the work that makes the array; what the
    /// plugin reports.
    pub fn into_dlpack(mut self) -> std::result::Result<Tensor, Box<(Buffer, Error)>> {
        match self.pinned_tensor() {
            Ok((tensor, dims, strides)) => Ok(Tensor {
                raw: Raw::Versioned(managed(tensor, dims, strides, Pinned(self))),
            }),
            Err(error) => Err(Box::new((self, error))),
        }
    }

    /// Describes the array and counts a reference on its memory.
    fn pinned_tensor(&mut self) -> Result<(DLTensor, Vec<i64>, Vec<i64>)> {
        const FUNCTION: &str = "PJRT_Buffer_OpaqueDeviceMemoryDataPointer";
        let refused = |problem: String| Error::InvalidArgument {
            function: FUNCTION,
            argument: "self",
            problem,
        };
        self.check_alive(FUNCTION)?;
        let element_type = self.element_type()?;
        let dtype = types::to_dlpack(element_type).ok_or_else(|| {
            refused(format!(
                "the elements are {element_type}, which DLPack tensors cannot share"
            ))
        })?;
        let dims = self.dimensions()?.to_vec();
        let layout = self.memory_layout()?;
        if layout != MemoryLayout::row_major(dims.len()) {
            return Err(refused(format!(
                "its layout is {layout:?}, and not row-major"
            )));
        }
        let strides = row_major(&dims)
            .ok_or_else(|| refused(format!("{dims:?} are not dimensions that memory can hold")))?;
        let client = self
            .client()
            .ok_or_else(|| refused("it belongs to no client".to_owned()))?;
        let platform = client.platform_name()?;
        let kind = match platform {
            "cpu" => String::new(),
            _ => self.memory()?.kind()?.to_owned(),
        };
        let number = self.device()?.local_hardware_id()?;
        let device = types::place(platform, &kind, number).ok_or_else(|| {
            refused(format!(
                "DLPack has no name for memory `{kind}` of the platform `{platform}`"
            ))
        })?;
        self.ready_event()?.wait()?;
        let ndim = i32::try_from(dims.len())
            .map_err(|_| refused(format!("{} dimensions are too many", dims.len())))?;
        self.increase_external_reference_count()?;
        let data = match self.opaque_device_memory_data_pointer() {
            Ok(data) => data,
            Err(error) => {
                let _ = self.decrease_external_reference_count();
                return Err(error);
            }
        };
        let tensor = DLTensor {
            data,
            device,
            ndim,
            dtype,
            shape: ptr::null_mut(),
            strides: ptr::null_mut(),
            byte_offset: 0,
        };
        Ok((tensor, dims, strides))
    }
}

/// How many elements apart neighbours are in row-major order.
pub(super) fn row_major(dims: &[i64]) -> Option<Vec<i64>> {
    let mut strides = vec![0; dims.len()];
    let mut step = 1i64;
    for (stride, dim) in strides.iter_mut().zip(dims).rev() {
        *stride = step;
        // Where there are no elements the steps do not matter.
        step = step.checked_mul((*dim).max(1))?;
    }
    Some(strides)
}

/// Puts a struct where it stays, with what it lives on.
fn leaked<T, K>(tensor: T, dims: Vec<i64>, strides: Vec<i64>, kept: K) -> *mut Exported<T, K> {
    Box::into_raw(Box::new(Exported {
        tensor,
        dims,
        strides,
        kept,
    }))
}

/// Frees what [`leaked`] made, and lets go of what it lived on.
///
/// # Safety
///
/// The pointer is from there, and nobody uses it after this.
unsafe fn freed<T, K: Send + 'static>(whole: *mut Exported<T, K>) {
    // SAFETY: the caller's promise.
    let Exported { kept, .. } = *unsafe { Box::from_raw(whole) };
    rt::destroy(move || drop(kept));
}

/// A tensor that nobody may write to, with what it lives on.
fn managed<K: Send + 'static>(
    tensor: DLTensor,
    dims: Vec<i64>,
    strides: Vec<i64>,
    kept: K,
) -> *mut DLManagedTensorVersioned {
    unsafe extern "C" fn delete<K: Send + 'static>(tensor: *mut DLManagedTensorVersioned) {
        // SAFETY: the context is what was put there below, and this is the last use.
        unsafe {
            freed(
                (*tensor)
                    .manager_ctx
                    .cast::<Exported<DLManagedTensorVersioned, K>>(),
            )
        };
    }
    let version = DLPackVersion {
        major: DLPACK_MAJOR_VERSION,
        minor: DLPACK_MINOR_VERSION,
    };
    let tensor = DLManagedTensorVersioned {
        version,
        manager_ctx: ptr::null_mut(),
        deleter: Some(delete::<K>),
        flags: DLPACK_FLAG_BITMASK_READ_ONLY,
        dl_tensor: tensor,
    };
    let whole = leaked(tensor, dims, strides, kept);
    // SAFETY: the struct is where it stays, and nobody else has it yet.
    unsafe {
        (*whole).tensor.dl_tensor.shape = (*whole).dims.as_mut_ptr();
        (*whole).tensor.dl_tensor.strides = (*whole).strides.as_mut_ptr();
        (*whole).tensor.manager_ctx = whole.cast();
        &raw mut (*whole).tensor
    }
}

/// As [`managed`], of the kind before version 1.0.
fn managed_legacy<K: Send + 'static>(
    tensor: DLTensor,
    dims: Vec<i64>,
    strides: Vec<i64>,
    kept: K,
) -> *mut DLManagedTensor {
    unsafe extern "C" fn delete<K: Send + 'static>(tensor: *mut DLManagedTensor) {
        // SAFETY: the context is what was put there below, and this is the last use.
        unsafe { freed((*tensor).manager_ctx.cast::<Exported<DLManagedTensor, K>>()) };
    }
    let tensor = DLManagedTensor {
        dl_tensor: tensor,
        manager_ctx: ptr::null_mut(),
        deleter: Some(delete::<K>),
    };
    let whole = leaked(tensor, dims, strides, kept);
    // SAFETY: the struct is where it stays, and nobody else has it yet.
    unsafe {
        (*whole).tensor.dl_tensor.shape = (*whole).dims.as_mut_ptr();
        (*whole).tensor.dl_tensor.strides = (*whole).strides.as_mut_ptr();
        (*whole).tensor.manager_ctx = whole.cast();
        &raw mut (*whole).tensor
    }
}

/// What a tensor says of itself, with numbers of our own.
fn copied(tensor: &Tensor) -> (DLTensor, Vec<i64>, Vec<i64>) {
    let dims = tensor.dims().to_vec();
    let strides = match tensor.strides() {
        Some(strides) => strides.to_vec(),
        None => row_major(&dims).unwrap_or_default(),
    };
    (*tensor.tensor(), dims, strides)
}

/// A tensor of the kind before version 1.0 as one of today's.
pub(super) fn versioned(tensor: Tensor) -> *mut DLManagedTensorVersioned {
    let (described, dims, strides) = copied(&tensor);
    managed(described, dims, strides, tensor)
}

/// A tensor of today's kind as one from before version 1.0.
pub(super) fn legacy(tensor: Tensor) -> *mut DLManagedTensor {
    let (described, dims, strides) = copied(&tensor);
    managed_legacy(described, dims, strides, tensor)
}
