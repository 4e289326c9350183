//! The C functions that plugins call.
//!
//! A handler in C is a function without user data. So there is a fixed number of functions, each
//! of which runs the closure that is kept under its number. A plugin never forgets a function, so
//! a number is never given again.

use super::error::of_panic;
use super::frame::{Frame, Request, request};
use super::handler::Entry;
use super::xla::Xla;
use super::{Error, Stage, gate, known};
use crate::raw::OLDEST_FFI_API;
use crate::rt;
use crate::sys::ffi_api as c;
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// How many handlers a process can have.
pub(super) const CAPACITY: usize = 512;

type Function = unsafe extern "C" fn(*mut c::XLA_FFI_CallFrame) -> *mut c::XLA_FFI_Error;

static ENTRIES: [OnceLock<Arc<Entry>>; CAPACITY] = [const { OnceLock::new() }; CAPACITY];
static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// The function of a number.
unsafe extern "C" fn trampoline<const N: usize>(
    frame: *mut c::XLA_FFI_CallFrame,
) -> *mut c::XLA_FFI_Error {
    // SAFETY: XLA calls this with a frame.
    unsafe { answer(N, frame) }
}

macro_rules! eight {
    ($n:expr) => {
        [
            trampoline::<{ $n }>,
            trampoline::<{ $n + 1 }>,
            trampoline::<{ $n + 2 }>,
            trampoline::<{ $n + 3 }>,
            trampoline::<{ $n + 4 }>,
            trampoline::<{ $n + 5 }>,
            trampoline::<{ $n + 6 }>,
            trampoline::<{ $n + 7 }>,
        ]
    };
}
macro_rules! sixty_four {
    ($n:expr) => {
        [
            eight!($n),
            eight!($n + 8),
            eight!($n + 16),
            eight!($n + 24),
            eight!($n + 32),
            eight!($n + 40),
            eight!($n + 48),
            eight!($n + 56),
        ]
    };
}

static FUNCTIONS: [[[Function; 8]; 8]; CAPACITY / 64] = [
    sixty_four!(0),
    sixty_four!(64),
    sixty_four!(128),
    sixty_four!(192),
    sixty_four!(256),
    sixty_four!(320),
    sixty_four!(384),
    sixty_four!(448),
];

/// The function that runs an entry; none if all are taken.
pub(super) fn function(entry: &Arc<Entry>) -> Option<Function> {
    let number = *entry.trampoline.get_or_init(|| {
        let number = TAKEN.fetch_add(1, Ordering::Relaxed);
        if let Some(slot) = ENTRIES.get(number) {
            // Nobody else got this number.
            let _ = slot.set(entry.clone());
        }
        number
    });
    let functions = FUNCTIONS.as_flattened().as_flattened();
    functions.get(number).copied()
}

/// # Safety
///
/// `frame` is null or a call frame that lives through the call, as long as its size says.
unsafe fn answer(number: usize, frame: *mut c::XLA_FFI_CallFrame) -> *mut c::XLA_FFI_Error {
    // SAFETY: the caller's promise.
    let Some(request) = (unsafe { request(frame) }) else {
        // A frame without the function that makes errors: there is no way to say anything. Such a
        // plugin cannot have registered the handler, for its question was answered so, too.
        return ptr::null_mut();
    };
    let entry = ENTRIES.get(number).and_then(OnceLock::get);
    let (xla, result) = match (request, entry) {
        (Request::Metadata(xla, metadata), Some(entry)) => {
            // SAFETY: the frame's extension says that this is to be filled.
            (xla, unsafe { describe(&xla, metadata, entry) })
        }
        (Request::Work(xla), Some(entry)) => {
            // SAFETY: the frame asks for work.
            (xla, unsafe { work(frame, xla, entry) })
        }
        (Request::Metadata(xla, _) | Request::Work(xla), None) => {
            (xla, Err(Error::internal("no handler has this function")))
        }
    };
    match result {
        Ok(()) => ptr::null_mut(),
        Err(error) => xla.error(&error),
    }
}

/// # Safety
///
/// As [`Frame::read`].
unsafe fn work(frame: *mut c::XLA_FFI_CallFrame, xla: Xla, entry: &Entry) -> Result<(), Error> {
    // SAFETY: the caller's promise; the entry lives as long as the process.
    let frame = match unsafe { Frame::read(frame, xla, &entry.name) } {
        Ok(frame) => frame,
        Err(error) => return Err(error.within(&entry.name)),
    };
    let run = || gate::handling(|| rt::on_plugin_thread(|| entry.run(&frame)));
    // What the closure leaves half done on a panic is the closure's own; the frame's borrows have
    // been given back.
    let result = catch_unwind(AssertUnwindSafe(run));
    let result = result.unwrap_or_else(|panic| Err(of_panic(panic)));
    let result = result.map_err(|error| error.within(&entry.name));
    match frame.deferred.take() {
        // Somebody may still be writing to the results: XLA has to wait, even for an error.
        Some(completion) => {
            completion.returned(&frame, result);
            Ok(())
        }
        None => result,
    }
}

/// Fills what XLA asks of a handler before it calls it.
///
/// # Safety
///
/// `metadata` is as long as its size says, and the version's layout has.
unsafe fn describe(
    xla: &Xla,
    metadata: NonNull<c::XLA_FFI_Metadata>,
    entry: &Entry,
) -> Result<(), Error> {
    if let Err(error) = supported(xla) {
        known::asked(*xla, Some(error.message().to_owned()));
        return Err(error);
    }
    known::asked(*xla, None);
    let mut state_type = 0;
    if xla.version.1 >= 2 && entry.has(Stage::INSTANTIATE) {
        state_type = known::state_type_for_metadata(xla).inspect_err(|error| {
            known::asked(*xla, Some(error.message().to_owned()));
        })?;
    }
    let at = metadata.as_ptr();
    // SAFETY: the size is the first word; fields are written only if it covers them. The state's
    // type lies behind what the size counts, in every plugin since 0.2.
    unsafe {
        let size = metadata.cast::<usize>().read();
        if size >= offset_of!(c::XLA_FFI_Metadata, traits) {
            (&raw mut (*at).api_version.major_version).write(xla.version.0);
            // The plugin refuses a newer one than its own.
            let ours = i32::try_from(c::XLA_FFI_API_MINOR).unwrap_or(i32::MAX);
            (&raw mut (*at).api_version.minor_version).write(xla.version.1.min(ours));
        }
        if size >= c::XLA_FFI_Metadata_STRUCT_SIZE {
            (&raw mut (*at).traits).write(entry.traits);
            if xla.version.1 >= 2 && entry.has(Stage::INSTANTIATE) {
                let type_id = state_type;
                (&raw mut (*at).state_type_id).write(c::XLA_FFI_TypeId { type_id });
            }
        }
    }
    Ok(())
}

/// Whether handlers can be called by a plugin of that version.
pub(super) fn supported(xla: &Xla) -> Result<(), Error> {
    if xla.is_known() {
        return Ok(());
    }
    let (major, minor) = xla.version;
    Err(Error::unimplemented(format!(
        "the plugin has XLA FFI {major}.{minor}, and handlers of this crate need {}.{} or a later minor",
        c::XLA_FFI_API_MAJOR,
        OLDEST_FFI_API,
    )))
}

/// A function for a registration that is to be refused: all it does is to note the table that
/// asks.
pub(super) unsafe extern "C" fn probe(frame: *mut c::XLA_FFI_CallFrame) -> *mut c::XLA_FFI_Error {
    // SAFETY: XLA calls this with a frame.
    let Some(Request::Metadata(xla, _) | Request::Work(xla)) = (unsafe { request(frame) }) else {
        return ptr::null_mut();
    };
    known::asked(xla, supported(&xla).err().map(|e| e.message().to_owned()));
    xla.error(&Error::failed_precondition("this name is not to be called"))
}
