//! Collective operations: those who were made together meet, and when all have come it is done.

use super::meeting::{Meeting, Operation, Part};
use super::{Held, hold, release};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::element;
use crate::event::{Sent, Signal};
use crate::failure::Failure;
use crate::memory_of::{bytes, items};
use pjrt_sys::collectives as sys;
use std::ffi::c_void;
use std::sync::Arc;

/// Makes communicators.
pub(crate) struct Provider;

/// One of those who meet.
struct Communicator {
    rank: usize,
    meeting: Arc<Meeting>,
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Collectives_Destroy", destroy);
    all.add("PJRT_Collectives_CreateCommunicators", create);
    all.add("PJRT_Collectives_Communicator_Destroy", leave);
    all.add("PJRT_Collectives_Communicator_AllReduce", all_reduce);
    all.add(
        "PJRT_Collectives_Communicator_ReduceScatter",
        reduce_scatter,
    );
    all.add("PJRT_Collectives_Communicator_AllGather", all_gather);
    all.add("PJRT_Collectives_Communicator_CollectivePermute", permute);
    all.add("PJRT_Collectives_Communicator_AllToAll", all_to_all);
    all.add("PJRT_Collectives_Communicator_ToString", to_string);
}

fn destroy(call: &Call, args: &mut sys::PJRT_Collectives_Destroy_Args) -> Outcome {
    call.destroy::<Provider>(args.collectives).map(drop)
}

fn create(call: &Call, args: &mut sys::PJRT_Collectives_CreateCommunicators_Args) -> Outcome {
    call.get::<Provider>(args.collectives)?;
    let sizes = items(args.clique_id_sizes, args.num_clique_ids);
    let ids = items(args.clique_ids.cast_const(), args.num_clique_ids);
    for (id, size) in ids.iter().zip(sizes) {
        if bytes(*id, *size).is_empty() {
            return Err(Failure::invalid("an identifier is empty"));
        }
    }
    let ranks = items(args.rank_ids.cast_const(), args.num_device_ranks);
    let known = 0..i64::try_from(args.num_device_ids).unwrap_or(i64::MAX);
    if ranks.iter().any(|rank| !known.contains(rank)) {
        return Err(Failure::invalid("a rank is that of no device"));
    }
    let mut sorted: Vec<usize> = ranks
        .iter()
        .filter_map(|rank| usize::try_from(*rank).ok())
        .collect();
    let meeting = Arc::new(Meeting::new(sorted.len()));
    let made: Vec<usize> = sorted
        .drain(..)
        .map(|rank| {
            let meeting = meeting.clone();
            let one: *mut c_void = call.give(Arc::new(Communicator { rank, meeting }));
            one as usize
        })
        .collect();
    args.communicators = made.as_ptr().cast_mut().cast();
    args.num_communicators = made.len();
    args.communicators_holder = Held::give(call, made);
    args.communicators_holder_deleter = Some(release);
    Ok(())
}

fn leave(call: &Call, args: &mut sys::PJRT_Collectives_Communicator_Destroy_Args) -> Outcome {
    call.destroy::<Communicator>(args.communicator).map(drop)
}

/// Which run it is, so that only those of one meet.
fn run_of(
    call: &Call,
    executor: *mut sys::PJRT_Collectives_CpuExecutor,
) -> Result<(i64, i64), Failure> {
    if executor.is_null() {
        return Err(call.violation("no executor".to_owned()));
    }
    // SAFETY: the caller's struct, read during the call; it carries no size.
    let executor = unsafe { *executor };
    if executor.num_local_participants < 1 || executor.timeout_in_ns < 0 {
        return Err(Failure::invalid("no participants, or no time"));
    }
    Ok((executor.run_id, executor.op_id))
}

/// Memory of a caller that has room for so many elements.
fn region(
    start: *mut c_void,
    size: usize,
    ty: pjrt_sys::PJRT_Buffer_Type,
    count: usize,
) -> Result<(Sent<*mut u8>, usize), Failure> {
    let width = element::bytes(ty).ok_or_else(|| Failure::invalid("no type of elements"))?;
    match width.checked_mul(count).filter(|needed| *needed <= size) {
        Some(needed) => Ok((Sent::new(start.cast()), needed)),
        None => Err(Failure::invalid("the memory is too small")),
    }
}

/// Lets one take part, and gives the event of the end.
fn join(
    call: &Call,
    communicator: *mut sys::PJRT_Collectives_Communicator,
    run: (i64, i64),
    operation: Operation,
    part: impl FnOnce(usize, Arc<Signal>) -> Part,
) -> Result<*mut pjrt_sys::PJRT_Event, Failure> {
    let one = call.get::<Communicator>(communicator)?;
    let done = Signal::new();
    one.meeting
        .join(call, run, operation, part(one.rank, done.clone()))?;
    Ok(call.event(done))
}

macro_rules! with_one_region {
    ($args:ident, $received:expr) => {{
        let (ty, count) = ($args.primitive_type, $args.count);
        let send = region($args.send_buffer_ptr, $args.send_buffer_size, ty, count)?;
        let received = ($args.recv_buffer_ptr, $args.recv_buffer_size);
        let receive = region(received.0, received.1, ty, $received)?;
        move |rank, done| Part {
            rank,
            send: vec![send],
            receive: vec![receive],
            source: None,
            done,
        }
    }};
}

fn all_reduce(
    call: &Call,
    args: &mut sys::PJRT_Collectives_Communicator_AllReduce_Args,
) -> Outcome {
    let part = with_one_region!(args, args.count);
    let run = run_of(call, args.cpu_executor)?;
    let operation = Operation::Reduce(args.reduction_kind, args.primitive_type);
    args.event = join(call, args.communicator, run, operation, part)?;
    Ok(())
}

/// Every one sends a piece for each, of which it receives the sum of its own.
fn reduce_scatter(
    call: &Call,
    args: &mut sys::PJRT_Collectives_Communicator_ReduceScatter_Args,
) -> Outcome {
    let members = call.get::<Communicator>(args.communicator)?.meeting.members;
    let (ty, count) = (args.primitive_type, args.count);
    let all = count.saturating_mul(members);
    let send = region(args.send_buffer_ptr, args.send_buffer_size, ty, all)?;
    let receive = region(args.recv_buffer_ptr, args.recv_buffer_size, ty, count)?;
    let run = run_of(call, args.cpu_executor)?;
    let operation = Operation::Scatter(args.reduction_kind, ty);
    let part = move |rank, done| Part {
        rank,
        send: vec![send],
        receive: vec![receive],
        source: None,
        done,
    };
    args.event = join(call, args.communicator, run, operation, part)?;
    Ok(())
}

fn all_gather(
    call: &Call,
    args: &mut sys::PJRT_Collectives_Communicator_AllGather_Args,
) -> Outcome {
    let members = call.get::<Communicator>(args.communicator)?.meeting.members;
    let part = with_one_region!(args, args.count.saturating_mul(members));
    let run = run_of(call, args.cpu_executor)?;
    args.event = join(call, args.communicator, run, Operation::Gather, part)?;
    Ok(())
}

fn permute(
    call: &Call,
    args: &mut sys::PJRT_Collectives_Communicator_CollectivePermute_Args,
) -> Outcome {
    let members = call.get::<Communicator>(args.communicator)?.meeting.members;
    let known = 0..i64::try_from(members).unwrap_or(i64::MAX);
    let targets = items(args.target_ranks.cast_const(), args.num_target_ranks);
    let source = args.has_source_rank.then_some(args.source_rank);
    if targets
        .iter()
        .chain(&source)
        .any(|rank| !known.contains(rank))
    {
        return Err(Failure::invalid("no such rank"));
    }
    let base = with_one_region!(args, args.count);
    let source = source.and_then(|rank| usize::try_from(rank).ok());
    let part = move |rank, done| Part {
        source,
        ..base(rank, done)
    };
    let run = run_of(call, args.cpu_executor)?;
    args.event = join(call, args.communicator, run, Operation::Permute, part)?;
    Ok(())
}

fn all_to_all(call: &Call, args: &mut sys::PJRT_Collectives_Communicator_AllToAll_Args) -> Outcome {
    let members = call.get::<Communicator>(args.communicator)?.meeting.members;
    if args.num_send_buffers != members || args.num_recv_buffers != members {
        return Err(Failure::invalid(format!("say {members} memories")));
    }
    let (ty, count) = (args.primitive_type, args.count);
    let all = |starts: *mut *mut c_void, sizes: *const usize| {
        let pairs = items(starts.cast_const(), members)
            .iter()
            .zip(items(sizes, members));
        pairs
            .map(|(start, size)| region(*start, *size, ty, count))
            .collect::<Result<Vec<_>, _>>()
    };
    let send = all(args.send_buffers_ptrs, args.send_buffers_sizes)?;
    let receive = all(args.recv_buffers_ptrs, args.recv_buffers_sizes)?;
    let run = run_of(call, args.cpu_executor)?;
    let part = move |rank, done| Part {
        rank,
        send,
        receive,
        source: None,
        done,
    };
    args.event = join(call, args.communicator, run, Operation::Exchange, part)?;
    Ok(())
}

fn to_string(call: &Call, args: &mut sys::PJRT_Collectives_Communicator_ToString_Args) -> Outcome {
    let one = call.get::<Communicator>(args.communicator)?;
    let said = format!("MockCommunicator({} of {})", one.rank, one.meeting.members);
    (args.str_, args.str_size, args.str_holder) = hold(call, said.into_bytes());
    args.str_holder_deleter = Some(release);
    Ok(())
}
