//! Transfers that both sides know by a key.

use super::shapes::Shapes;
use super::{CrossHostTransfers, buffers, not_empty};
use crate::rt::{self, Handle, Place};
use crate::{Buffer, BufferSpec, Client, Device, Event, Result, raw};
use std::ptr;

const RECEIVE: &str = "PJRT_Transfers_PJRT_Client_CrossHostReceiveBuffers";
const SEND: &str = "PJRT_Transfers_PJRT_Client_CrossHostSendBuffers";

/// A buffer that comes from another process.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// What is sent, exactly.
    pub spec: BufferSpec<'a>,
    /// Number, among the devices of all processes, of the device that it comes from.
    pub source: i32,
    /// The key of this transfer, which no other has.
    pub key: i64,
}

/// A buffer that goes to another process.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    /// What is sent.
    pub buffer: &'a Buffer,
    /// Number, among the devices of all processes, of the device that it goes to.
    pub destination: i32,
    /// The key of this transfer, which no other has.
    pub key: i64,
}

impl CrossHostTransfers {
    /// Makes one buffer per entry on a device of this process, to receive what other processes send
    /// under the same keys. A buffer gets ready when its contents have come, and waits forever if
    /// nobody sends them.
    ///
    /// Calls `PJRT_Transfers_PJRT_Client_CrossHostReceiveBuffers`, since PJRT 0.82.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an empty list, for a type, dimensions or a layout that no array has,
    /// and for a device of another process; `ForeignHandle` for one of another client; what the
    /// plugin reports, such as UNIMPLEMENTED.
    pub fn receive_buffers(
        &self,
        client: &Client,
        device: &Device,
        incoming: &[Incoming<'_>],
    ) -> Result<Vec<Buffer>> {
        self.own_client(client, RECEIVE)?;
        rt::destructor::<Buffer>(self.table.api())?;
        self.own_device(client, device, RECEIVE)?;
        let specs: Vec<BufferSpec<'_>> = incoming.iter().map(|each| each.spec).collect();
        let mut shapes = Shapes::new(client, &specs, RECEIVE)?;
        let sources: Vec<i32> = incoming.iter().map(|each| each.source).collect();
        let keys: Vec<i64> = incoming.iter().map(|each| each.key).collect();
        let mut written = shapes.room();
        let input = raw::cross_host_transfers::TransfersPjrtClientCrossHostReceiveBuffersIn::new(
            client.as_raw(),
            written.len(),
            shapes.ranks.as_mut_ptr(),
            shapes.dims.as_mut_ptr(),
            shapes.types.as_mut_ptr(),
            shapes.layouts.as_mut_ptr(),
            device.as_raw(),
            sources.as_ptr(),
            keys.as_ptr(),
            written.as_mut_ptr(),
        );
        // SAFETY: the device is of this client; the arrays have one entry for each buffer and
        // outlive the call, which copies them; there is room for one buffer each.
        unsafe {
            raw::cross_host_transfers::transfers_pjrt_client_cross_host_receive_buffers(
                self.table, input,
            )
        }?;
        // SAFETY: the plugin has written new buffers, which are ours to destroy.
        unsafe { buffers(client, &written, RECEIVE) }
    }

    /// Sends buffers, which may be of one device only, to devices of other processes. Each gives an
    /// event that happens when it is sent, or with the error that hindered it.
    ///
    /// Calls `PJRT_Transfers_PJRT_Client_CrossHostSendBuffers`, since PJRT 0.82.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for an empty list; `ForeignHandle` for a buffer of another client; what
    /// the plugin reports, such as UNIMPLEMENTED.
    ///
    /// # Safety
    ///
    /// Whoever receives under one of the keys, on the device that it goes to, must expect exactly
    /// what is sent: the same type, dimensions and layout. A platform may write what is sent
    /// straight into the memory that was made for it, and does not compare. No two transfers that
    /// are under way may have one key.
    pub unsafe fn send_buffers(
        &self,
        client: &Client,
        outgoing: &[Outgoing<'_>],
    ) -> Result<Vec<Event>> {
        self.own_client(client, SEND)?;
        rt::destructor::<Event>(self.table.api())?;
        not_empty(outgoing, SEND, "buffers")?;
        for each in outgoing {
            rt::same_client(client, each.buffer, SEND, "buffers")?;
        }
        let mut sent: Vec<_> = outgoing.iter().map(|each| each.buffer.as_raw()).collect();
        let destinations: Vec<i32> = outgoing.iter().map(|each| each.destination).collect();
        let keys: Vec<i64> = outgoing.iter().map(|each| each.key).collect();
        let mut written = vec![ptr::null_mut(); outgoing.len()];
        let input = raw::cross_host_transfers::TransfersPjrtClientCrossHostSendBuffersIn::new(
            client.as_raw(),
            sent.len(),
            sent.as_mut_ptr(),
            destinations.as_ptr(),
            keys.as_ptr(),
            written.as_mut_ptr(),
        );
        // SAFETY: the buffers are live and of this client; the arrays have one entry for each and
        // outlive the call, which copies them; there is room for one event each. What is received
        // fits, as the caller promised.
        unsafe {
            raw::cross_host_transfers::transfers_pjrt_client_cross_host_send_buffers(
                self.table, input,
            )
        }?;
        let place = Place {
            function: SEND,
            field: "send_events",
        };
        let owner = rt::owner_of(client);
        // SAFETY: the plugin has written new events, which are ours to destroy and need the client.
        unsafe { rt::owned_list(client.api(), &written, owner.as_ref(), place) }
    }
}
