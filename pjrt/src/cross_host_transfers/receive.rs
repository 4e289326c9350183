//! Receiving by descriptors.

use super::cancel::Cancel;
use super::shapes::Shapes;
use super::{Canceller, CrossHostTransfers, buffers};
use crate::rt::{self, Api, Owner, Place};
use crate::{Buffer, BufferSpec, Client, Device, Error, Result, raw, sys};
use std::ffi::{c_char, c_void};

const MAKE: &str = "PJRT_Transfers_PJRT_Client_MakeCrossHostReceiveBuffers";

/// What tells the descriptors.
type Notify = Box<dyn for<'a> FnOnce(Result<ReceiveDescriptors<'a>>) + Send>;

/// What waits for the plugin to tell the descriptors.
struct Notifier {
    api: &'static Api,
    /// The client, which must be there when they come.
    client: Option<Owner>,
    /// How many there must be.
    count: usize,
    notify: Notify,
}

/// What senders need to send into the buffers that were made, one descriptor for each buffer, in
/// the same order; and the means to cancel. It lives as long as the closure that is given it runs:
/// copy what is to stay.
#[derive(Debug)]
pub struct ReceiveDescriptors<'a> {
    descriptors: Vec<&'a [u8]>,
    canceller: Canceller<'a>,
}

impl<'a> ReceiveDescriptors<'a> {
    /// The descriptors: bytes that only the platform understands.
    pub fn descriptors(&self) -> &[&'a [u8]] {
        &self.descriptors
    }

    /// What cancels a send that will not come.
    pub fn canceller(&self) -> &Canceller<'a> {
        &self.canceller
    }

    /// The same, without the descriptors.
    pub fn into_canceller(self) -> Canceller<'a> {
        self.canceller
    }
}

impl CrossHostTransfers {
    /// Makes one buffer per entry on a device of this process, to receive what other processes
    /// send. When the platform has made room, `notify` is called, once, with a descriptor for each
    /// buffer, perhaps before this returns and perhaps on a thread of the plugin; or with the
    /// error that means that the buffers will never have contents. None of the buffers gets ready
    /// before all that is sent has come. For each descriptor, either it is sent to or the send is
    /// cancelled: if neither happens, what waits for the buffers waits forever.
    ///
    /// The entries must say exactly what is sent, the layout included.
    ///
    /// A panic in `notify` ends it and nothing else. Handles that it drops are destroyed on a
    /// thread of this crate.
    ///
    /// Calls `PJRT_Transfers_PJRT_Client_MakeCrossHostReceiveBuffers`, since PJRT 0.74; as it is
    /// used here since 0.86.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an empty list, for a type, dimensions or a layout that no array has,
    /// and for a device of another process; `ForeignHandle` for one of another client; `TooNew`
    /// for a plugin that gives no means to cancel; what the plugin reports. `notify` is then
    /// dropped without being called.
    pub fn make_receive_buffers(
        &self,
        client: &Client,
        device: &Device,
        specs: &[BufferSpec<'_>],
        notify: impl for<'a> FnOnce(Result<ReceiveDescriptors<'a>>) + Send + 'static,
    ) -> Result<Vec<Buffer>> {
        let api = self.table.api();
        self.own_client(client, MAKE)?;
        rt::destructor::<Buffer>(api)?;
        let function = rt::Function {
            name: MAKE,
            since: 0,
        };
        let slot = self
            .table
            .table()
            .0
            .PJRT_Transfers_PJRT_Client_MakeCrossHostReceiveBuffers;
        if slot.is_none() {
            return Err(self.table.absent(&function));
        }
        self.own_device(client, device, MAKE)?;
        let mut shapes = Shapes::new(client, specs, MAKE)?;
        let mut written = shapes.room();
        let number = rt::waiting(Notifier {
            api,
            client: rt::owner_of(client),
            count: written.len(),
            notify: Box::new(notify),
        });
        let notifier = sys::cross_host_transfers::PJRT_Transfers_CrossHostRecvNotifierInfo {
            user_arg: number,
            notifier: Some(notified),
        };
        let input =
            raw::cross_host_transfers::TransfersPjrtClientMakeCrossHostReceiveBuffersIn::new(
                client.as_raw(),
                written.len(),
                shapes.ranks.as_mut_ptr(),
                shapes.dims.as_mut_ptr(),
                shapes.types.as_mut_ptr(),
                shapes.layouts.as_mut_ptr(),
                device.as_raw(),
                notifier,
                written.as_mut_ptr(),
            );
        // SAFETY: the device is of this client; the arrays have one entry for each buffer and
        // outlive the call, which copies them; there is room for one buffer each; the notifier's
        // data is a number, under which it finds what waits or nothing.
        let out = unsafe {
            raw::cross_host_transfers::transfers_pjrt_client_make_cross_host_receive_buffers(
                self.table, input,
            )
        };
        let out = out.inspect_err(|_| drop(rt::called::<Notifier>(number)))?;
        // SAFETY: the plugin has written new buffers, which are ours to destroy.
        let made = unsafe { buffers(client, &written, MAKE) }?;
        if out.num_buffers != written.len() {
            let place = Place {
                function: MAKE,
                field: "num_buffers",
            };
            return Err(place.invalid("another number of buffers than was asked for"));
        }
        Ok(made)
    }
}

/// What the plugin calls.
unsafe extern "C" fn notified(
    error: *mut sys::PJRT_Error,
    descriptors: *mut *const c_char,
    sizes: *mut usize,
    count: usize,
    number: *mut c_void,
    cancel: sys::cross_host_transfers::PJRT_Transfers_CrossHostSendCancelNotifier,
    cancel_data: *mut c_void,
) {
    rt::contained(|| {
        let Some(notifier) = rt::called::<Notifier>(number) else {
            return;
        };
        let Notifier {
            api,
            client,
            count: expected,
            notify,
        } = notifier;
        if !error.is_null() {
            // The plugin destroys its error when this returns.
            return notify(Err(rt::lent_error(api, error, MAKE)));
        }
        // SAFETY: the plugin gives as many descriptors and lengths as it says, which live through
        // this call.
        let read = unsafe { read(descriptors, sizes, count, expected) };
        notify(read.map(|descriptors| {
            let known = descriptors.iter().map(|bytes| bytes.to_vec()).collect();
            // SAFETY: function and data belong together and may be used during this call, which is
            // as long as the borrow lives.
            let cancel = unsafe { Cancel::new(api, client, cancel, cancel_data, known) };
            ReceiveDescriptors {
                descriptors,
                canceller: Canceller::new(cancel),
            }
        }));
    });
}

/// # Safety
///
/// What is not null has `count` entries, and each descriptor is as long as its size says; all of it
/// lives as long as `'a`.
unsafe fn read<'a>(
    descriptors: *mut *const c_char,
    sizes: *mut usize,
    count: usize,
    expected: usize,
) -> Result<Vec<&'a [u8]>> {
    let place = |field| Place {
        function: MAKE,
        field,
    };
    if count != expected {
        let problem = "another number of descriptors than of buffers";
        return Err::<_, Error>(place("num_descriptors").invalid(problem));
    }
    // SAFETY: the caller's promise, and the number is the one that we expect.
    let (descriptors, sizes): (&[*const c_char], &[usize]) = unsafe {
        (
            rt::slice(descriptors, count, place("serialized_descriptors"))?,
            rt::slice(sizes, count, place("descriptors_sizes"))?,
        )
    };
    let pairs = descriptors.iter().zip(sizes);
    // SAFETY: the caller's promise.
    pairs
        .map(|(bytes, size)| unsafe {
            rt::slice(bytes.cast(), *size, place("serialized_descriptors"))
        })
        .collect()
}
