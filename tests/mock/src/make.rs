//! Buffers that come about in other ways than from an array of the host.

use crate::buffer::{Buffer, Data, Place, Shape, Storage, View};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::event::{Sent, Signal};
use crate::failure::Failure;
use crate::host::range;
use crate::memory_of::room;
use crate::named::Value;
use crate::stub;
use pjrt_sys as sys;
use std::ffi::c_void;
use std::ops::Range;
use std::sync::{Arc, Mutex};

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Client_CreateUninitializedBuffer", uninitialized);
    all.add("PJRT_Client_CreateErrorBuffer", error_buffer);
    all.add("PJRT_Client_CreateAliasBuffer", alias);
    all.add("PJRT_Client_FulfillAliasBuffer", fulfill);
    all.add("PJRT_Client_CreateViewOfDeviceBuffer", view);
    all.add("PJRT_Buffer_Bitcast", bitcast);
    all.add("PJRT_Buffer_DonateWithControlDependency", donate);
    all.add("PJRT_Buffer_CopyRawToHostFuture", copy_later);
}

/// Checks a layout of the caller, which the plugin does not heed.
pub(crate) fn layout(call: &Call, layout: *const sys::PJRT_Buffer_MemoryLayout) -> Outcome {
    if layout.is_null() {
        return Ok(());
    }
    let layout = call.read(layout)?;
    call.known("PJRT_Buffer_MemoryLayout_Type", layout.type_.0.into())
}

fn uninitialized(
    call: &Call,
    args: &mut sys::PJRT_Client_CreateUninitializedBuffer_Args,
) -> Outcome {
    let place = Place::one_of(call, args.client, args.device, args.memory)?;
    let (dims, rank) = (args.shape_dims, args.shape_num_dims);
    let shape = Shape::read(call, args.shape_element_type, dims, rank)?;
    layout(call, args.shape_layout)?;
    // Whoever reads it sees what nobody wrote.
    let storage = Storage::copy_of(&vec![0xa5; shape.bytes()]);
    let buffer = Buffer::new(shape, place);
    buffer.data()?.fill(Ok(storage));
    args.buffer = call.give(buffer);
    Ok(())
}

fn error_buffer(call: &Call, args: &mut sys::PJRT_Client_CreateErrorBuffer_Args) -> Outcome {
    let place = Place::one_of(call, args.client, std::ptr::null_mut(), args.memory)?;
    let (dims, rank) = (args.shape_dims, args.shape_num_dims);
    let shape = Shape::read(call, args.shape_element_type, dims, rank)?;
    layout(call, args.shape_layout)?;
    call.known("PJRT_Error_Code", args.error_code.0.into())?;
    let mut failure = Failure::given(args.error_code, args.error_message, args.error_message_size);
    for (key, value) in call.named(args.payload, args.num_payload)? {
        let Value::Text(value) = value else {
            return Err(Failure::invalid(format!("the payload `{key}` is no text")));
        };
        failure.payload.push((key.into_bytes(), value.into_bytes()));
    }
    let buffer = Buffer::new(shape, place);
    buffer.data()?.fill(Err(failure));
    args.buffer = call.give(buffer);
    Ok(())
}

/// The promise of an alias buffer.
struct Alias {
    shape: Shape,
    data: Arc<Data>,
}

fn alias(call: &Call, args: &mut sys::PJRT_Client_CreateAliasBuffer_Args) -> Outcome {
    let place = Place::one_of(call, args.client, std::ptr::null_mut(), args.memory)?;
    let (dims, rank) = (args.shape_dims, args.shape_num_dims);
    let shape = Shape::read(call, args.shape_element_type, dims, rank)?;
    layout(call, args.shape_layout)?;
    let buffer = Buffer::new(shape.clone(), place);
    let data = buffer.data()?;
    args.alias_buffer = call.give(buffer);
    args.fulfill_alias_buffer_cb = call.give(Arc::new(Alias { shape, data }));
    Ok(())
}

fn fulfill(call: &Call, args: &mut sys::PJRT_Client_FulfillAliasBuffer_Args) -> Outcome {
    call.get::<crate::client::Client>(args.client)?;
    let alias = call.get::<Alias>(args.fulfill_alias_buffer_cb)?;
    call.known("PJRT_Error_Code", args.status_code.0.into())?;
    if args.status_code == sys::PJRT_Error_Code_OK {
        let buffer = call.buffer(args.buffer)?;
        if buffer.shape != alias.shape {
            let (wanted, given) = (alias.shape.to_text(), buffer.shape.to_text());
            return Err(Failure::invalid(format!(
                "the alias is {wanted}, not {given}"
            )));
        }
        let data = buffer.data()?;
        call.later(move |outcome| alias.data.fill(outcome.and_then(|()| data.wait())));
    } else {
        let (message, size) = (args.error_message, args.error_message_size);
        let failure = Failure::given(args.status_code, message, size);
        alias.data.fill(Err(failure));
    }
    call.destroy::<Alias>(args.fulfill_alias_buffer_cb)
        .map(drop)
}

/// What plugins demand of memory that they share.
const ALIGNMENT: usize = 64;

fn view(call: &Call, args: &mut sys::PJRT_Client_CreateViewOfDeviceBuffer_Args) -> Outcome {
    let place = Place::one_of(call, args.client, args.device, args.memory)?;
    let shape = Shape::read(call, args.element_type, args.dims, args.num_dims)?;
    layout(call, args.layout)?;
    let start = args.device_buffer_ptr as usize;
    if !start.is_multiple_of(ALIGNMENT) {
        return Err(Failure::invalid(format!(
            "{start:#x} is not aligned to {ALIGNMENT} bytes"
        )));
    }
    let ended: Option<Box<dyn FnOnce() + Send>> = args.on_delete_callback.map(|callback| {
        let sent = Sent::new((args.device_buffer_ptr, args.on_delete_callback_arg));
        Box::new(move || {
            let (pointer, user) = sent.get();
            // SAFETY: the callback is the caller's, called once, after the last use.
            unsafe { callback(pointer, user) };
        }) as Box<dyn FnOnce() + Send>
    });
    let view = View {
        start,
        size: shape.bytes(),
        ended: Mutex::new(ended),
    };
    let buffer = Buffer::new(shape, place);
    buffer.data()?.fill(Ok(Arc::new(Storage::View(view))));
    args.buffer = call.give(buffer);
    Ok(())
}

fn bitcast(call: &Call, args: &mut sys::PJRT_Buffer_Bitcast_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    let shape = Shape::read(call, args.element_type, args.dims, args.num_dims)?;
    layout(call, args.device_layout)?;
    if shape.bytes() != buffer.shape.bytes() {
        let (from, to) = (buffer.shape.to_text(), shape.to_text());
        return Err(Failure::invalid(format!(
            "{from} has not as many bytes as {to}"
        )));
    }
    let data = buffer.data()?;
    args.out_buffer = call.give(Buffer::with(shape, buffer.place(), data));
    Ok(())
}

/// What a caller is to say once: found by the handle that it got as user data.
struct Promise(Mutex<Option<Told>>);

type Told = Box<dyn FnOnce(Result<*mut c_void, Failure>) + Send>;

impl Promise {
    fn give(call: &Call, told: Told) -> *mut c_void {
        call.give(Arc::new(Promise(Mutex::new(Some(told)))))
    }
}

/// Hands what a caller says to its promise.
fn keep(handle: *mut c_void, said: impl FnOnce(&Call) -> Result<*mut c_void, Failure>) {
    let Some(inner) = stub::of_object(handle) else {
        return;
    };
    let call = Call::of(inner, "a promise");
    // Said twice, or with a handle of something else, it is a violation.
    let Ok(Some(promise)) = call.destroy::<Promise>(handle) else {
        return;
    };
    let told = promise.0.lock().ok().and_then(|mut told| told.take());
    if let Some(told) = told {
        told(said(&call));
    }
}

fn said(
    call: &Call,
    code: sys::PJRT_Error_Code,
    message: *const std::ffi::c_char,
    size: usize,
) -> Outcome {
    call.known("PJRT_Error_Code", code.0.into())?;
    match code {
        sys::PJRT_Error_Code_OK => Ok(()),
        code => Err(Failure::given(code, message, size)),
    }
}

unsafe extern "C" fn dependency_ready(
    args: *mut sys::PJRT_Buffer_DonateWithControlDependency_Callback_Args,
) {
    // SAFETY: the second word is the user data in every version.
    let handle = unsafe { (*args).callback_data };
    keep(handle, |call| {
        let given = call.read(args.cast_const())?;
        let (message, size) = (given.error_message, given.error_message_size);
        said(call, given.error_code, message, size).map(|()| std::ptr::null_mut())
    });
}

fn donate(call: &Call, args: &mut sys::PJRT_Buffer_DonateWithControlDependency_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    let from = buffer.data()?;
    drop(buffer.delete());
    let made = Buffer::new(buffer.shape.clone(), buffer.place());
    let to = made.data()?;
    args.out_buffer = call.give(made);
    args.dependency_ready_callback = Some(dependency_ready);
    args.callback_data = Promise::give(
        call,
        Box::new(move |outcome| to.fill(outcome.and_then(|_| from.wait()))),
    );
    Ok(())
}

unsafe extern "C" fn future_ready(args: *mut sys::PJRT_Buffer_CopyRawToHostFuture_Callback_Args) {
    // SAFETY: the second word is the user data in every version.
    let handle = unsafe { (*args).callback_data };
    keep(handle, |call| {
        let given = call.read(args.cast_const())?;
        let (message, size) = (given.error_message, given.error_message_size);
        said(call, given.error_code, message, size).map(|()| given.dst)
    });
}

fn copy_later(call: &Call, args: &mut sys::PJRT_Buffer_CopyRawToHostFuture_Args) -> Outcome {
    let buffer = call.buffer(args.buffer)?;
    let range: Range<usize> = range(&buffer, args.offset, args.transfer_size)?;
    let data = buffer.data()?;
    let done = Signal::new();
    args.event = call.event(done.clone());
    args.future_ready_callback = Some(future_ready);
    let again = call.clone();
    args.callback_data = Promise::give(
        call,
        Box::new(move |outcome| {
            let dst = match outcome {
                Ok(dst) => Sent::new(dst.cast::<u8>()),
                Err(failure) => {
                    done.set(Err(failure));
                    return;
                }
            };
            again.later(move |outcome| {
                let copied = outcome.and_then(|()| data.wait()).map(|storage| {
                    let from = storage.bytes().get(range).unwrap_or_default();
                    room(dst.get(), from.len()).copy_from_slice(from);
                });
                done.set(copied);
            });
        }),
    );
    Ok(())
}
