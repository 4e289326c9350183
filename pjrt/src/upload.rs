//! Arrays on their way from the host to a device.

use crate::rt::{self, Handle, Lower, Place};
use crate::transfer::keep_until;
use crate::{Buffer, Client, Device, Element, ElementType, Error, Event, HostArray};
use crate::{HostBufferSemantics, HostVec, Result, Transfer, raw};
use std::ptr;
use std::sync::Arc;

const UPLOAD: &str = "PJRT_Client_BufferFromHostBuffer";

/// Elements in host memory, of a type that may be known at run time only.
pub(crate) struct Given {
    pub(crate) address: *const u8,
    pub(crate) count: usize,
    pub(crate) element_type: ElementType,
    /// Bytes of an element.
    pub(crate) size: usize,
}

/// What a plugin answers.
pub(crate) struct Uploaded {
    pub(crate) buffer: Result<Buffer>,
    /// It has done with the host's memory.
    pub(crate) done: Option<Event>,
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

    /// Copies one element to the client's first addressable device, as an array without dimensions.
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_array`].
    pub fn buffer_from_scalar<T: Element>(&self, value: T) -> Result<Buffer> {
        self.buffer_from_array(&[value], &HostArray::new(&[]))
    }

    /// Copies an array of a type that is known at run time only: bytes in the order of the machine,
    /// [`ElementType::host_size`] for each element, those below a byte one byte each. They are
    /// copied during the call.
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_array`]; `InvalidArgument` for a type that has no elements, and
    /// bytes that are no whole number of them.
    pub fn buffer_from_bytes(
        &self,
        data: &[u8],
        element_type: ElementType,
        array: &HostArray<'_>,
    ) -> Result<Buffer> {
        rt::check_element_type(self.api(), element_type, UPLOAD, "type")?;
        let size = element_type.host_size().unwrap_or(1);
        if !data.len().is_multiple_of(size) {
            return Err(Error::InvalidArgument {
                function: UPLOAD,
                argument: "data",
                problem: format!(
                    "{} bytes are no whole number of elements of {element_type}, of {size} bytes each",
                    data.len()
                ),
            });
        }
        // Plugins may read whole elements where strides are given.
        let aligned = match data.as_ptr().addr() % size {
            0 => None,
            _ => Some(HostVec::from_slice(data)?),
        };
        let data = aligned.as_deref().unwrap_or(data);
        let given = Given {
            address: data.as_ptr(),
            count: data.len() / size,
            element_type,
            size,
        };
        let semantics = HostBufferSemantics::IMMUTABLE_ONLY_DURING_CALL;
        // SAFETY: the borrow lasts through the call, and the plugin reads only during that.
        let uploaded = unsafe { self.upload_bytes(&given, array, semantics) }?;
        uploaded.buffer
    }

    /// Copies an array among borrowed elements. They are copied during the call.
    ///
    /// ```
    /// # use pjrt::{HostArray, HostVec};
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// // The columns of a matrix as rows: no copy on the host is needed to transpose.
    /// let matrix = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    /// let turned = HostArray::new(&[3, 2]).strides(0, &[4, 12]);
    /// let buffer = client.buffer_from_array(&matrix, &turned)?;
    /// assert_eq!(buffer.to_vec::<f32>()?, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// # Ok::<(), pjrt::Error>(())
    /// ```
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
    /// ```
    /// # use pjrt::{HostArray, HostVec};
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// let mut weights = HostVec::<f32>::zeroed(1_000_000)?;
    /// weights[0] = 1.0;
    /// let buffer = client.buffer_from_owned(weights, &HostArray::new(&[1000, 1000]))?;
    /// # Ok::<(), pjrt::Error>(())
    /// ```
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
    /// ```
    /// # use pjrt::{HostArray, HostVec};
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// let table = std::sync::Arc::new(HostVec::from_slice(&[1u8, 2, 3, 4])?);
    /// let shared = client.buffer_from_lent(&table, &HostArray::new(&[4]))?;
    /// // The table may be read here meanwhile, and lent again.
    /// assert_eq!(shared.to_vec::<u8>()?, table[..]);
    /// # Ok::<(), pjrt::Error>(())
    /// ```
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
    /// ```
    /// # use pjrt::{HostArray, HostVec};
    /// # pjrt_doc::ready("cpu");
    /// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
    /// let mut batch = HostVec::<f32>::zeroed(64)?;
    /// for step in 0..10 {
    ///     batch.fill(step as f32);
    ///     let (buffer, copy) = client.upload(batch, &HostArray::new(&[8, 8]))?;
    ///     // Work with the buffer can begin here; the memory comes back for the next batch.
    ///     batch = copy.wait()?;
    /// }
    /// # Ok::<(), pjrt::Error>(())
    /// ```
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
        let given = Given {
            address: data.as_ptr().cast(),
            count: data.len(),
            element_type: T::TYPE,
            size: size_of::<T>(),
        };
        // SAFETY: the caller's promise.
        unsafe { self.upload_bytes(&given, array, semantics) }
    }

    /// Hands an array of any type to the plugin.
    ///
    /// # Safety
    ///
    /// As [`Client::upload_as`], for so many elements of this size at the address.
    pub(crate) unsafe fn upload_bytes(
        &self,
        given: &Given,
        array: &HostArray<'_>,
        semantics: HostBufferSemantics,
    ) -> Result<Uploaded> {
        let api = self.api();
        rt::destructor::<Buffer>(api)?;
        rt::destructor::<Event>(api)?;
        rt::check_element_type(api, given.element_type, UPLOAD, "type")?;
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
        let layout = array.layout.map(|layout| layout.lower(api)).transpose()?;
        let layout = layout
            .as_ref()
            .map_or(ptr::null(), |lowered| lowered.as_ptr());
        let start = array.start(given.count, given.size, UPLOAD)?;
        let strides = array.strides.map_or(&[][..], |(_, strides)| strides);
        // The plugin is given no null, not even for nothing; a slice has none.
        let bytes = given.address.wrapping_add(start);
        let input = raw::ClientBufferFromHostBufferIn::new(
            self.as_raw(),
            bytes.cast(),
            given.element_type.as_raw(),
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
        // SAFETY: every element that dimensions and strides reach lies within the memory given,
        // for whose lifetime the caller vouches; device and memory are of this client.
        let out = unsafe { raw::client_buffer_from_host_buffer(api, input) }
            .map_err(|error| rt::exhausted(self, error))?;
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
