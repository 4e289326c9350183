//! Clients: connections to the devices of a plugin.

use crate::key_value::Callbacks;
use crate::rt::{self, Api, Handle};
use crate::{Buffer, ClientOptions, Device, Element, Error, Event, HostBufferSemantics};
use crate::{NamedValueType, Result, raw, sys};
use std::ptr;

pjrt_macros::generate!(handle PJRT_Client);

impl Client {
    pub(crate) fn create(api: &'static Api, options: &ClientOptions) -> Result<Client> {
        const FUNCTION: &str = "PJRT_Client_Create";
        rt::destructor::<Client>(api)?;
        let name = "cpu_device_count";
        let mut values = Vec::new();
        if let Some(count) = options.cpu_device_count {
            let mut value = sys::PJRT_NamedValue::zeroed();
            value.struct_size = sys::PJRT_NamedValue_STRUCT_SIZE;
            value.name = name.as_ptr().cast();
            value.name_size = name.len();
            value.type_ = NamedValueType::INT64.as_raw();
            value.__bindgen_anon_1.int64_value = i64::from(count);
            value.value_size = 1;
            values.push(value);
        }
        let store = Callbacks::new(options.store.as_ref().map(|store| &store.0), api.minor());
        let input = raw::ClientCreateIn::new(
            values.as_ptr(),
            values.len(),
            store.get(),
            store.data(),
            store.put(),
            store.data(),
            store.try_get(),
            store.data(),
        );
        // SAFETY: the options and their names outlive the call. The callbacks are given a number,
        // under which they find the store as long as it is kept, and nothing later.
        let out = unsafe { raw::client_create(api, input) }?;
        let place = rt::Place {
            function: FUNCTION,
            field: "client",
        };
        // SAFETY: the client is new and the caller's to destroy.
        let client: Client = unsafe { rt::owned(api, out.client, None, place) }?;
        if let (Some(store), Some(owner)) = (store.kept(), client.0.owner()) {
            owner.lend(store);
        }
        Ok(client)
    }

    /// Copies an array to the client's first addressable device. The elements are in row-major
    /// order: the last dimension varies fastest.
    ///
    /// # Errors
    ///
    /// As [`Client::buffer_from_slice_on`].
    pub fn buffer_from_slice<T: Element>(&self, data: &[T], dims: &[i64]) -> Result<Buffer> {
        let devices = self.addressable_devices()?;
        let device = devices.first().ok_or_else(|| {
            let place = rt::Place {
                function: "PJRT_Client_AddressableDevices",
                field: "addressable_devices",
            };
            place.invalid("no device where one is needed")
        })?;
        self.buffer_from_slice_on(data, dims, device)
    }

    /// Copies an array to a device. The elements are in row-major order: the last dimension varies
    /// fastest. The data is copied during the call.
    ///
    /// Calls `PJRT_Client_BufferFromHostBuffer`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the dimensions do not give the number of elements; `ForeignHandle` for
    /// a device of another client; what the plugin reports.
    pub fn buffer_from_slice_on<T: Element>(
        &self,
        data: &[T],
        dims: &[i64],
        device: &Device,
    ) -> Result<Buffer> {
        const FUNCTION: &str = "PJRT_Client_BufferFromHostBuffer";
        let api = self.api();
        rt::destructor::<Buffer>(api)?;
        rt::destructor::<Event>(api)?;
        rt::same_client(self, device, FUNCTION, "device")?;
        if element_count(dims) != Some(data.len()) {
            return Err(Error::InvalidArgument {
                function: FUNCTION,
                argument: "dims",
                problem: format!(
                    "{dims:?} does not describe the {} elements given",
                    data.len()
                ),
            });
        }
        // The plugin is given no null, not even for nothing.
        let data = if data.is_empty() {
            ptr::NonNull::<T>::dangling().as_ptr().cast_const()
        } else {
            data.as_ptr()
        };
        let input = raw::ClientBufferFromHostBufferIn::new(
            self.as_raw(),
            data.cast(),
            T::TYPE.as_raw(),
            dims.as_ptr(),
            dims.len(),
            ptr::null(),
            0,
            HostBufferSemantics::IMMUTABLE_ONLY_DURING_CALL.as_raw(),
            device.as_raw(),
            ptr::null_mut(),
            ptr::null_mut(),
        );
        // SAFETY: dimensions and type describe exactly the memory of `data`, which outlives the
        // call; these semantics let the plugin read it during the call only.
        let out = unsafe { raw::client_buffer_from_host_buffer(api, input) }?;
        let place = |field| rt::Place {
            function: FUNCTION,
            field,
        };
        // SAFETY: the event is new and ours to destroy. The memory is free already, so nobody waits.
        let done: Result<Option<Event>> = unsafe {
            rt::owned_or_none(
                api,
                out.done_with_host_buffer,
                rt::owner_of(self),
                place("done_with_host_buffer"),
            )
        };
        drop(done);
        // SAFETY: the buffer is new and the caller's to destroy; it needs the client.
        unsafe { rt::owned(api, out.buffer, rt::owner_of(self), place("buffer")) }
    }
}

/// The number of elements of an array; none if a dimension is negative or the product too large.
pub(crate) fn element_count(dims: &[i64]) -> Option<usize> {
    dims.iter().try_fold(1usize, |count, dim| {
        count.checked_mul(usize::try_from(*dim).ok()?)
    })
}
