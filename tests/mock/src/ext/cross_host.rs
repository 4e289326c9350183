//! Transfers between hosts: all of them are this plugin, and what is sent over a key or to a
//! descriptor comes where it is awaited.

use super::fabric::{Fabric, Link};
use crate::buffer::{Buffer, Data, Place, Shape};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::device::Device;
use crate::event::{Event, Sent, Signal};
use crate::failure::Failure;
use crate::memory_of::{bytes, items, room};
use pjrt_sys::PJRT_Buffer_MemoryLayout as MemoryLayout;
use pjrt_sys::cross_host_transfers as sys;
use std::sync::Arc;

pub(crate) fn calls(all: &mut Calls) {
    all.add(
        "PJRT_Transfers_PJRT_Client_CrossHostSendBuffers",
        send_buffers,
    );
    all.add(
        "PJRT_Transfers_PJRT_Client_CrossHostReceiveBuffers",
        receive_buffers,
    );
    all.add(
        "PJRT_Transfers_PJRT_Client_MakeCrossHostReceiveBuffers",
        make_buffers,
    );
    all.add("PJRT_Buffer_CopyToRemoteDevice", copy);
}

/// Buffers as a caller describes them.
struct Shapes {
    client: *mut pjrt_sys::PJRT_Client,
    device: *mut pjrt_sys::PJRT_Device,
    count: usize,
    ranks: *mut usize,
    dims: *mut *const i64,
    types: *mut pjrt_sys::PJRT_Buffer_Type,
    layouts: *mut *mut MemoryLayout,
}

impl Shapes {
    /// Makes the buffers, which wait for their contents.
    fn make(&self, call: &Call) -> Result<Vec<Arc<Buffer>>, Failure> {
        call.get::<Client>(self.client)?;
        call.get::<Device>(self.device)?;
        let types = items(self.types.cast_const(), self.count);
        let dims = items(self.dims.cast_const(), self.count);
        let ranks = items(self.ranks.cast_const(), self.count);
        let layouts = items(self.layouts.cast_const(), self.count);
        let mut made = Vec::new();
        for (index, ((ty, dims), rank)) in types.iter().zip(dims).zip(ranks).enumerate() {
            let shape = Shape::read(call, *ty, *dims, *rank)?;
            let layout = layouts.get(index).copied();
            crate::make::layout(call, layout.unwrap_or(std::ptr::null_mut()))?;
            let place = Place::one_of(call, self.client, self.device, std::ptr::null_mut())?;
            made.push(Buffer::new(shape, place));
        }
        Ok(made)
    }
}

fn give(call: &Call, made: &[Arc<Buffer>], places: *mut *mut pjrt_sys::PJRT_Buffer) {
    for (place, buffer) in room(places, made.len()).iter_mut().zip(made) {
        *place = call.give(buffer.clone());
    }
}

fn send_buffers(
    call: &Call,
    args: &mut sys::PJRT_Transfers_PJRT_Client_CrossHostSendBuffers_Args,
) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let keys = items(args.transfer_keys, args.num_buffers);
    let mut sent = Vec::new();
    for handle in items(args.buffers.cast_const(), args.num_buffers) {
        let buffer = call.buffer(*handle)?;
        if !Arc::ptr_eq(&buffer.client, &client) {
            return Err(call.violation("a buffer of another client".to_owned()));
        }
        sent.push(buffer.data()?);
    }
    let fabric = call.inner.state::<Fabric>();
    let events = room(args.send_events, sent.len());
    for ((data, key), event) in sent.into_iter().zip(keys).zip(events) {
        let done = Signal::new();
        fabric.send(call, Link::Key(*key), data, done.clone());
        *event = call.event(done);
    }
    Ok(())
}

fn receive_buffers(
    call: &Call,
    args: &mut sys::PJRT_Transfers_PJRT_Client_CrossHostReceiveBuffers_Args,
) -> Outcome {
    let shapes = Shapes {
        client: args.client,
        device: args.device,
        count: args.num_shapes,
        ranks: args.shape_num_dims,
        dims: args.num_dims,
        types: args.element_types,
        layouts: args.layouts,
    };
    let made = shapes.make(call)?;
    let fabric = call.inner.state::<Fabric>();
    let keys = items(args.transfer_keys, args.num_shapes);
    for (buffer, key) in made.iter().zip(keys) {
        fabric.receive(call, Link::Key(*key), buffer.data()?);
    }
    give(call, &made, args.buffers);
    Ok(())
}

/// What tells descriptors.
type Notifier = Sent<(
    sys::PJRT_Transfers_CrossHostRecvNotifier,
    *mut std::ffi::c_void,
)>;

fn make_buffers(
    call: &Call,
    args: &mut sys::PJRT_Transfers_PJRT_Client_MakeCrossHostReceiveBuffers_Args,
) -> Outcome {
    let shapes = Shapes {
        client: args.client,
        device: args.device,
        count: args.num_shapes,
        ranks: args.shape_num_dims,
        dims: args.num_dims,
        types: args.element_types,
        layouts: args.layouts,
    };
    if args.notifier.notifier.is_none() {
        return Err(call.violation("no notifier".to_owned()));
    }
    let notifier: Notifier = Sent::new((args.notifier.notifier, args.notifier.user_arg));
    let made = shapes.make(call)?;
    let fabric = call.inner.state::<Fabric>();
    let mut descriptors = Vec::new();
    for buffer in &made {
        let descriptor = fabric.descriptor();
        fabric.receive(call, Link::Descriptor(descriptor.clone()), buffer.data()?);
        descriptors.push(descriptor);
    }
    give(call, &made, args.buffers);
    args.num_buffers = made.len();
    let again = call.clone();
    call.later(move |outcome| tell(&again, notifier, outcome.map(|()| descriptors)));
    Ok(())
}

/// Tells the descriptors, or that there are none; errors are lent.
fn tell(call: &Call, notifier: Notifier, told: Result<Vec<Vec<u8>>, Failure>) {
    let (Some(function), user) = notifier.get() else {
        return;
    };
    let (error, descriptors) = match told {
        Ok(descriptors) => (std::ptr::null_mut(), descriptors),
        Err(failure) => (call.error(failure), Vec::new()),
    };
    let mut starts: Vec<_> = descriptors.iter().map(|d| d.as_ptr().cast()).collect();
    let mut sizes: Vec<usize> = descriptors.iter().map(Vec::len).collect();
    let handle: *mut std::ffi::c_void = call.give(Arc::new(Canceller));
    // SAFETY: the function is the caller's, called once; what it is lent is there for that time.
    unsafe {
        function(
            error,
            starts.as_mut_ptr(),
            sizes.as_mut_ptr(),
            starts.len(),
            user,
            Some(cancel),
            handle,
        );
    }
    drop(call.destroy::<Canceller>(handle));
    drop(call.destroy::<Failure>(error));
}

/// The means to cancel: good while the descriptors are told.
struct Canceller;

unsafe extern "C" fn cancel(
    descriptor: *const std::ffi::c_char,
    size: usize,
    reason: pjrt_sys::PJRT_Error_Code,
    message: *const std::ffi::c_char,
    message_size: usize,
    done: sys::PJRT_Transfers_CrossHostOnCanceledCallback,
    done_user: *mut std::ffi::c_void,
    data: *mut std::ffi::c_void,
) {
    let Some(inner) = crate::stub::of_object(data) else {
        return;
    };
    let call = Call::of(inner, "PJRT_Transfers_CrossHostSendCancelNotifier");
    if call.get::<Canceller>(data).is_err() {
        return;
    }
    let link = Link::Descriptor(bytes(descriptor, size).to_vec());
    let failure = Failure::given(reason, message, message_size);
    let cancelled = call.inner.state::<Fabric>().cancel(&link, failure);
    let done = Sent::new((done, done_user));
    let again = call.clone();
    call.later(move |outcome| {
        let outcome = outcome.and(cancelled);
        let error = outcome.map_or_else(|failure| again.error(failure), |()| std::ptr::null_mut());
        let (function, user) = done.get();
        if let Some(function) = function {
            // SAFETY: the function is the caller's, called once; the error is lent.
            unsafe { function(error, user) };
        }
        drop(again.destroy::<Failure>(error));
    });
}

/// A copy whose descriptor may still come.
struct Copy {
    descriptor: Sent<(*mut *mut std::ffi::c_char, *mut usize)>,
    destructor: sys::PJRT_Transfers_DescriptorDestructor,
    done: Sent<sys::PJRT_Transfers_CrossHostRemoteSendCallbackInfo>,
}

fn copy(
    call: &Call,
    args: &mut sys::PJRT_Transfers_PJRT_Buffer_CopyToRemoteDevice_Args,
) -> Outcome {
    let data = call.buffer(args.buffer)?.data()?;
    let copy = Copy {
        descriptor: Sent::new((args.serialized_descriptor, args.serialized_descriptor_size)),
        destructor: args.descriptor_destructor,
        done: Sent::new(args.on_done),
    };
    let again = call.clone();
    if args.event.is_null() {
        call.later(move |outcome| copy.go(&again, outcome, data));
        return Ok(());
    }
    let event = Sent::new(args.event);
    let signal = call.get::<Event>(args.event)?.signal.clone();
    signal.then(move |told| {
        // The event is the plugin's with the call.
        drop(again.destroy::<Event>(event.get()));
        let last = again.clone();
        again.later(move |outcome| copy.go(&last, outcome.and(told), data));
    });
    Ok(())
}

impl Copy {
    fn go(self, call: &Call, told: Outcome, data: Arc<Data>) {
        let (start, size) = self.descriptor.get();
        let sent = Signal::new();
        match told {
            Ok(()) => {
                // SAFETY: the descriptor is there since the event, until it is freed.
                let descriptor = unsafe { bytes(start.read(), size.read()) }.to_vec();
                let fabric = call.inner.state::<Fabric>();
                if fabric.awaits(&descriptor) {
                    fabric.send(call, Link::Descriptor(descriptor), data, sent.clone());
                } else {
                    let code = pjrt_sys::PJRT_Error_Code_NOT_FOUND;
                    sent.set(Err(Failure::new(code, "nobody awaits the descriptor")));
                }
            }
            Err(failure) => {
                sent.set(Err(failure));
            }
        }
        if let Some(destructor) = self.destructor {
            // SAFETY: the caller's function, called once with the memory that came with it.
            unsafe { destructor(start, size) };
        }
        let again = call.clone();
        sent.then(move |outcome| {
            let enqueued = outcome.is_ok();
            let error =
                outcome.map_or_else(|failure| again.error(failure), |()| std::ptr::null_mut());
            let done = self.done.get();
            if let Some(function) = done.on_done {
                // SAFETY: the function is the caller's, called once; the error is lent.
                unsafe { function(error, enqueued, done.user_arg) };
            }
            drop(again.destroy::<Failure>(error));
        });
    }
}
