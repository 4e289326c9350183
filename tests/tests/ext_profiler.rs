//! Recordings of libtpu, and of a plugin made up here: its table may be short, missing or odd, its
//! answers wrong, and its errors are counted.

#[path = "ext_profiler/space.rs"]
mod space;

use pjrt::profiler::Profiler;
use pjrt::sys::profiler as sys_ext;
use pjrt::sys::profiler_api as api;
use pjrt::{Error, ErrorCode, Plugin, sys};
use std::ffi::c_int;
use std::ptr::{from_mut, null, null_mut};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Errors, sessions and results that live.
static ERRORS: AtomicIsize = AtomicIsize::new(0);
static SESSIONS: AtomicIsize = AtomicIsize::new(0);
static RESULTS: AtomicIsize = AtomicIsize::new(0);
/// The counts are of one test at a time, and so is a recording of libtpu.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn alive() -> [isize; 3] {
    [&ERRORS, &SESSIONS, &RESULTS].map(|count| count.load(Ordering::SeqCst))
}

/// A message with one field, as plugins serialise it.
const MESSAGE: [u8; 3] = [0x0a, 1, 7];

struct Failure {
    code: c_int,
    message: &'static [u8],
}

type Failed = *mut api::PLUGIN_Profiler_Error;

fn failure(code: c_int, message: &'static [u8]) -> Failed {
    ERRORS.fetch_add(1, Ordering::SeqCst);
    Box::into_raw(Box::new(Failure { code, message })).cast()
}

unsafe extern "C" fn error_destroy(args: *mut api::PLUGIN_Profiler_Error_Destroy_Args) {
    // SAFETY: the crate gives whole args with an error of this table.
    drop(unsafe { Box::from_raw((*args).error.cast::<Failure>()) });
    ERRORS.fetch_sub(1, Ordering::SeqCst);
}

unsafe extern "C" fn error_message(args: *mut api::PLUGIN_Profiler_Error_Message_Args) {
    // SAFETY: as above.
    let args = unsafe { &mut *args };
    assert!(args.priv_.is_null());
    // SAFETY: as above.
    let message = unsafe { (*args.error.cast::<Failure>()).message };
    args.message = message.as_ptr().cast();
    args.message_size = message.len();
}

unsafe extern "C" fn error_get_code(args: *mut api::PLUGIN_Profiler_Error_GetCode_Args) -> Failed {
    // SAFETY: as above.
    let args = unsafe { &mut *args };
    // SAFETY: as above.
    args.code = unsafe { (*args.error.cast::<Failure>()).code };
    if args.code < 0 {
        return failure(13, b"the code is not known");
    }
    null_mut()
}

/// What a session does is what its options say.
struct Session {
    mode: Vec<u8>,
    running: bool,
    bytes: Vec<u8>,
}

unsafe extern "C" fn create(args: *mut api::PLUGIN_Profiler_Create_Args) -> Failed {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    // SAFETY: the options are as long as they say.
    let options = unsafe { std::slice::from_raw_parts(args.options.cast(), args.options_size) };
    match options {
        b"refused" => return failure(8, b"no recorder is free"),
        b"without code" => return failure(-1, b"odd"),
        b"code 0" => return failure(0, b"\xff"),
        b"null" => return null_mut(),
        _ => {}
    }
    SESSIONS.fetch_add(1, Ordering::SeqCst);
    let session = Session {
        mode: options.to_vec(),
        running: false,
        bytes: Vec::new(),
    };
    args.profiler = Box::into_raw(Box::new(session)).cast();
    null_mut()
}

/// # Safety
///
/// A session of this plugin that nobody else uses.
unsafe fn session<'a>(profiler: *mut api::PLUGIN_Profiler) -> &'a mut Session {
    // SAFETY: the caller's promise.
    unsafe { &mut *profiler.cast() }
}

unsafe extern "C" fn destroy(args: *mut api::PLUGIN_Profiler_Destroy_Args) -> Failed {
    // SAFETY: the crate destroys a session once.
    drop(unsafe { Box::from_raw((*args).profiler.cast::<Session>()) });
    SESSIONS.fetch_sub(1, Ordering::SeqCst);
    failure(13, b"it did not like to go")
}

unsafe extern "C" fn start(args: *mut api::PLUGIN_Profiler_Start_Args) -> Failed {
    // SAFETY: the crate gives a live session.
    unsafe { session((*args).profiler) }.running = true;
    null_mut()
}

unsafe extern "C" fn stop(args: *mut api::PLUGIN_Profiler_Stop_Args) -> Failed {
    // SAFETY: as above.
    unsafe { session((*args).profiler) }.running = false;
    null_mut()
}

unsafe extern "C" fn collect(args: *mut api::PLUGIN_Profiler_CollectData_Args) -> Failed {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    // SAFETY: as above.
    let session = unsafe { session(args.profiler) };
    if session.running {
        return failure(9, b"it still runs");
    }
    match session.mode.as_slice() {
        b"own memory" => {
            session.bytes = [&MESSAGE[..], &[0]].concat();
            args.buffer = session.bytes.as_mut_ptr();
            args.buffer_size_in_bytes = session.bytes.len();
        }
        b"absurd size" => args.buffer_size_in_bytes = usize::MAX,
        b"absurd answer" => {
            args.buffer = session.bytes.as_mut_ptr();
            args.buffer_size_in_bytes = usize::MAX;
        }
        b"nothing" => {}
        b"grows" if !args.buffer.is_null() => args.buffer_size_in_bytes = 4,
        _ if args.buffer.is_null() => args.buffer_size_in_bytes = MESSAGE.len(),
        _ => {
            // SAFETY: the caller's memory has the size that it was told.
            unsafe { args.buffer.copy_from(MESSAGE.as_ptr(), MESSAGE.len()) };
        }
    }
    null_mut()
}

unsafe extern "C" fn consume(args: *mut api::PLUGIN_Profiler_Consume_Args) -> Failed {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    // SAFETY: as above.
    if unsafe { session(args.profiler) }.mode == b"nothing" {
        return null_mut();
    }
    RESULTS.fetch_add(1, Ordering::SeqCst);
    args.result = Box::into_raw(Box::new(MESSAGE)).cast();
    null_mut()
}

unsafe extern "C" fn consume_result_destroy(
    args: *mut api::PLUGIN_Profiler_ConsumeResult_Destroy_Args,
) {
    // SAFETY: the crate frees a result once.
    drop(unsafe { Box::from_raw((*args).consume_result.cast::<[u8; 3]>()) });
    RESULTS.fetch_sub(1, Ordering::SeqCst);
}

unsafe extern "C" fn serialize(args: *mut api::PLUGIN_Profiler_Serialize_Args) -> Failed {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    // SAFETY: as above.
    let odd = unsafe { session(args.profiler) }.mode == b"odd";
    args.serialized_size = MESSAGE.len();
    if !odd {
        args.serialized_bytes = args.consume_result.cast::<u8>().cast_const();
    }
    null_mut()
}

/// A table with every function.
fn table() -> api::PLUGIN_Profiler_Api {
    let mut table = api::PLUGIN_Profiler_Api::zeroed();
    table.struct_size = size_of_val(&table);
    table.error_destroy = Some(error_destroy);
    table.error_message = Some(error_message);
    table.error_get_code = Some(error_get_code);
    table.create = Some(create);
    table.destroy = Some(destroy);
    table.start = Some(start);
    table.stop = Some(stop);
    table.collect_data = Some(collect);
    table.consume = Some(consume);
    table.consume_result_destroy = Some(consume_result_destroy);
    table.serialize = Some(serialize);
    table
}

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> *mut sys::PJRT_Error {
    null_mut()
}

/// A plugin whose extension points at a table, which must live as long as the process.
fn profiler(table: *mut api::PLUGIN_Profiler_Api) -> Profiler {
    let mut extension = sys_ext::PJRT_Profiler_Extension::zeroed();
    extension.base.struct_size = size_of_val(&extension);
    extension.base.type_ = sys::PJRT_Extension_Type_Profiler;
    extension.profiler_api = table;
    extension.traceme_context_id = 5;
    let mut api = sys::PJRT_Api::zeroed();
    api.struct_size = size_of_val(&api);
    api.extension_start = from_mut(Box::leak(Box::new(extension))).cast();
    api.pjrt_api_version.minor_version = sys::PJRT_API_MINOR as i32;
    api.PJRT_Plugin_Initialize = Some(initialize);
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    let plugin = unsafe { Plugin::from_api(Box::leak(Box::new(api))) }.unwrap();
    plugin.extension().unwrap()
}

fn whole() -> Profiler {
    profiler(Box::leak(Box::new(table())))
}

#[track_caller]
fn absent<T: std::fmt::Debug>(result: pjrt::Result<T>, expected: &str) {
    match result.unwrap_err() {
        Error::Unimplemented { function, .. } => assert_eq!(function, expected),
        other => panic!("{other}"),
    }
}

#[track_caller]
fn invalid<T: std::fmt::Debug>(result: pjrt::Result<T>, expected: &str) {
    match result.unwrap_err() {
        Error::InvalidOutput { field, .. } => assert_eq!(field, expected),
        other => panic!("{other}"),
    }
}

#[test]
fn libtpu_records() {
    // A process makes one recording at a time.
    let _alone = alone();
    let Some(plugin) = pjrt_tests::plugin("tpu") else {
        return;
    };
    let profiler: Profiler = plugin.extension().unwrap();
    assert_eq!(profiler.traceme_context_id(), 0);
    let mut session = profiler.create(&[]).unwrap();
    session.start().unwrap();
    session.stop().unwrap();
    let recorded = session.collect().unwrap();
    assert!(!recorded.is_empty());
    session.start().unwrap();
    session.stop().unwrap();
    let profile = session.consume().unwrap();
    profile.serialize().unwrap();
    drop(session);
    // One that still runs is stopped with it.
    profiler.create(&[]).unwrap().start().unwrap();
}

#[test]
fn the_cpu_plugin_has_no_profiler() {
    let Some(plugin) = pjrt_tests::plugin("cpu") else {
        return;
    };
    let error = plugin.extension::<Profiler>().unwrap_err();
    assert!(
        matches!(
            error,
            Error::NoExtension {
                extension: "Profiler",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn what_the_plugin_keeps_is_copied_without_its_end_mark() {
    let _alone = alone();
    let before = alive();
    let mut session = whole().create(b"own memory").unwrap();
    assert_eq!(session.collect().unwrap(), MESSAGE);
    assert_eq!(session.collect().unwrap(), MESSAGE);
    drop(session);
    assert_eq!(alive(), before);
}

#[test]
fn a_plugin_that_tells_the_size_fills_our_memory() {
    let _alone = alone();
    let mut session = whole().create(b"two calls").unwrap();
    assert_eq!(session.collect().unwrap(), MESSAGE);
    let mut session = whole().create(b"nothing").unwrap();
    assert!(session.collect().unwrap().is_empty());
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let _alone = alone();
    let collect = |mode: &[u8]| whole().create(mode).unwrap().collect();
    invalid(collect(b"absurd size"), "buffer_size_in_bytes");
    invalid(collect(b"absurd answer"), "buffer");
    invalid(collect(b"grows"), "buffer_size_in_bytes");
}

#[test]
fn nulls_where_objects_must_be_are_refused() {
    let _alone = alone();
    let before = alive();
    invalid(whole().create(b"null"), "profiler");
    let mut session = whole().create(b"nothing").unwrap();
    invalid(session.consume(), "result");
    let mut session = whole().create(b"odd").unwrap();
    invalid(session.consume().unwrap().serialize(), "serialized_bytes");
    drop(session);
    assert_eq!(alive()[2], before[2]);
}

#[test]
fn an_error_is_read_and_freed_by_the_table_that_made_it() {
    let _alone = alone();
    let before = alive();
    let profiler = whole();
    let plugin_error = |error: Error| match error {
        Error::Plugin(error) => error,
        other => panic!("{other}"),
    };
    let error = plugin_error(profiler.create(b"refused").unwrap_err());
    assert_eq!(error.function, "PLUGIN_Profiler_Create");
    assert_eq!(error.code, ErrorCode::RESOURCE_EXHAUSTED);
    assert_eq!(error.message, "no recorder is free");
    // Asking for the code fails too: both errors are freed.
    let error = plugin_error(profiler.create(b"without code").unwrap_err());
    assert_eq!(
        (error.code, error.message.as_str()),
        (ErrorCode::UNKNOWN, "odd")
    );
    // An error is no success, and its message may be any bytes.
    let error = plugin_error(profiler.create(b"code 0").unwrap_err());
    assert_eq!(
        (error.code, error.message.as_str()),
        (ErrorCode::UNKNOWN, "\u{fffd}")
    );
    let mut session = profiler.create(b"two calls").unwrap();
    session.start().unwrap();
    let error = session.collect().unwrap_err();
    assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION);
    session.stop().unwrap();
    session.collect().unwrap();
    drop(session);
    assert_eq!(alive(), before);
}

#[test]
fn a_profile_is_serialised_once_and_freed() {
    let _alone = alone();
    let before = alive();
    let mut session = whole().create(b"any").unwrap();
    drop(session.consume().unwrap());
    assert_eq!(session.consume().unwrap().serialize().unwrap(), MESSAGE);
    drop(session);
    assert_eq!(alive(), before);
}

#[test]
fn a_table_has_the_functions_inside_its_own_size() {
    let _alone = alone();
    let mut short = table();
    short.struct_size = std::mem::offset_of!(api::PLUGIN_Profiler_Api, consume);
    let mut session = profiler(Box::leak(Box::new(short)))
        .create(b"two calls")
        .unwrap();
    assert_eq!(session.collect().unwrap(), MESSAGE);
    // The function that frees a result is looked for before there is one.
    absent(session.consume(), "PLUGIN_Profiler_ConsumeResult_Destroy");
    let mut shorter = table();
    shorter.struct_size = std::mem::offset_of!(api::PLUGIN_Profiler_Api, destroy) + 7;
    let profiler = profiler(Box::leak(Box::new(shorter)));
    absent(profiler.create(&[]), "PLUGIN_Profiler_Destroy");
}

#[test]
fn a_table_without_functions_for_errors_still_gives_errors() {
    let _alone = alone();
    let mut mute = table();
    mute.error_message = None;
    mute.error_get_code = None;
    mute.error_destroy = None;
    let before = alive();
    let error = profiler(Box::leak(Box::new(mute)))
        .create(b"refused")
        .unwrap_err();
    assert_eq!(error.code(), ErrorCode::UNKNOWN);
    assert!(error.to_string().contains("does not tell"), "{error}");
    // Without the function to free it, the error leaks.
    assert_eq!(alive()[0], before[0] + 1);
}

#[test]
fn a_pointer_to_no_table_is_an_error_of_each_call() {
    let _alone = alone();
    let nowhere = profiler(null::<api::PLUGIN_Profiler_Api>().cast_mut());
    absent(nowhere.create(&[]), "PLUGIN_Profiler_Destroy");
    assert_eq!(nowhere.traceme_context_id(), 5);
    let whole: &'static mut api::PLUGIN_Profiler_Api = Box::leak(Box::new(table()));
    let odd = profiler(from_mut(whole).wrapping_byte_add(1));
    invalid(odd.create(&[]), "profiler_api");
}
