//! Arrays in host memory on their way to a device.

use crate::client::element_count;
use crate::rt::{self, Handle, Lower, Place, guard};
use crate::transfer::keep_until;
use crate::{Buffer, Client, Device, Element, Error, Event, HostBufferSemantics, HostVec};
use crate::{Memory, MemoryLayout, Result, Transfer, raw};
use std::ptr;
use std::sync::Arc;

const UPLOAD: &str = "PJRT_Client_BufferFromHostBuffer";

/// An array among elements in host memory, and the place on a device that it goes to.
///
/// ```
/// use pjrt::HostArray;
///
/// // The columns of a row-major 2x3 matrix of f32 as rows.
/// let turned = HostArray::new(&[3, 2]).strides(0, &[4, 12]);
/// # let _ = turned;
/// ```
#[derive(Clone, Copy, Debug)]
pub struct HostArray<'a> {
    dims: &'a [i64],
    strides: Option<(usize, &'a [i64])>,
    device: Option<&'a Device>,
    memory: Option<&'a Memory>,
    layout: Option<&'a MemoryLayout>,
}

impl<'a> HostArray<'a> {
    /// An array of these dimensions that is all of the elements in row-major order: the last
    /// dimension varies fastest. It goes to the client's first addressable device.
    pub fn new(dims: &'a [i64]) -> HostArray<'a> {
        HostArray {
            dims,
            strides: None,
            device: None,
            memory: None,
            layout: None,
        }
    }

    /// The array begins at the element of this index, and neighbours in each dimension are so many
    /// bytes apart: a multiple of the element's size, which may be 0 or negative.
    #[must_use]
    pub fn strides(mut self, first: usize, bytes: &'a [i64]) -> Self {
        self.strides = Some((first, bytes));
        self
    }

    /// The array goes to the default memory of this device.
    #[must_use]
    pub fn on(mut self, device: &'a Device) -> Self {
        self.device = Some(device);
        self
    }

    /// The array goes to this memory, which is given instead of a device.
    #[must_use]
    pub fn in_memory(mut self, memory: &'a Memory) -> Self {
        self.memory = Some(memory);
        self
    }

    /// The layout that the array gets on the device. Plugins take no strides here; the measured CPU
    /// plugin (0.81) notes the layout with the buffer and leaves the bytes in the host's order.
    #[must_use]
    pub fn device_layout(mut self, layout: &'a MemoryLayout) -> Self {
        self.layout = Some(layout);
        self
    }

    /// The byte at which the array begins, once every byte that it has is known to lie within the
    /// elements.
    fn start(&self, elements: usize, size: usize) -> Result<usize> {
        let refuse = |argument, problem| {
            Err(Error::InvalidArgument {
                function: UPLOAD,
                argument,
                problem,
            })
        };
        if guard::off("host_bounds") {
            return Ok(0);
        }
        let Some((first, strides)) = self.strides else {
            if element_count(self.dims) == Some(elements) {
                return Ok(0);
            }
            let problem = format!(
                "{:?} does not describe the {elements} elements given",
                self.dims
            );
            return refuse("dims", problem);
        };
        if strides.len() != self.dims.len() {
            let problem = format!("{strides:?} are not one for each of {:?}", self.dims);
            return refuse("byte_strides", problem);
        }
        let whole = |stride: &i64| i64::try_from(size).is_ok_and(|size| stride % size == 0);
        if !strides.iter().all(whole) {
            let problem = format!("{strides:?} are not multiples of the element's {size} bytes");
            return refuse("byte_strides", problem);
        }
        if self.dims.contains(&0) {
            return Ok(0);
        }
        let within = reach(self.dims, strides).and_then(|(low, high)| {
            let start = i128::try_from(first.checked_mul(size)?).ok()?;
            let (size, all) = (
                i128::try_from(size).ok()?,
                i128::try_from(elements.checked_mul(size)?).ok()?,
            );
            let low = start.checked_add(low)?;
            let end = start.checked_add(high)?.checked_add(size)?;
            let fits = low >= 0 && end <= all;
            fits.then(|| usize::try_from(start).ok()).flatten()
        });
        within.map_or_else(
            || {
                let problem = format!(
                    "{strides:?} with dimensions {:?} from element {first} on leave the {elements} elements given",
                    self.dims
                );
                refuse("byte_strides", problem)
            },
            Ok,
        )
    }
}

/// Where the lowest and the highest element of an array begin, in bytes from the first one.
fn reach(dims: &[i64], strides: &[i64]) -> Option<(i128, i128)> {
    let pairs = dims.iter().zip(strides);
    pairs
        .into_iter()
        .try_fold((0i128, 0i128), |(low, high), (dim, stride)| {
            let last = i128::from(*dim).checked_sub(1)?;
            let far = last.checked_mul(i128::from(*stride))?;
            Some((low.checked_add(far.min(0))?, high.checked_add(far.max(0))?))
        })
}

/// What a plugin answers.
struct Uploaded {
    buffer: Result<Buffer>,
    /// It has done with the host's memory.
    done: Option<Event>,
}

impl Client {
    /// Copies an array to the client's first addressable device. The elements are in row-major
    /// order: the last dimension varies fastest.
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_array`].
    pub fn buffer_from_slice<T: Element>(&self, data: &[T], dims: &[i64]) -> Result<Buffer> {
        self.buffer_from_array(data, &HostArray::new(dims))
    }

    /// Copies an array to a device. The elements are in row-major order: the last dimension varies
    /// fastest. The data is copied during the call.
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_array`].
    pub fn buffer_from_slice_on<T: Element>(
        &self,
        data: &[T],
        dims: &[i64],
        device: &Device,
    ) -> Result<Buffer> {
        self.buffer_from_array(data, &HostArray::new(dims).on(device))
    }

    /// Copies an array among borrowed elements. They are copied during the call.
    ///
    /// Calls `PJRT_Client_BufferFromHostBuffer`, with the semantics `IMMUTABLE_ONLY_DURING_CALL`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the array is not within the elements, and for both a device and a
    /// memory; `ForeignHandle` for a device or memory of another client; `TooNew` for an element
    /// type that the plugin is too old to know; INVALID_ARGUMENT from plugins for a layout with
    /// strides.
    pub fn buffer_from_array<T: Element>(
        &self,
        data: &[T],
        array: &HostArray<'_>,
    ) -> Result<Buffer> {
        let semantics = HostBufferSemantics::IMMUTABLE_ONLY_DURING_CALL;
        // SAFETY: the borrow lasts through the call, and the plugin reads only during that.
        let uploaded = unsafe { self.upload_as(data, array, semantics) }?;
        uploaded.buffer
    }

    /// Gives elements to a buffer, which takes them without a copy where the plugin can: on CPU,
    /// where the array is dense. They are freed when the buffer is, and what a run makes of them in
    /// place, if the buffer is donated.
    ///
    /// Calls `PJRT_Client_BufferFromHostBuffer`, with the semantics `MUTABLE_ZERO_COPY` (for an
    /// array with strides, and before PJRT 0.49, `IMMUTABLE_ZERO_COPY`).
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_array`]; the elements are then gone.
    pub fn buffer_from_owned<T: Element>(
        &self,
        data: HostVec<T>,
        array: &HostArray<'_>,
    ) -> Result<Buffer> {
        let mutable = HostBufferSemantics::MUTABLE_ZERO_COPY;
        let known = self
            .api()
            .has_value(i32::from(mutable).into(), HostBufferSemantics::LATE);
        let semantics = match array.strides.is_none() && known {
            true => mutable,
            false => HostBufferSemantics::IMMUTABLE_ZERO_COPY,
        };
        // SAFETY: nobody has the memory but this call and then the plugin, until the event.
        let uploaded = unsafe { self.upload_as(&data, array, semantics) }?;
        keep_until(uploaded.done.as_ref(), data);
        uploaded.buffer
    }

    /// Lends elements to a buffer, which reads them where they are as long as it lives, if the
    /// plugin can; others may read them too.
    ///
    /// Calls `PJRT_Client_BufferFromHostBuffer`, with the semantics `IMMUTABLE_ZERO_COPY`.
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_array`].
    pub fn buffer_from_lent<T: Element>(
        &self,
        data: &Arc<HostVec<T>>,
        array: &HostArray<'_>,
    ) -> Result<Buffer> {
        let semantics = HostBufferSemantics::IMMUTABLE_ZERO_COPY;
        // SAFETY: the memory is only read as long as it is counted more than once, and a count is
        // kept until the event.
        let uploaded = unsafe { self.upload_as(data, array, semantics) }?;
        keep_until(uploaded.done.as_ref(), Arc::clone(data));
        uploaded.buffer
    }

    /// Copies an array without waiting for the copy. The elements come back from
    /// [`Transfer::wait`] when it is done, for the next array.
    ///
    /// Calls `PJRT_Client_BufferFromHostBuffer`, with the semantics
    /// `IMMUTABLE_UNTIL_TRANSFER_COMPLETES`.
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_array`]; the elements are then gone.
    pub fn upload<T: Element>(
        &self,
        data: HostVec<T>,
        array: &HostArray<'_>,
    ) -> Result<(Buffer, Transfer<HostVec<T>>)> {
        let semantics = HostBufferSemantics::IMMUTABLE_UNTIL_TRANSFER_COMPLETES;
        // SAFETY: the memory is kept, untouched, until the event.
        let uploaded = unsafe { self.upload_as(&data, array, semantics) }?;
        let Some(done) = uploaded.done else {
            keep_until(None, data);
            let place = Place {
                function: UPLOAD,
                field: "done_with_host_buffer",
            };
            return Err(place.invalid("no event for a copy that goes on"));
        };
        let transfer = Transfer::new(done, data);
        Ok((uploaded.buffer?, transfer))
    }

    /// Hands an array to the plugin.
    ///
    /// # Safety
    ///
    /// The memory of `data` stays, and nobody writes to it, as long as the semantics say; nobody
    /// reads it either where they let the plugin write.
    unsafe fn upload_as<T: Element>(
        &self,
        data: &[T],
        array: &HostArray<'_>,
        semantics: HostBufferSemantics,
    ) -> Result<Uploaded> {
        let api = self.api();
        rt::destructor::<Buffer>(api)?;
        rt::destructor::<Event>(api)?;
        rt::check_element_type(api, T::TYPE, UPLOAD, "type")?;
        rt::check_sizes(api, array.dims, UPLOAD, "dims")?;
        let first;
        let device = match (array.device, array.memory) {
            (None, None) => {
                first = self.first_device()?;
                Some(&first)
            }
            (Some(device), None) => Some(device),
            (None, Some(_)) => None,
            (Some(_), Some(_)) => {
                rt::check_one_of(true, true, UPLOAD, "memory")?;
                None
            }
        };
        if let Some(device) = device {
            rt::same_client(self, device, UPLOAD, "device")?;
        }
        if let Some(memory) = array.memory {
            rt::same_client(self, memory, UPLOAD, "memory")?;
        }
        if let Some(layout) = array.layout {
            rt::check_rank(layout.rank(), array.dims.len(), UPLOAD, "device_layout")?;
        }
        let layout = array.layout.map(|given| given.lower(api)).transpose()?;
        let layout = layout
            .as_ref()
            .map_or(ptr::null(), |lowered| lowered.as_ptr());
        let start = array.start(data.len(), size_of::<T>())?;
        let strides = array.strides.map_or(&[][..], |(_, strides)| strides);
        // The plugin is given no null, not even for nothing; a slice has none.
        let bytes = data.as_ptr().cast::<u8>().wrapping_add(start);
        let input = raw::ClientBufferFromHostBufferIn::new(
            self.as_raw(),
            bytes.cast(),
            T::TYPE.as_raw(),
            array.dims.as_ptr(),
            array.dims.len(),
            if strides.is_empty() {
                ptr::null()
            } else {
                strides.as_ptr()
            },
            strides.len(),
            semantics.as_raw(),
            device.map_or(ptr::null_mut(), Handle::as_raw),
            array.memory.map_or(ptr::null_mut(), Handle::as_raw),
            layout.cast_mut(),
        );
        // SAFETY: every element that dimensions and strides reach lies within the memory of `data`,
        // for whose lifetime the caller vouches; device and memory are of this client.
        let out = unsafe { raw::client_buffer_from_host_buffer(api, input) }?;
        let place = |field| Place {
            function: UPLOAD,
            field,
        };
        let owner = rt::owner_of(self);
        // SAFETY: event and buffer are new and ours to destroy; they need the client.
        unsafe {
            let done = place("done_with_host_buffer");
            Ok(Uploaded {
                done: rt::owned_or_none(api, out.done_with_host_buffer, owner.clone(), done)?,
                buffer: rt::owned(api, out.buffer, owner, place("buffer")),
            })
        }
    }

    fn first_device(&self) -> Result<Device> {
        let place = Place {
            function: "PJRT_Client_AddressableDevices",
            field: "addressable_devices",
        };
        let devices = self.addressable_devices()?;
        let first = devices.into_iter().next();
        first.ok_or_else(|| place.invalid("no device where one is needed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(dims: &[i64], first: usize, strides: &[i64], elements: usize) -> Option<usize> {
        let array = HostArray::new(dims).strides(first, strides);
        array.start(elements, 4).ok()
    }

    #[test]
    fn host_bounds() {
        assert_eq!(start(&[2, 3], 0, &[12, 4], 6), Some(0));
        assert_eq!(start(&[2, 3], 0, &[12, 4], 5), None);
        assert_eq!(start(&[3, 2], 0, &[4, 12], 6), Some(0));
        assert_eq!(start(&[6], 5, &[-4], 6), Some(20));
        assert_eq!(start(&[6], 4, &[-4], 6), None);
        assert_eq!(start(&[6], 6, &[-4], 6), None);
        assert_eq!(start(&[1000], 5, &[0], 6), Some(20));
        assert_eq!(start(&[1000], 6, &[0], 6), None);
        assert_eq!(start(&[0, 7], 99, &[-400, 400], 0), Some(0));
        assert_eq!(start(&[], 5, &[], 6), Some(20));
        assert_eq!(start(&[], 6, &[], 6), None);
        // Strides that are too few, that cut elements, and that no number can say the end of.
        assert_eq!(start(&[2, 3], 0, &[4], 6), None);
        assert_eq!(start(&[2], 0, &[2], 6), None);
        let (far, many) = (i64::MAX / 4 * 4, [i64::MAX; 4]);
        assert_eq!(start(&[2], 0, &[far], 6), None);
        assert_eq!(start(&many, usize::MAX, &[far; 4], usize::MAX), None);
        assert_eq!(start(&many, 0, &[i64::MIN; 4], 6), None);
        let dense = |dims: &[i64]| HostArray::new(dims).start(6, 4).ok();
        assert_eq!(
            (dense(&[2, 3]), dense(&[16]), dense(&[-2, -3])),
            (Some(0), None, None)
        );
        assert_eq!(dense(&[i64::MAX, 4]), None);
    }
}
