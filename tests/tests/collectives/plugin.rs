//! The collectives extension, made up: operations on memory of the host, done at once, and nonsense
//! where the test wants it.

use pjrt::collectives::CollectivesProvider;
use pjrt::sys::{self, collectives as ext};
use pjrt::{__rt as rt, Plugin};
use pjrt_tests::made_up::{self, Failure, end, error, object};
use std::ffi::{c_char, c_void};
use std::ptr::{from_mut, null_mut};
use std::sync::{Mutex, PoisonError};

/// What the plugin is to do, and what it was given.
#[derive(Clone, Default)]
pub struct State {
    /// Fail calls.
    pub fail: bool,
    /// Leave this communicator, or the event, out.
    pub empty: Option<usize>,
    /// Report another number of communicators.
    pub report: Option<usize>,
    /// Give no array.
    pub no_list: bool,
    /// Text that is no text, or none with a length.
    pub no_text: bool,
    /// What was seen: one line for each call.
    pub seen: Vec<String>,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

/// Looks at the state or changes it.
pub fn state<T>(body: impl FnOnce(&mut State) -> T) -> T {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    body(state.get_or_insert_default())
}

fn failure() -> Failure {
    error(sys::PJRT_Error_Code_ABORTED, "a participant is gone")
}

/// Items that the crate gave.
unsafe fn items<'a, T>(items: *const T, count: usize) -> &'a [T] {
    if count == 0 {
        return &[];
    }
    // SAFETY: the callers give what they got from the crate, with its number of items.
    unsafe { std::slice::from_raw_parts(items, count) }
}

unsafe extern "C" fn destroy(args: *mut ext::PJRT_Collectives_Destroy_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    end(unsafe { (*args).collectives });
    null_mut()
}

unsafe extern "C" fn delete(list: *mut ext::PJRT_Collectives_Communicators) {
    end(list);
}

unsafe extern "C" fn create(args: *mut ext::PJRT_Collectives_CreateCommunicators_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    if state(|s| s.fail) {
        return failure();
    }
    // SAFETY: as above.
    let (devices, ranks) = unsafe {
        (
            items(args.device_ids, args.num_device_ids),
            items(args.rank_ids, args.num_device_ranks),
        )
    };
    let ids = if args.clique_ids.is_null() {
        "none".to_owned()
    } else {
        let mut said = String::new();
        for index in 0..args.num_clique_ids {
            // SAFETY: as above.
            let bytes = unsafe {
                let (id, size) = (
                    *args.clique_ids.add(index),
                    *args.clique_id_sizes.add(index),
                );
                items(id.cast::<u8>(), size)
            };
            said += &format!("{bytes:?}");
        }
        said
    };
    state(|s| s.seen.push(format!("{devices:?} {ranks:?} {ids}")));
    let empty = state(|s| s.empty);
    let list: Vec<_> = (0..ranks.len())
        .map(|index| {
            if empty == Some(index) {
                null_mut()
            } else {
                object()
            }
        })
        .collect();
    args.num_communicators = state(|s| s.report).unwrap_or(list.len());
    args.communicators_holder = object();
    args.communicators_holder_deleter = Some(delete);
    if state(|s| s.no_list) {
        list.into_iter()
            .for_each(end::<ext::PJRT_Collectives_Communicator>);
    } else {
        args.communicators = Box::leak(list.into_boxed_slice()).as_mut_ptr();
    }
    null_mut()
}

unsafe extern "C" fn drop_communicator(
    args: *mut ext::PJRT_Collectives_Communicator_Destroy_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    end(unsafe { (*args).communicator });
    null_mut()
}

unsafe fn executor(given: *const ext::PJRT_Collectives_CpuExecutor) -> String {
    // SAFETY: the crate gives a whole executor.
    let it = unsafe { &*given };
    // SAFETY: as above.
    let devices = unsafe { items(it.global_device_ids, it.num_global_device_ids) };
    format!(
        "run {} of {devices:?} here {} kind {} op {} within {}",
        it.run_id, it.num_local_participants, it.collective_op_kind.0, it.op_id, it.timeout_in_ns
    )
}

/// Copies what is sent to where it is received, and gives an event.
unsafe fn done(
    what: String,
    regions: &[(*mut c_void, usize, *mut c_void, usize)],
    event: *mut *mut sys::PJRT_Event,
) -> Failure {
    if state(|s| s.fail) {
        return failure();
    }
    state(|s| s.seen.push(what));
    for (from, from_size, to, to_size) in regions {
        let size = *from_size.min(to_size);
        // SAFETY: the test gives memory of these sizes.
        unsafe { std::ptr::copy(from.cast::<u8>(), to.cast::<u8>(), size) };
    }
    if state(|s| s.empty).is_none() {
        // SAFETY: it is a field of the crate's args.
        unsafe { *event = object() };
    }
    null_mut()
}

macro_rules! operation {
    ($name:ident, $args:ident, $word:literal $(, $kind:ident)?) => {
        unsafe extern "C" fn $name(args: *mut ext::$args) -> Failure {
            // SAFETY: the crate gives whole args.
            let args = unsafe { &mut *args };
            let mut what = format!("{} {} {}", $word, args.primitive_type.0, args.count);
            $(what += &format!(" {}", args.$kind.0);)?
            // SAFETY: as above.
            unsafe {
                what += &format!(" {}", executor(args.cpu_executor));
                let region = (
                    args.send_buffer_ptr,
                    args.send_buffer_size,
                    args.recv_buffer_ptr,
                    args.recv_buffer_size,
                );
                done(what, &[region], &raw mut args.event)
            }
        }
    };
}

operation!(
    all_reduce,
    PJRT_Collectives_Communicator_AllReduce_Args,
    "reduce",
    reduction_kind
);
operation!(
    reduce_scatter,
    PJRT_Collectives_Communicator_ReduceScatter_Args,
    "scatter",
    reduction_kind
);
operation!(
    all_gather,
    PJRT_Collectives_Communicator_AllGather_Args,
    "gather"
);

unsafe extern "C" fn permute(
    args: *mut ext::PJRT_Collectives_Communicator_CollectivePermute_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    // SAFETY: as above.
    unsafe {
        let targets = items(args.target_ranks, args.num_target_ranks);
        let source = args.has_source_rank.then_some(args.source_rank);
        let what = format!("permute {} {source:?} {targets:?}", args.count);
        let region = (
            args.send_buffer_ptr,
            args.send_buffer_size,
            args.recv_buffer_ptr,
            args.recv_buffer_size,
        );
        done(what, &[region], &raw mut args.event)
    }
}

unsafe extern "C" fn all_to_all(
    args: *mut ext::PJRT_Collectives_Communicator_AllToAll_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    // SAFETY: as above.
    unsafe {
        let from = items(args.send_buffers_ptrs, args.num_send_buffers);
        let from_sizes = items(args.send_buffers_sizes, args.num_send_buffers);
        let to = items(args.recv_buffers_ptrs, args.num_recv_buffers);
        let to_sizes = items(args.recv_buffers_sizes, args.num_recv_buffers);
        let sent = from.iter().zip(from_sizes);
        let regions: Vec<_> = sent
            .zip(to.iter().zip(to_sizes))
            .map(|((from, a), (to, b))| (*from, *a, *to, *b))
            .collect();
        let what = format!("all {} {} {}", args.count, from.len(), to.len());
        done(what, &regions, &raw mut args.event)
    }
}

unsafe extern "C" fn delete_text(text: *mut ext::PJRT_Collectives_ToString_Holder) {
    end(text);
}

unsafe extern "C" fn to_string(
    args: *mut ext::PJRT_Collectives_Communicator_ToString_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    let text: *const c_char = c"a made-up communicator".as_ptr();
    args.str_ = if state(|s| s.no_text) {
        std::ptr::null()
    } else {
        text
    };
    args.str_size = 22;
    args.str_holder = object();
    args.str_holder_deleter = Some(delete_text);
    null_mut()
}

/// A plugin whose table is as long as given.
pub fn plugin(size: usize) -> Plugin {
    state(|s| *s = State::default());
    let mut table = ext::PJRT_Collectives_Extension::zeroed();
    table.collectives_destroy = Some(destroy);
    table.collectives_create_communicators = Some(create);
    table.communicator_destroy = Some(drop_communicator);
    table.communicator_all_reduce = Some(all_reduce);
    table.communicator_reduce_scatter = Some(reduce_scatter);
    table.communicator_all_gather = Some(all_gather);
    table.communicator_collective_permute = Some(permute);
    table.communicator_all_to_all = Some(all_to_all);
    table.communicator_to_string = Some(to_string);
    table.base.struct_size = size;
    table.base.type_ = sys::PJRT_Extension_Type_Collectives;
    made_up::plugin(114, from_mut(Box::leak(Box::new(table))).cast())
}

/// A provider of it, as another extension would hand it out.
pub fn provider(plugin: &Plugin) -> CollectivesProvider {
    let place = rt::Place {
        function: "the test",
        field: "collectives",
    };
    // SAFETY: the object is new and needs nothing else.
    unsafe { rt::owned(rt::OnPlugin::api(plugin), object(), None, place) }.unwrap()
}
