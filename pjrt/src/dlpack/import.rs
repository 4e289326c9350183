//! Tensors that become buffers.

use super::{Tensor, refused, types};
use crate::host_array::reach;
use crate::transfer::keep_until;
use crate::upload::Given;
use crate::{Buffer, Client, Device, DeviceView, HostArray, HostBufferSemantics, Result};

/// What a tensor describes, once it is known to make sense.
struct Described {
    given: Given,
    dims: Vec<i64>,
    /// Where the first element is, from the lowest one on.
    first: usize,
    /// In bytes; none for row-major order.
    strides: Option<Vec<i64>>,
}

impl Client {
    /// Makes a buffer of a tensor of DLPack, on the client's first addressable device or the one
    /// given. The tensor's deleter is called when its memory is not needed any more.
    ///
    /// Memory of the host is used where it lies if the plugin can: the CPU plugin, if it begins at
    /// a multiple of 64 bytes and is in row-major order; otherwise it is copied. Device memory is
    /// used where it lies; it must be in row-major order, on a device of this client. A run that the
    /// buffer is donated to writes there only if the tensor does not say that it must not.
    ///
    /// Calls `PJRT_Client_BufferFromHostBuffer`, with the semantics `IMMUTABLE_ZERO_COPY`, or
    /// `PJRT_Client_CreateViewOfDeviceBuffer`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for elements that PJRT does not have or that are less than a byte, elements
    /// that are not aligned, numbers that make no sense, and memory that the client cannot use; otherwise as
    /// [`Client::buffer_from_array`]. The deleter is then called.
    pub fn buffer_from_dlpack(&self, tensor: Tensor, device: Option<&Device>) -> Result<Buffer> {
        let described = described(&tensor)?;
        if types::is_on_host(tensor.tensor().device) {
            return self.buffer_of_host_tensor(tensor, &described, device);
        }
        self.buffer_of_device_tensor(tensor, described, device)
    }

    fn buffer_of_host_tensor(
        &self,
        tensor: Tensor,
        described: &Described,
        device: Option<&Device>,
    ) -> Result<Buffer> {
        let mut place = HostArray::new(&described.dims);
        if let Some(strides) = &described.strides {
            place = place.strides(described.first, strides);
        }
        if let Some(device) = device {
            place = place.on(device);
        }
        let semantics = HostBufferSemantics::IMMUTABLE_ZERO_COPY;
        // SAFETY: whoever made the tensor vouches for its memory, which is only read and which the
        // tensor keeps until the event.
        let uploaded = unsafe { self.upload_bytes(&described.given, &place, semantics) }?;
        keep_until(uploaded.done.as_ref(), tensor);
        uploaded.buffer
    }

    fn buffer_of_device_tensor(
        &self,
        tensor: Tensor,
        described: Described,
        device: Option<&Device>,
    ) -> Result<Buffer> {
        let place = tensor.tensor().device;
        let platform = self.platform_name()?;
        if !types::is_on_platform(place, platform) {
            return Err(refused(format!(
                "it is on a device of DLPack's kind {}, whose memory a client of the platform `{platform}` cannot use",
                place.device_type
            )));
        }
        if described.strides.is_some() {
            return Err(refused(
                "it is not in row-major order: device memory is used as it lies".to_owned(),
            ));
        }
        let owner = self.addressable_devices()?.into_iter();
        let owner = owner.map(|device| Ok((device.local_hardware_id()?, device)));
        let owner = owner.collect::<Result<Vec<_>>>()?.into_iter();
        let mut owner = owner.filter(|(number, _)| *number == place.device_id);
        let Some((_, owner)) = owner.next() else {
            let problem = format!("the client has no device {}", place.device_id);
            return Err(refused(problem));
        };
        if let Some(device) = device
            && device.local_hardware_id()? != place.device_id
        {
            let problem = format!("it is on device {}, not on the one given", place.device_id);
            return Err(refused(problem));
        }
        let writable = !tensor.is_read_only();
        let view = DeviceView {
            address: described.given.address.cast_mut().cast(),
            element_type: described.given.element_type,
            dims: &described.dims,
            layout: None,
            device: Some(&owner),
            memory: None,
            stream: 0,
        };
        // SAFETY: whoever made the tensor vouches for its memory, which stays until the tensor is
        // dropped; writing is prevented below unless it is allowed.
        let mut buffer = unsafe { self.view_of_device_memory(&view, move || drop(tensor)) }?;
        if !writable {
            // A run then copies instead of taking a donation.
            buffer.increase_external_reference_count()?;
        }
        Ok(buffer)
    }
}

/// Reads a tensor.
fn described(tensor: &Tensor) -> Result<Described> {
    let raw = tensor.tensor();
    let dtype = raw.dtype;
    let element_type = types::from_dlpack(dtype).ok_or_else(|| {
        refused(format!(
            "its elements have code {}, {} bits and {} lanes: arrays have no such elements of whole bytes",
            dtype.code, dtype.bits, dtype.lanes
        ))
    })?;
    let size = element_type.host_size().unwrap_or(1);
    let dims = tensor.dims().to_vec();
    if usize::try_from(raw.ndim) != Ok(dims.len()) {
        return Err(refused(format!(
            "it has {} dimensions and no shape",
            raw.ndim
        )));
    }
    let senseless = || {
        refused(format!(
            "{dims:?} with strides {:?} are no array that memory can hold",
            tensor.strides()
        ))
    };
    let bytes = crate::client::element_count(&dims).and_then(|count| count.checked_mul(size));
    let bytes = bytes
        .filter(|bytes| isize::try_from(*bytes).is_ok())
        .ok_or_else(senseless)?;
    if raw.data.is_null() && bytes > 0 {
        return Err(refused(format!("null where {bytes} bytes must be")));
    }
    let given = |address: *const u8, count| Given {
        address,
        count,
        element_type,
        size,
    };
    // The plugin is given no null, not even for nothing.
    let none = std::ptr::NonNull::<u128>::dangling().as_ptr().cast::<u8>();
    if bytes == 0 {
        return Ok(Described {
            given: given(none, 0),
            dims,
            first: 0,
            strides: None,
        });
    }
    let offset = usize::try_from(raw.byte_offset).map_err(|_| senseless())?;
    let start = raw.data.cast::<u8>().wrapping_add(offset);
    // Plugins read whole elements; those of 16 bytes are pairs.
    let alignment = size.min(8);
    if start.addr() % alignment != 0 {
        return Err(refused(format!(
            "its elements begin at {start:p}, which is not a multiple of {alignment} bytes"
        )));
    }
    let dense = super::export::row_major(&dims).ok_or_else(senseless)?;
    // Where a dimension has one element, its stride means nothing.
    let strides = tensor.strides().filter(|strides| {
        let mut all = strides.iter().zip(&dense).zip(&dims);
        !all.all(|((stride, dense), dim)| stride == dense || *dim == 1)
    });
    let Some(strides) = strides else {
        return Ok(Described {
            given: given(start, bytes / size),
            dims,
            first: 0,
            strides: None,
        });
    };
    let wide = i64::try_from(size).map_err(|_| senseless())?;
    let strides = strides.iter().map(|stride| stride.checked_mul(wide));
    let strides = strides
        .collect::<Option<Vec<i64>>>()
        .ok_or_else(senseless)?;
    let extent = reach(&dims, &strides).and_then(|(low, high)| {
        let first = usize::try_from(low.checked_neg()? / i128::from(wide)).ok()?;
        let count = usize::try_from(high.checked_sub(low)? / i128::from(wide) + 1).ok()?;
        isize::try_from(count.checked_mul(size)?).ok()?;
        Some((first, count))
    });
    let (first, count) = extent.ok_or_else(senseless)?;
    Ok(Described {
        given: given(start.wrapping_sub(first * size), count),
        dims,
        first,
        strides: Some(strides),
    })
}
