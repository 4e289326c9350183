//! The extension for transfers between hosts, made up: it remembers what it was given, calls back
//! when the test says so, and hands out nonsense where the test wants it.

use pjrt::cross_host_transfers::CrossHostTransfers;
use pjrt::sys::{self, cross_host_transfers as ext};
use pjrt::{Client, Plugin};
use pjrt_tests::made_up::{self, Failure, end, end_error, error, object};
use std::ffi::{c_char, c_void};
use std::ptr::{from_mut, null_mut};
use std::sync::{Mutex, PoisonError};

/// What the plugin is to do, and what it was given.
#[derive(Clone, Default)]
pub struct State {
    /// Fail calls that can.
    pub fail: bool,
    /// Leave this output empty.
    pub empty: Option<usize>,
    /// Put the first output in the place of the second, too.
    pub twin: bool,
    /// Report another number of buffers.
    pub report: Option<usize>,
    /// Tell descriptors before the call returns.
    pub at_once: bool,
    /// What was seen: one line for each call.
    pub seen: Vec<String>,
    pub notifier: Option<(ext::PJRT_Transfers_CrossHostRecvNotifier, usize)>,
    pub canceled: Option<(ext::PJRT_Transfers_CrossHostOnCanceledCallback, usize)>,
    pub sent: Option<(ext::PJRT_Transfers_CrossHostRemoteSendCallback, usize)>,
    /// The cell of the last copy and what frees it.
    pub cell: Option<(usize, usize, ext::PJRT_Transfers_DescriptorDestructor)>,
}

static STATE: Mutex<Option<State>> = Mutex::new(None);

/// Looks at the state or changes it.
pub fn state<T>(body: impl FnOnce(&mut State) -> T) -> T {
    let mut state = STATE.lock().unwrap_or_else(PoisonError::into_inner);
    body(state.get_or_insert_default())
}

/// A pointer to items, as a slice.
unsafe fn items<'a, T>(items: *const T, count: usize) -> &'a [T] {
    // SAFETY: the callers give what they got from the crate, with its number of items.
    unsafe { std::slice::from_raw_parts(items, count) }
}

unsafe fn text(bytes: *const c_char, size: usize) -> String {
    if size == 0 {
        return String::new();
    }
    // SAFETY: as above.
    String::from_utf8_lossy(unsafe { items(bytes.cast::<u8>(), size) }).into_owned()
}

/// Puts new objects where they belong, or what the test wants.
unsafe fn fill<T>(places: *mut *mut T, count: usize) {
    let (empty, twin) = state(|s| (s.empty, s.twin));
    for index in 0..count {
        // SAFETY: the crate gives room for so many.
        let place = unsafe { &mut *places.add(index) };
        assert!(place.is_null());
        if empty != Some(index) && !(twin && index == 1) {
            *place = object();
        }
    }
    if twin {
        // SAFETY: as above.
        unsafe { *places.add(1) = *places };
    }
}

/// What shapes say: type, dimensions, order of the layout.
unsafe fn shapes(
    count: usize,
    types: *const sys::PJRT_Buffer_Type,
    ranks: *const usize,
    dims: *const *const i64,
    layouts: *const *mut sys::PJRT_Buffer_MemoryLayout,
) -> String {
    let mut said = String::new();
    for index in 0..count {
        // SAFETY: the crate gives arrays with one entry for each.
        unsafe {
            let dims = items(*dims.add(index), *ranks.add(index));
            let layout = *layouts.add(index);
            let order = if layout.is_null() {
                "default".to_owned()
            } else {
                let tiled = (*layout).__bindgen_anon_1.tiled;
                format!(
                    "{:?}",
                    items(tiled.minor_to_major, tiled.minor_to_major_size)
                )
            };
            said += &format!("{}{dims:?}{order} ", (*types.add(index)).0);
        }
    }
    said
}

unsafe extern "C" fn make(
    args: *mut ext::PJRT_Transfers_PJRT_Client_MakeCrossHostReceiveBuffers_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    let notifier = (args.notifier.notifier, args.notifier.user_arg.addr());
    state(|s| s.notifier = Some(notifier));
    if state(|s| s.fail) {
        return error(sys::PJRT_Error_Code_RESOURCE_EXHAUSTED, "no room");
    }
    // SAFETY: as above.
    let said = unsafe {
        shapes(
            args.num_shapes,
            args.element_types,
            args.shape_num_dims,
            args.num_dims,
            args.layouts,
        )
    };
    state(|s| s.seen.push(said));
    // SAFETY: as above.
    unsafe { fill(args.buffers, args.num_shapes) };
    args.num_buffers = state(|s| s.report).unwrap_or(args.num_shapes);
    if state(|s| s.at_once) {
        tell(args.num_shapes);
    }
    null_mut()
}

/// Tells so many descriptors to the notifier that came last.
pub fn tell(count: usize) {
    let texts = [c"first", c"second", c"third"].map(|text| text.as_ptr());
    let mut texts: Vec<*const c_char> = texts.to_vec();
    let mut sizes = vec![5, 6, 5];
    call(
        null_mut(),
        texts.as_mut_ptr(),
        sizes.as_mut_ptr(),
        count,
        true,
    );
}

/// Tells null with a number.
pub fn tell_nothing(count: usize) {
    call(null_mut(), null_mut(), null_mut(), count, true);
}

/// Tells descriptors without the means to cancel.
pub fn tell_without_cancel() {
    let (mut text, mut size) = (c"first".as_ptr(), 5);
    call(null_mut(), &raw mut text, &raw mut size, 1, false);
}

/// Tells that it failed.
pub fn tell_failure() {
    let lent = error(sys::PJRT_Error_Code_ABORTED, "no fabric");
    call(lent, null_mut(), null_mut(), 0, true);
    end_error(lent);
}

fn call(lent: Failure, texts: *mut *const c_char, sizes: *mut usize, count: usize, cancels: bool) {
    let (notifier, number) = state(|s| s.notifier).unwrap();
    let number = std::ptr::without_provenance_mut(number);
    let cancel: ext::PJRT_Transfers_CrossHostSendCancelNotifier = cancels.then_some(cancel as _);
    // SAFETY: this is how a plugin calls.
    unsafe {
        notifier.unwrap()(
            lent,
            texts,
            sizes,
            count,
            number,
            cancel,
            object_of_cancel(),
        )
    }
}

fn object_of_cancel() -> *mut c_void {
    std::ptr::without_provenance_mut(77)
}

unsafe extern "C" fn cancel(
    descriptor: *const c_char,
    size: usize,
    code: sys::PJRT_Error_Code,
    message: *const c_char,
    message_size: usize,
    done: ext::PJRT_Transfers_CrossHostOnCanceledCallback,
    number: *mut c_void,
    data: *mut c_void,
) {
    assert_eq!(data, object_of_cancel());
    // SAFETY: the crate gives bytes as long as it says.
    let (descriptor, message) = unsafe { (text(descriptor, size), text(message, message_size)) };
    state(|s| {
        s.seen
            .push(format!("cancel {descriptor} {} {message}", code.0));
        s.canceled = Some((done, number.addr()));
    });
}

/// Says how the last cancellation went.
pub fn tell_canceled(well: bool) {
    let (done, number) = state(|s| s.canceled).unwrap();
    let lent = if well {
        null_mut()
    } else {
        error(sys::PJRT_Error_Code_NOT_FOUND, "nobody waits")
    };
    // SAFETY: this is how a plugin calls.
    unsafe { done.unwrap()(lent, std::ptr::without_provenance_mut(number)) };
    end_error(lent);
}

unsafe extern "C" fn copy(args: *mut ext::PJRT_Transfers_PJRT_Buffer_CopyToRemoteDevice_Args) {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    let (data, size) = (args.serialized_descriptor, args.serialized_descriptor_size);
    state(|s| {
        s.sent = Some((args.on_done.on_done, args.on_done.user_arg.addr()));
        s.cell = Some((data.addr(), size.addr(), args.descriptor_destructor));
    });
    if args.event.is_null() {
        // SAFETY: without an event the descriptor is there.
        read(unsafe { text(*data, *size) });
        // SAFETY: this is how a plugin frees.
        unsafe { args.descriptor_destructor.unwrap()(data, size) };
        return;
    }
    let (event, destructor) = (args.event.expose_provenance(), args.descriptor_destructor);
    let (data, size) = (data.expose_provenance(), size.expose_provenance());
    made_up::when_set(args.event, move |code| {
        let data: *mut *mut c_char = std::ptr::with_exposed_provenance_mut(data);
        let size: *mut usize = std::ptr::with_exposed_provenance_mut(size);
        if code == 0 {
            // SAFETY: the event says that the descriptor is there.
            read(unsafe { text(*data, *size) });
        } else {
            state(|s| s.seen.push(format!("broken {code}")));
        }
        // SAFETY: this is how a plugin frees; twice is what it must not do.
        unsafe {
            destructor.unwrap()(data, size);
            destructor.unwrap()(data, size);
        }
        end::<sys::PJRT_Event>(std::ptr::with_exposed_provenance_mut(event));
    });
}

fn read(descriptor: String) {
    state(|s| s.seen.push(format!("copy {descriptor}")));
}

/// Says how the last copy went.
pub fn tell_sent(well: bool, enqueued: bool) {
    let (done, number) = state(|s| s.sent).unwrap();
    let lent = if well {
        null_mut()
    } else {
        error(sys::PJRT_Error_Code_UNAVAILABLE, "the wire is cut")
    };
    // SAFETY: this is how a plugin calls.
    unsafe { done.unwrap()(lent, enqueued, std::ptr::without_provenance_mut(number)) };
    end_error(lent);
}

unsafe extern "C" fn receive(
    args: *mut ext::PJRT_Transfers_PJRT_Client_CrossHostReceiveBuffers_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    if state(|s| s.fail) {
        return error(sys::PJRT_Error_Code_UNIMPLEMENTED, "not here");
    }
    // SAFETY: as above.
    let said = unsafe {
        let shapes = shapes(
            args.num_shapes,
            args.element_types,
            args.shape_num_dims,
            args.num_dims,
            args.layouts,
        );
        let sources = items(args.src_global_device_ids, args.num_shapes);
        let keys = items(args.transfer_keys, args.num_shapes);
        format!("{shapes}from {sources:?} keys {keys:?}")
    };
    state(|s| s.seen.push(said));
    // SAFETY: as above.
    unsafe { fill(args.buffers, args.num_shapes) };
    null_mut()
}

unsafe extern "C" fn send(
    args: *mut ext::PJRT_Transfers_PJRT_Client_CrossHostSendBuffers_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    if state(|s| s.fail) {
        return error(sys::PJRT_Error_Code_UNIMPLEMENTED, "not here");
    }
    // SAFETY: as above.
    let said = unsafe {
        let to = items(args.dst_global_device_ids, args.num_buffers);
        let keys = items(args.transfer_keys, args.num_buffers);
        let alive = items(args.buffers, args.num_buffers);
        let alive = alive.iter().filter(|b| made_up::is_live(**b)).count();
        format!("{alive} to {to:?} keys {keys:?}")
    };
    state(|s| s.seen.push(said));
    // SAFETY: as above.
    unsafe { fill(args.send_events, args.num_buffers) };
    null_mut()
}

/// A plugin of a version, whose table is as long as given.
pub fn plugin(minor: i32, size: usize) -> Plugin {
    let mut table = ext::PJRT_CrossHostTransfers_Extension::zeroed();
    table.PJRT_Transfers_PJRT_Client_MakeCrossHostReceiveBuffers = Some(make);
    table.PJRT_Transfers_PJRT_Buffer_CopyToRemoteDevice = Some(copy);
    table.PJRT_Transfers_PJRT_Client_CrossHostReceiveBuffers = Some(receive);
    table.PJRT_Transfers_PJRT_Client_CrossHostSendBuffers = Some(send);
    table.base.struct_size = size;
    table.base.type_ = sys::PJRT_Extension_Type_CrossHostTransfers;
    made_up::plugin(minor, from_mut(Box::leak(Box::new(table))).cast())
}

/// Extension and client of a plugin like today's, with a fresh state.
pub fn fresh() -> (CrossHostTransfers, Client) {
    state(|s| *s = State::default());
    let plugin = plugin(114, size_of::<ext::PJRT_CrossHostTransfers_Extension>());
    (plugin.extension().unwrap(), made_up::client(&plugin))
}
