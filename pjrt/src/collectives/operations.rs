//! The operations of a communicator.

use super::executor::Lowered;
use super::{Communicator, CpuExecutor, ReductionKind};
use crate::element::host_size;
use crate::rt::{self, Handle, Place, Table};
use crate::{ElementType, Error, Event, Result, raw, sys};
use std::ffi::c_void;

/// Memory of a device, by address; for CPUs it is memory of the host.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// Where it begins.
    pub address: *mut c_void,
    /// How many bytes it has.
    pub size: usize,
}

fn refused(function: &'static str, argument: &'static str, problem: String) -> Error {
    Error::InvalidArgument {
        function,
        argument,
        problem,
    }
}

/// Refuses a kind that nobody knows.
fn known(reduction: ReductionKind, function: &'static str) -> Result<()> {
    if reduction.name().is_some() {
        return Ok(());
    }
    let problem = format!("{reduction:?} is no kind of reduction");
    Err(refused(function, "reduction_kind", problem))
}

impl Communicator {
    /// What every operation begins with: the table, the executor, and that each region has memory
    /// for the elements.
    fn ready<'a>(
        &self,
        function: &'static str,
        regions: &[(&'static str, &[Region])],
        element_type: ElementType,
        count: usize,
        executor: &CpuExecutor<'a>,
    ) -> Result<(&'static Table<raw::collectives::Table>, Lowered<'a>)> {
        let api = self.api();
        let table = api.extension::<raw::collectives::Table>()?;
        rt::destructor::<Event>(api)?;
        rt::check_element_type(api, element_type, function, "primitive_type")?;
        let needed = host_size(element_type).and_then(|size| size.checked_mul(count));
        let all = regions
            .iter()
            .flat_map(|(argument, list)| list.iter().map(move |region| (*argument, region)));
        for (argument, region) in all {
            let there = if region.address.is_null() {
                0
            } else {
                region.size
            };
            if needed.is_none_or(|needed| there < needed) {
                let problem = format!("{there} bytes for {count} elements of {element_type}");
                return Err(refused(function, argument, problem));
            }
        }
        Ok((table, executor.lower(function)?))
    }

    /// # Safety
    ///
    /// The event is new and the caller's to destroy, or null.
    unsafe fn event(&self, event: *mut sys::PJRT_Event, function: &'static str) -> Result<Event> {
        let place = Place {
            function,
            field: "event",
        };
        // SAFETY: the caller's promise; the operation needs the communicator until then.
        unsafe { rt::owned(self.api(), event, rt::owner_of(self), place) }
    }

    /// Combines `count` elements of each participant, one by one, and gives the result to all.
    ///
    /// Calls `PJRT_Collectives_Communicator_AllReduce`, since PJRT 0.94.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a region without room for the elements, a type that no array has, and
    /// a reduction or an executor with a kind that nobody knows or without a participant here; what the plugin
    /// reports, here or through the event.
    ///
    /// # Safety
    ///
    /// The regions must be memory that the platform reads (`send`) and writes (`recv`), as long as
    /// they say, until the event has happened; nobody else may write what is read nor touch what is
    /// written until then. If this fails with `InvalidOutput`, nobody knows when that is. The
    /// other participants must ask for the same operation, with the same key, type and count.
    pub unsafe fn all_reduce(
        &self,
        send: Region,
        recv: Region,
        element_type: ElementType,
        count: usize,
        reduction: ReductionKind,
        executor: &CpuExecutor<'_>,
    ) -> Result<Event> {
        const FUNCTION: &str = "PJRT_Collectives_Communicator_AllReduce";
        known(reduction, FUNCTION)?;
        let regions: [(_, &[_]); 2] = [("send_buffer", &[send]), ("recv_buffer", &[recv])];
        let (table, mut executor) =
            self.ready(FUNCTION, &regions, element_type, count, executor)?;
        let input = raw::collectives::CollectivesCommunicatorAllReduceIn::new(
            self.as_raw(),
            send.address,
            send.size,
            recv.address,
            recv.size,
            element_type.as_raw(),
            count,
            reduction.as_raw(),
            executor.as_mut_ptr(),
        );
        // SAFETY: the communicator is live and the executor is read during the call; the memory is
        // the caller's promise; the event is new and ours to destroy.
        unsafe {
            let out = raw::collectives::collectives_communicator_all_reduce(table, input)?;
            self.event(out.event, FUNCTION)
        }
    }

    /// Combines the arrays of all participants, one by one, and gives each its part of the result:
    /// `count` elements.
    ///
    /// Calls `PJRT_Collectives_Communicator_ReduceScatter`, since PJRT 0.94.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a region without room for the elements, a type that no array has, and
    /// a reduction or an executor with a kind that nobody knows or without a participant here; what the plugin
    /// reports, here or through the event.
    ///
    /// # Safety
    ///
    /// The regions must be memory that the platform reads (`send`) and writes (`recv`), as long as
    /// they say, until the event has happened; nobody else may write what is read nor touch what is
    /// written until then. If this fails with `InvalidOutput`, nobody knows when that is. `send` must have as many
    /// times `count` elements as there are participants. The
    /// other participants must ask for the same operation, with the same key, type and count.
    pub unsafe fn reduce_scatter(
        &self,
        send: Region,
        recv: Region,
        element_type: ElementType,
        count: usize,
        reduction: ReductionKind,
        executor: &CpuExecutor<'_>,
    ) -> Result<Event> {
        const FUNCTION: &str = "PJRT_Collectives_Communicator_ReduceScatter";
        known(reduction, FUNCTION)?;
        let regions: [(_, &[_]); 2] = [("send_buffer", &[send]), ("recv_buffer", &[recv])];
        let (table, mut executor) =
            self.ready(FUNCTION, &regions, element_type, count, executor)?;
        let input = raw::collectives::CollectivesCommunicatorReduceScatterIn::new(
            self.as_raw(),
            send.address,
            send.size,
            recv.address,
            recv.size,
            element_type.as_raw(),
            count,
            reduction.as_raw(),
            executor.as_mut_ptr(),
        );
        // SAFETY: the communicator is live and the executor is read during the call; the memory is
        // the caller's promise; the event is new and ours to destroy.
        unsafe {
            let out = raw::collectives::collectives_communicator_reduce_scatter(table, input)?;
            self.event(out.event, FUNCTION)
        }
    }

    /// Joins `count` elements of each participant in their order, and gives the whole to all.
    ///
    /// Calls `PJRT_Collectives_Communicator_AllGather`, since PJRT 0.94.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a region without room for the elements, a type that no array has, and
    /// an executor with a kind that nobody knows or without a participant here; what the plugin
    /// reports, here or through the event.
    ///
    /// # Safety
    ///
    /// The regions must be memory that the platform reads (`send`) and writes (`recv`), as long as
    /// they say, until the event has happened; nobody else may write what is read nor touch what is
    /// written until then. If this fails with `InvalidOutput`, nobody knows when that is. `recv` must have room
    /// for as many times `count` elements as there are participants. The
    /// other participants must ask for the same operation, with the same key, type and count.
    pub unsafe fn all_gather(
        &self,
        send: Region,
        recv: Region,
        element_type: ElementType,
        count: usize,
        executor: &CpuExecutor<'_>,
    ) -> Result<Event> {
        const FUNCTION: &str = "PJRT_Collectives_Communicator_AllGather";
        let regions: [(_, &[_]); 2] = [("send_buffer", &[send]), ("recv_buffer", &[recv])];
        let (table, mut executor) =
            self.ready(FUNCTION, &regions, element_type, count, executor)?;
        let input = raw::collectives::CollectivesCommunicatorAllGatherIn::new(
            self.as_raw(),
            send.address,
            send.size,
            recv.address,
            recv.size,
            element_type.as_raw(),
            count,
            executor.as_mut_ptr(),
        );
        // SAFETY: the communicator is live and the executor is read during the call; the memory is
        // the caller's promise; the event is new and ours to destroy.
        unsafe {
            let out = raw::collectives::collectives_communicator_all_gather(table, input)?;
            self.event(out.event, FUNCTION)
        }
    }

    /// Sends `count` elements to the participants with the ranks `targets`, and receives as many
    /// from the one with the rank `source`; without a source, what is received is zeros.
    ///
    /// Calls `PJRT_Collectives_Communicator_CollectivePermute`, since PJRT 0.94.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a region without room for the elements, a type that no array has, and
    /// an executor with a kind that nobody knows or without a participant here; what the plugin
    /// reports, here or through the event.
    ///
    /// # Safety
    ///
    /// The regions must be memory that the platform reads (`send`) and writes (`recv`), as long as
    /// they say, until the event has happened; nobody else may write what is read nor touch what is
    /// written until then. If this fails with `InvalidOutput`, nobody knows when that is. The
    /// other participants must ask for the same operation, with the same key, type and count.
    #[allow(clippy::too_many_arguments, reason = "they are those of the operation")]
    pub unsafe fn collective_permute(
        &self,
        send: Region,
        recv: Region,
        element_type: ElementType,
        count: usize,
        source: Option<i64>,
        targets: &[i64],
        executor: &CpuExecutor<'_>,
    ) -> Result<Event> {
        const FUNCTION: &str = "PJRT_Collectives_Communicator_CollectivePermute";
        let regions: [(_, &[_]); 2] = [("send_buffer", &[send]), ("recv_buffer", &[recv])];
        let (table, mut executor) =
            self.ready(FUNCTION, &regions, element_type, count, executor)?;
        let input = raw::collectives::CollectivesCommunicatorCollectivePermuteIn::new(
            self.as_raw(),
            send.address,
            send.size,
            recv.address,
            recv.size,
            element_type.as_raw(),
            count,
            source.is_some(),
            source.unwrap_or_default(),
            targets.as_ptr().cast_mut(),
            targets.len(),
            executor.as_mut_ptr(),
        );
        // SAFETY: the communicator is live; executor and ranks are read during the call; the memory
        // is the caller's promise; the event is new and ours to destroy.
        unsafe {
            let out = raw::collectives::collectives_communicator_collective_permute(table, input)?;
            self.event(out.event, FUNCTION)
        }
    }

    /// Sends `count` elements to each participant, from the region of its rank, and receives as
    /// many from each into the region of its rank.
    ///
    /// Calls `PJRT_Collectives_Communicator_AllToAll`, since PJRT 0.94.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a region without room for the elements, a type that no array has, and
    /// an executor with a kind that nobody knows or without a participant here; what the plugin
    /// reports, here or through the event.
    ///
    /// # Safety
    ///
    /// The regions must be memory that the platform reads (`send`) and writes (`recv`), as long as
    /// they say, until the event has happened; nobody else may write what is read nor touch what is
    /// written until then. If this fails with `InvalidOutput`, nobody knows when that is. There must be
    /// one region of each for every participant. The
    /// other participants must ask for the same operation, with the same key, type and count.
    pub unsafe fn all_to_all(
        &self,
        send: &[Region],
        recv: &[Region],
        element_type: ElementType,
        count: usize,
        executor: &CpuExecutor<'_>,
    ) -> Result<Event> {
        const FUNCTION: &str = "PJRT_Collectives_Communicator_AllToAll";
        let regions = [("send_buffers", send), ("recv_buffers", recv)];
        let (table, mut executor) =
            self.ready(FUNCTION, &regions, element_type, count, executor)?;
        if send.len() != recv.len() {
            let problem = format!(
                "{} regions to send and {} to receive",
                send.len(),
                recv.len()
            );
            return Err(refused(FUNCTION, "recv_buffers", problem));
        }
        let addresses = |list: &[Region]| list.iter().map(|each| each.address).collect::<Vec<_>>();
        let sizes = |list: &[Region]| list.iter().map(|each| each.size).collect::<Vec<_>>();
        let (mut from, from_sizes) = (addresses(send), sizes(send));
        let (mut to, to_sizes) = (addresses(recv), sizes(recv));
        let input = raw::collectives::CollectivesCommunicatorAllToAllIn::new(
            self.as_raw(),
            from.as_mut_ptr(),
            from_sizes.as_ptr(),
            from.len(),
            to.as_mut_ptr(),
            to_sizes.as_ptr(),
            to.len(),
            element_type.as_raw(),
            count,
            executor.as_mut_ptr(),
        );
        // SAFETY: the communicator is live; executor and lists are read during the call; the memory
        // is the caller's promise; the event is new and ours to destroy.
        unsafe {
            let out = raw::collectives::collectives_communicator_all_to_all(table, input)?;
            self.event(out.event, FUNCTION)
        }
    }
}
