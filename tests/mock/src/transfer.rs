//! Transfers of many pieces.

use crate::buffer::{Buffer, Data, Place, Shape, Storage};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::event::Sent;
use crate::failure::Failure;
use crate::make::layout;
use crate::memory_of::items;
use pjrt_sys as sys;
use std::sync::{Arc, Mutex, PoisonError};

/// A manager of buffers that are filled piece by piece.
pub(crate) struct Manager {
    device: usize,
    pieces: Vec<Piece>,
}

/// One of its buffers.
struct Piece {
    buffer: Arc<Buffer>,
    data: Arc<Data>,
    filling: Arc<Mutex<Filling>>,
    taken: Mutex<bool>,
}

/// What has come of a buffer.
struct Filling {
    bytes: Vec<u8>,
    /// Pieces that are under way.
    open: usize,
    /// The last piece was announced.
    last: bool,
    finished: bool,
}

impl Drop for Manager {
    fn drop(&mut self) {
        for piece in &self.pieces {
            let mut filling = piece.filling.lock().unwrap_or_else(PoisonError::into_inner);
            if !filling.last && !filling.finished {
                filling.finished = true;
                let code = sys::PJRT_Error_Code_CANCELLED;
                piece
                    .data
                    .fill(Err(Failure::new(code, "the transfer was given up")));
            }
        }
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Client_CreateBuffersForAsyncHostToDevice", create);
    all.add("PJRT_AsyncHostToDeviceTransferManager_Destroy", destroy);
    all.add(
        "PJRT_AsyncHostToDeviceTransferManager_TransferData",
        transfer_data,
    );
    all.add(
        "PJRT_AsyncHostToDeviceTransferManager_TransferLiteral",
        transfer_literal,
    );
    all.add(
        "PJRT_AsyncHostToDeviceTransferManager_RetrieveBuffer",
        retrieve,
    );
    all.add("PJRT_AsyncHostToDeviceTransferManager_Device", device);
    all.add("PJRT_AsyncHostToDeviceTransferManager_BufferCount", count);
    all.add("PJRT_AsyncHostToDeviceTransferManager_BufferSize", size);
    all.add(
        "PJRT_AsyncHostToDeviceTransferManager_SetBufferError",
        set_error,
    );
    all.add(
        "PJRT_AsyncHostToDeviceTransferManager_AddMetadata",
        add_metadata,
    );
}

fn create(
    call: &Call,
    args: &mut sys::PJRT_Client_CreateBuffersForAsyncHostToDevice_Args,
) -> Outcome {
    call.get::<Client>(args.client)?;
    let layouts = items(args.device_layouts, args.num_device_layouts);
    if !layouts.is_empty() && layouts.len() != args.num_shape_specs {
        return Err(Failure::invalid(
            "as many layouts as buffers are needed, or none",
        ));
    }
    for given in layouts {
        layout(call, *given)?;
    }
    let mut pieces = Vec::new();
    let mut device = 0;
    for spec in call.read_all(args.shape_specs, args.num_shape_specs)? {
        let shape = Shape::read(call, spec.element_type, spec.dims, spec.num_dims)?;
        let place = Place::one_of(call, args.client, std::ptr::null_mut(), args.memory)?;
        device = place.device_handle;
        let filling = Filling {
            bytes: vec![0; shape.bytes()],
            open: 0,
            last: false,
            finished: false,
        };
        let buffer = Buffer::new(shape, place);
        pieces.push(Piece {
            data: buffer.data()?,
            buffer,
            filling: Arc::new(Mutex::new(filling)),
            taken: Mutex::new(false),
        });
    }
    if device == 0 {
        let place = Place::one_of(call, args.client, std::ptr::null_mut(), args.memory)?;
        device = place.device_handle;
    }
    args.transfer_manager = call.give(Arc::new(Manager { device, pieces }));
    Ok(())
}

fn destroy(
    call: &Call,
    args: &mut sys::PJRT_AsyncHostToDeviceTransferManager_Destroy_Args,
) -> Outcome {
    call.destroy::<Manager>(args.transfer_manager).map(drop)
}

impl Manager {
    fn piece(&self, call: &Call, index: i32) -> Result<&Piece, Failure> {
        let piece = usize::try_from(index).ok().and_then(|i| self.pieces.get(i));
        // Real plugins do not check this, and callers must.
        piece.ok_or_else(|| call.violation(format!("no buffer {index}")))
    }
}

impl Piece {
    /// Takes bytes over on another thread, and gives the event of their being taken.
    fn take(
        &self,
        call: &Call,
        data: *const u8,
        offset: usize,
        size: usize,
        last: bool,
    ) -> Result<*mut sys::PJRT_Event, Failure> {
        let mut filling = self.filling.lock().unwrap_or_else(PoisonError::into_inner);
        if filling.last || filling.finished {
            return Err(call.violation("the buffer had its last piece".to_owned()));
        }
        filling.open += 1;
        filling.last = last;
        drop(filling);
        let (filling, whole, data) = (self.filling.clone(), self.data.clone(), Sent::new(data));
        let done = call.signal_after(move || {
            let mut filling = filling.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(place) = filling.bytes.get_mut(offset..offset + size) {
                place.copy_from_slice(items(data.get(), size));
            }
            filling.open -= 1;
            if filling.last && filling.open == 0 && !filling.finished {
                filling.finished = true;
                whole.fill(Ok(Storage::copy_of(&filling.bytes)));
            }
            Ok(())
        });
        Ok(call.event(done))
    }
}

fn transfer_data(
    call: &Call,
    args: &mut sys::PJRT_AsyncHostToDeviceTransferManager_TransferData_Args,
) -> Outcome {
    let manager = call.get::<Manager>(args.transfer_manager)?;
    let piece = manager.piece(call, args.buffer_index)?;
    let range = crate::host::range(&piece.buffer, args.offset, args.transfer_size)?;
    let (data, last) = (args.data.cast(), args.is_last_transfer);
    args.done_with_h2d_transfer = piece.take(call, data, range.start, range.len(), last)?;
    Ok(())
}

fn transfer_literal(
    call: &Call,
    args: &mut sys::PJRT_AsyncHostToDeviceTransferManager_TransferLiteral_Args,
) -> Outcome {
    let manager = call.get::<Manager>(args.transfer_manager)?;
    let piece = manager.piece(call, args.buffer_index)?;
    let (dims, rank) = (args.shape_dims, args.shape_num_dims);
    let shape = Shape::read(call, args.shape_element_type, dims, rank)?;
    layout(call, args.shape_layout)?;
    if shape != piece.buffer.shape {
        let (wanted, given) = (piece.buffer.shape.to_text(), shape.to_text());
        return Err(Failure::invalid(format!(
            "the buffer is {wanted}, not {given}"
        )));
    }
    let data = args.data.cast();
    args.done_with_h2d_transfer = piece.take(call, data, 0, shape.bytes(), true)?;
    Ok(())
}

fn retrieve(
    call: &Call,
    args: &mut sys::PJRT_AsyncHostToDeviceTransferManager_RetrieveBuffer_Args,
) -> Outcome {
    let manager = call.get::<Manager>(args.transfer_manager)?;
    let piece = manager.piece(call, args.buffer_index)?;
    let mut taken = piece.taken.lock().unwrap_or_else(PoisonError::into_inner);
    if std::mem::replace(&mut taken, true) {
        return Err(call.violation("a buffer is taken a second time".to_owned()));
    }
    args.buffer_out = call.give(piece.buffer.clone());
    Ok(())
}

fn device(
    call: &Call,
    args: &mut sys::PJRT_AsyncHostToDeviceTransferManager_Device_Args,
) -> Outcome {
    args.device_out = call.get::<Manager>(args.transfer_manager)?.device as *mut _;
    Ok(())
}

fn count(
    call: &Call,
    args: &mut sys::PJRT_AsyncHostToDeviceTransferManager_BufferCount_Args,
) -> Outcome {
    args.buffer_count = call.get::<Manager>(args.transfer_manager)?.pieces.len();
    Ok(())
}

fn size(
    call: &Call,
    args: &mut sys::PJRT_AsyncHostToDeviceTransferManager_BufferSize_Args,
) -> Outcome {
    let manager = call.get::<Manager>(args.transfer_manager)?;
    args.buffer_size = manager.piece(call, args.buffer_index)?.buffer.shape.bytes();
    Ok(())
}

fn set_error(
    call: &Call,
    args: &mut sys::PJRT_AsyncHostToDeviceTransferManager_SetBufferError_Args,
) -> Outcome {
    let manager = call.get::<Manager>(args.transfer_manager)?;
    let piece = manager.piece(call, args.buffer_index)?;
    call.known("PJRT_Error_Code", args.error_code.0.into())?;
    let failure = Failure::given(args.error_code, args.error_message, args.error_message_size);
    let mut filling = piece.filling.lock().unwrap_or_else(PoisonError::into_inner);
    if filling.finished {
        return Err(call.violation("the buffer is finished".to_owned()));
    }
    filling.finished = true;
    drop(filling);
    piece.data.fill(Err(failure));
    Ok(())
}

fn add_metadata(
    call: &Call,
    args: &mut sys::PJRT_AsyncHostToDeviceTransferManager_AddMetadata_Args,
) -> Outcome {
    call.get::<Manager>(args.transfer_manager)?;
    call.named(args.transfer_metadata, args.num_metadata)
        .map(drop)
}
