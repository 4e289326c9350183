//! Transfers of many pieces, and marks that others are at work.

use crate::element::host_size;
use crate::named_value::{NamedValue, Value};
use crate::raw_copy::range;
use crate::rt::{self, Handle, Lower, Place};
use crate::{Client, ElementType, Error, ErrorCode, Event, Memory, MemoryLayout};
use crate::{Result, Transfer, raw, sys};
use std::ptr;
use std::sync::{Mutex, PoisonError};

pjrt_macros::generate!(handle PJRT_AsyncHostToDeviceTransferManager);
pjrt_macros::generate!(handle PJRT_AsyncTrackingEvent);

const CREATE: &str = "PJRT_Client_CreateBuffersForAsyncHostToDevice";
const DATA: &str = "PJRT_AsyncHostToDeviceTransferManager_TransferData";
const LITERAL: &str = "PJRT_AsyncHostToDeviceTransferManager_TransferLiteral";
const ERROR: &str = "PJRT_AsyncHostToDeviceTransferManager_SetBufferError";
const METADATA: &str = "PJRT_AsyncHostToDeviceTransferManager_AddMetadata";

/// A buffer that an [`AsyncTransferManager`] is to fill.
#[derive(Clone, Copy, Debug)]
pub struct BufferSpec<'a> {
    /// Type of the elements.
    pub element_type: ElementType,
    /// Dimensions.
    pub dims: &'a [i64],
    /// Layout on the device; none is the default one.
    pub layout: Option<&'a MemoryLayout>,
}

/// What was done to a manager's buffers: real plugins end the process when told to go on with one
/// that is finished.
struct Progress(Mutex<Vec<Filled>>);

struct Filled {
    element_type: ElementType,
    dims: Vec<i64>,
    begun: bool,
    finished: bool,
}

impl Client {
    /// Allocates one buffer per entry in a memory and gives the manager that fills them.
    ///
    /// Calls `PJRT_Client_CreateBuffersForAsyncHostToDevice`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a type or dimensions that no array has; `ForeignHandle` for a memory of
    /// another client; INVALID_ARGUMENT for a layout with strides.
    pub fn create_buffers_for_async_transfer(
        &self,
        buffers: &[BufferSpec<'_>],
        memory: &Memory,
    ) -> Result<AsyncTransferManager> {
        let api = self.api();
        rt::destructor::<AsyncTransferManager>(api)?;
        rt::same_client(self, memory, CREATE, "memory")?;
        let mut shapes = Vec::new();
        let mut lowered = Vec::new();
        for buffer in buffers {
            rt::check_element_type(api, buffer.element_type, CREATE, "shape_specs")?;
            rt::check_sizes(api, buffer.dims, CREATE, "shape_specs")?;
            if let Some(layout) = buffer.layout {
                rt::check_rank(layout.rank(), buffer.dims.len(), CREATE, "device_layouts")?;
            }
            let mut shape = sys::PJRT_ShapeSpec::zeroed();
            shape.struct_size = sys::PJRT_ShapeSpec_STRUCT_SIZE;
            shape.dims = buffer.dims.as_ptr();
            shape.num_dims = buffer.dims.len();
            shape.element_type = buffer.element_type.as_raw();
            shapes.push(shape);
            lowered.push(buffer.layout.map(|layout| layout.lower(api)).transpose()?);
        }
        let mut layouts: Vec<*mut sys::PJRT_Buffer_MemoryLayout> = Vec::new();
        if lowered.iter().any(Option::is_some) {
            let pointers = lowered.iter().map(|layout| match layout {
                Some(layout) => layout.as_ptr().cast_mut(),
                None => ptr::null_mut(),
            });
            layouts.extend(pointers);
        }
        let input = raw::ClientCreateBuffersForAsyncHostToDeviceIn::new(
            self.as_raw(),
            shapes.as_mut_ptr(),
            shapes.len(),
            layouts.as_mut_ptr(),
            layouts.len(),
            memory.as_raw(),
        );
        // SAFETY: the memory is of this client; shapes and layouts are only read, and outlive the
        // call.
        let out = unsafe { raw::client_create_buffers_for_async_host_to_device(api, input) }
            .map_err(|error| rt::exhausted(self, error))?;
        let place = Place {
            function: CREATE,
            field: "transfer_manager",
        };
        // SAFETY: the manager is new and the caller's to destroy; it needs the client.
        let manager: AsyncTransferManager =
            unsafe { rt::owned(api, out.transfer_manager, rt::owner_of(self), place) }?;
        let filled = buffers.iter().map(|buffer| Filled {
            element_type: buffer.element_type,
            dims: buffer.dims.to_vec(),
            begun: false,
            finished: false,
        });
        manager.0.note(Progress(Mutex::new(filled.collect())));
        Ok(manager)
    }
}

fn refused(function: &'static str, argument: &'static str, problem: String) -> Error {
    Error::InvalidArgument {
        function,
        argument,
        problem,
    }
}

impl AsyncTransferManager {
    /// Looks at the progress of a buffer, or changes it.
    fn progress<T>(
        &self,
        function: &'static str,
        index: i32,
        body: impl FnOnce(&mut Filled) -> Result<T>,
    ) -> Result<T> {
        rt::index_below(index, self.buffer_count()?, function, "buffer_index")?;
        let Some(progress) = self.0.noted::<Progress>() else {
            let problem = "the manager was not made by this crate".to_owned();
            return Err(refused(function, "self", problem));
        };
        let mut all = progress.0.lock().unwrap_or_else(PoisonError::into_inner);
        let filled = usize::try_from(index)
            .ok()
            .and_then(|index| all.get_mut(index));
        let filled = filled.ok_or_else(|| {
            refused(
                function,
                "buffer_index",
                format!("there is no buffer {index}"),
            )
        })?;
        if filled.finished {
            let problem = format!("buffer {index} is finished: nothing more can be sent to it");
            return Err(refused(function, "buffer_index", problem));
        }
        body(filled)
    }

    /// Notes a transfer before it is made; gives whether there was one before.
    fn mark(&self, function: &'static str, index: i32, last: bool) -> Result<bool> {
        self.progress(function, index, |filled| {
            filled.finished = last;
            Ok(std::mem::replace(&mut filled.begun, true))
        })
    }

    /// Notes that a transfer to a buffer failed on its way: the buffer has its error then, and real
    /// plugins end the process when told to go on with it.
    pub(crate) fn broke(&self, index: i32) {
        let _ = self.progress(DATA, index, |filled| {
            filled.finished = true;
            Ok(())
        });
    }

    /// Takes the note back if the plugin never heard of the transfer.
    fn unless_reached(&self, reached: bool, index: i32, begun: bool) {
        let Some(progress) = self.0.noted::<Progress>().filter(|_| !reached) else {
            return;
        };
        let mut all = progress.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = usize::try_from(index).ok();
        if let Some(filled) = index.and_then(|index| all.get_mut(index)) {
            filled.begun = begun;
            filled.finished = false;
        }
    }

    /// Copies bytes to an offset in a buffer, in the layout of the device. The last transfer is
    /// marked; the buffer gets ready when it and all before it are done. The bytes come back from
    /// [`Transfer::wait`].
    ///
    /// Calls `PJRT_AsyncHostToDeviceTransferManager_TransferData`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an index or a range that there is not, and for a buffer that got its
    /// last transfer or an error.
    pub fn transfer_data(
        &mut self,
        buffer_index: i32,
        data: Vec<u8>,
        offset: i64,
        is_last_transfer: bool,
    ) -> Result<Transfer<Vec<u8>>> {
        let api = self.api();
        rt::destructor::<Event>(api)?;
        self.progress(DATA, buffer_index, |_| Ok(()))?;
        let room = self.buffer_size(buffer_index)?;
        let size = range(DATA, offset, data.len(), room)?;
        let before = self.mark(DATA, buffer_index, is_last_transfer)?;
        let input = raw::AsyncHostToDeviceTransferManagerTransferDataIn::new(
            self.as_raw(),
            buffer_index,
            data.as_ptr().cast(),
            offset,
            size,
            is_last_transfer,
        );
        // SAFETY: index and range are within bounds, the buffer is not finished, and the memory is
        // kept until the event.
        let out = unsafe { raw::async_host_to_device_transfer_manager_transfer_data(api, input) };
        self.unless_reached(rt::reached(&out), buffer_index, before);
        self.transfer(out.map(|out| out.done_with_h2d_transfer), data, DATA)
    }

    /// Copies a whole array to a buffer, as its only transfer. The elements are in row-major order
    /// or in the layout given, which has no tiles; types narrower than a byte take one byte each.
    /// The bytes come back from [`Transfer::wait`].
    ///
    /// Calls `PJRT_AsyncHostToDeviceTransferManager_TransferLiteral`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an index that there is not, bytes that are not those of the buffer's
    /// array, and a buffer that got a transfer or an error.
    pub fn transfer_literal(
        &mut self,
        buffer_index: i32,
        data: Vec<u8>,
        layout: Option<&MemoryLayout>,
    ) -> Result<Transfer<Vec<u8>>> {
        let api = self.api();
        rt::destructor::<Event>(api)?;
        let (element_type, dims) = self.progress(LITERAL, buffer_index, |filled| {
            if filled.begun {
                let problem = format!("buffer {buffer_index} got transfers of bytes already");
                return Err(refused(LITERAL, "buffer_index", problem));
            }
            Ok((filled.element_type, filled.dims.clone()))
        })?;
        let count = crate::client::element_count(&dims);
        let needed = count.and_then(|count| count.checked_mul(host_size(element_type)?));
        if needed != Some(data.len()) {
            let problem = format!(
                "{} bytes were given for {element_type} of {dims:?}",
                data.len()
            );
            return Err(refused(LITERAL, "data", problem));
        }
        if let Some(layout) = layout {
            rt::check_rank(layout.rank(), dims.len(), LITERAL, "shape_layout")?;
            if layout.order().is_none() || !layout.tiles().is_empty() {
                let problem = "a layout of the host has neither tiles nor strides".to_owned();
                return Err(refused(LITERAL, "shape_layout", problem));
            }
        }
        let layout = layout.map(|given| given.lower(api)).transpose()?;
        let layout = layout
            .as_ref()
            .map_or(ptr::null(), |lowered| lowered.as_ptr());
        let before = self.mark(LITERAL, buffer_index, true)?;
        let input = raw::AsyncHostToDeviceTransferManagerTransferLiteralIn::new(
            self.as_raw(),
            buffer_index,
            data.as_ptr().cast(),
            dims.as_ptr(),
            dims.len(),
            element_type.as_raw(),
            layout.cast_mut(),
        );
        // SAFETY: the buffer has this shape and got nothing yet, the memory has the shape's bytes
        // and is kept until the event; shape and layout are copied.
        let out =
            unsafe { raw::async_host_to_device_transfer_manager_transfer_literal(api, input) };
        self.unless_reached(rt::reached(&out), buffer_index, before);
        self.transfer(out.map(|out| out.done_with_h2d_transfer), data, LITERAL)
    }

    fn transfer(
        &self,
        event: Result<*mut sys::PJRT_Event>,
        data: Vec<u8>,
        function: &'static str,
    ) -> Result<Transfer<Vec<u8>>> {
        let place = Place {
            function,
            field: "done_with_h2d_transfer",
        };
        let reached = rt::reached(&event);
        let event = event.and_then(|event| {
            // SAFETY: the event is new and ours to destroy.
            unsafe { rt::owned(self.api(), event, rt::client_of(self), place) }
        });
        match event {
            Ok(event) => Ok(Transfer::new(event, data)),
            Err(error) => {
                if reached {
                    // Nobody knows whether the plugin reads it.
                    std::mem::forget(data);
                }
                Err(error)
            }
        }
    }

    /// Gives up on a buffer: it gets this error instead of contents.
    ///
    /// Calls `PJRT_AsyncHostToDeviceTransferManager_SetBufferError`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an index that there is not, a code that is no failure, and a buffer
    /// that got its last transfer or an error.
    pub fn set_buffer_error(
        &mut self,
        buffer_index: i32,
        code: ErrorCode,
        message: &str,
    ) -> Result<()> {
        let api = self.api();
        rt::check_failure(api, code, ERROR, "error_code")?;
        let before = self.mark(ERROR, buffer_index, true)?;
        let input = raw::AsyncHostToDeviceTransferManagerSetBufferErrorIn::new(
            self.as_raw(),
            buffer_index,
            code.as_raw(),
            message.as_ptr().cast(),
            message.len(),
        );
        // SAFETY: the index is within bounds and the buffer is not finished; the message is copied.
        let out =
            unsafe { raw::async_host_to_device_transfer_manager_set_buffer_error(api, input) };
        self.unless_reached(rt::reached(&out), buffer_index, before);
        out.map(drop)
    }

    /// Names the transfers for logs and profiles: pairs of names and texts. Comes before the first
    /// transfer.
    ///
    /// Calls `PJRT_AsyncHostToDeviceTransferManager_AddMetadata`.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` after a transfer or an error; what the plugin reports.
    pub fn add_metadata(&mut self, metadata: &[(&str, &str)]) -> Result<()> {
        for index in 0..i32::try_from(self.buffer_count()?).unwrap_or(i32::MAX) {
            self.progress(METADATA, index, |filled| {
                if filled.begun {
                    let problem = "a buffer got transfers already".to_owned();
                    return Err(refused(METADATA, "transfer_metadata", problem));
                }
                Ok(())
            })?;
        }
        let values: Vec<NamedValue<'_>> = metadata
            .iter()
            .map(|(name, text)| NamedValue {
                name,
                value: Value::String(text.as_bytes()),
            })
            .collect();
        let values = rt::lower_named_values(&values)?;
        let input = raw::AsyncHostToDeviceTransferManagerAddMetadataIn::new(
            self.as_raw(),
            values.as_ptr(),
            values.len(),
        );
        // SAFETY: no buffer got anything yet; the values are texts and are copied.
        unsafe { raw::async_host_to_device_transfer_manager_add_metadata(self.api(), input) }
            .map(drop)
    }
}
