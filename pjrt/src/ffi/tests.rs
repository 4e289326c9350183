//! Frames of other plugins than the real one: older, newer, broken.

use super::handler::{Entry, Handler};
use super::trampoline::{self, CAPACITY};
use super::{Error, Stage, known};
use crate::ErrorCode;
use crate::sys::ffi_api as c;
use std::ffi::{CStr, c_void};
use std::ptr;
use std::sync::Arc;

/// What the plugin below makes of an error.
type Made = (u32, String);

unsafe extern "C" fn create_error(
    args: *mut c::XLA_FFI_Error_Create_Args,
) -> *mut c::XLA_FFI_Error {
    // SAFETY: called with a whole struct, whose message is a C string.
    let made: Made = unsafe {
        let text = CStr::from_ptr((*args).message);
        ((*args).errc.0, text.to_str().unwrap().to_owned())
    };
    Box::into_raw(Box::new(made)).cast()
}

/// A table of a version, which the process keeps.
fn table(major: i32, minor: i32) -> &'static mut c::XLA_FFI_Api {
    let mut table = c::XLA_FFI_Api::zeroed();
    table.struct_size = c::XLA_FFI_Api_STRUCT_SIZE;
    table.api_version.struct_size = c::XLA_FFI_Api_Version_STRUCT_SIZE;
    table.api_version.major_version = major;
    table.api_version.minor_version = minor;
    table.XLA_FFI_Error_Create = Some(create_error);
    Box::leak(Box::new(table))
}

fn frame(table: *const c::XLA_FFI_Api, stage: Stage) -> c::XLA_FFI_CallFrame {
    let mut frame = c::XLA_FFI_CallFrame::zeroed();
    frame.struct_size = c::XLA_FFI_CallFrame_STRUCT_SIZE;
    frame.api = table;
    frame.stage = stage.as_raw();
    frame.args.struct_size = c::XLA_FFI_Args_STRUCT_SIZE;
    frame.rets.struct_size = c::XLA_FFI_Rets_STRUCT_SIZE;
    frame.attrs.struct_size = c::XLA_FFI_Attrs_STRUCT_SIZE;
    frame
}

/// Calls a handler as a plugin does, and takes the error over.
fn call(entry: &Arc<Entry>, frame: *mut c::XLA_FFI_CallFrame) -> Option<Made> {
    let function = trampoline::function(entry).expect("a function is left");
    // SAFETY: the frame is as long as it says.
    let error = unsafe { function(frame) };
    // SAFETY: an error is a box of `create_error`'s.
    (!error.is_null()).then(|| *unsafe { Box::from_raw(error.cast::<Made>()) })
}

fn nothing() -> Arc<Entry> {
    Handler::new("nothing", |_| Ok(())).entry
}

#[test]
fn a_frame_of_a_version_that_is_not_known_is_refused() {
    let entry = nothing();
    for (major, minor) in [(0, 0), (1, 0), (-1, 4)] {
        let table = table(major, minor);
        let (code, text) = call(&entry, &mut frame(table, Stage::EXECUTE)).unwrap();
        assert_eq!(code, ErrorCode::UNIMPLEMENTED.as_raw().0);
        assert!(text.contains(&format!("XLA FFI {major}.{minor}")), "{text}");
    }
    let table = table(0, 77);
    assert_eq!(call(&entry, &mut frame(table, Stage::EXECUTE)), None);
}

#[test]
fn what_a_frame_does_not_reach_is_not_read() {
    let entry = nothing();
    let table = table(0, 4);
    let mut short = frame(table, Stage::EXECUTE);
    short.struct_size -= 1;
    assert!(call(&entry, &mut short).unwrap().1.contains("shorter"));
    // Without the function that makes errors nothing can be said.
    short.struct_size = 16;
    assert_eq!(call(&entry, &mut short), None);
    assert_eq!(call(&entry, ptr::null_mut()), None);
    assert_eq!(call(&entry, &mut frame(ptr::null(), Stage::EXECUTE)), None);
    let mut args = frame(table, Stage::EXECUTE);
    args.args.struct_size = 8;
    assert!(call(&entry, &mut args).unwrap().1.contains("shorter list"));
    table.struct_size = 40;
    assert_eq!(call(&entry, &mut frame(table, Stage::EXECUTE)), None);
}

#[test]
fn lists_that_are_not_valid_are_refused() {
    let entry = nothing();
    let table = table(0, 4);
    let mut negative = frame(table, Stage::EXECUTE);
    negative.args.size = -1;
    let mut null = frame(table, Stage::EXECUTE);
    null.rets.size = 1;
    let mut attributes = frame(table, Stage::EXECUTE);
    attributes.attrs.size = 1;
    let (mut kind, mut buffer) = (c::XLA_FFI_ArgType_BUFFER, c::XLA_FFI_Buffer::zeroed());
    buffer.struct_size = c::XLA_FFI_Buffer_STRUCT_SIZE - 1;
    let mut buffers = [(&raw mut buffer).cast::<c_void>()];
    let mut short = frame(table, Stage::EXECUTE);
    short.args.size = 1;
    short.args.types = &raw mut kind;
    short.args.args = buffers.as_mut_ptr();
    for frame in [&mut negative, &mut null, &mut attributes, &mut short] {
        let (code, _) = call(&entry, frame).unwrap();
        assert_eq!(code, ErrorCode::INTERNAL.as_raw().0);
    }
}

#[test]
fn an_operand_of_an_unknown_kind_is_refused_when_it_is_asked_for() {
    let asks = Handler::new("asks", |call| call.operand::<f32>(0).map(drop)).entry;
    let table = table(0, 4);
    let mut kind = c::XLA_FFI_ArgType(9);
    let mut items = [ptr::null_mut::<c_void>()];
    let mut unknown = frame(table, Stage::EXECUTE);
    unknown.args.size = 1;
    unknown.args.types = &raw mut kind;
    unknown.args.args = items.as_mut_ptr();
    assert_eq!(call(&nothing(), &mut unknown), None);
    let (code, text) = call(&asks, &mut unknown).unwrap();
    assert_eq!(code, ErrorCode::UNIMPLEMENTED.as_raw().0, "{text}");
}

#[test]
fn the_question_for_metadata_is_answered_with_no_newer_version_than_the_plugins() {
    let entry = Handler::builder("traits")
        .command_buffer_compatible()
        .execute(|_| Err(Error::internal("no call")))
        .entry;
    for (minor, told) in [(1, 1), (2, 2), (4, 4), (77, 4)] {
        let mut metadata = c::XLA_FFI_Metadata::zeroed();
        metadata.struct_size = c::XLA_FFI_Metadata_STRUCT_SIZE;
        metadata.api_version.major_version = -1;
        let mut extension = c::XLA_FFI_Metadata_Extension::zeroed();
        extension.extension_base.struct_size = c::XLA_FFI_Metadata_Extension_STRUCT_SIZE;
        extension.extension_base.type_ = c::XLA_FFI_Extension_Metadata;
        extension.metadata = &raw mut metadata;
        // A node of another type before it.
        let mut other = c::XLA_FFI_InternalExtension::zeroed();
        other.struct_size = c::XLA_FFI_InternalExtension_STRUCT_SIZE;
        other.type_ = c::XLA_FFI_InternalExtension_Type(50);
        other.next = (&raw mut extension).cast();
        let mut asks = frame(table(0, minor), Stage::EXECUTE);
        asks.extension_start = &raw mut other;
        assert_eq!(call(&entry, &mut asks), None);
        let version = metadata.api_version;
        assert_eq!((version.major_version, version.minor_version), (0, told));
        assert_eq!(metadata.traits, 1);
        // Fields that the struct does not reach stay as they are.
        metadata.struct_size = 32;
        metadata.traits = 0;
        assert_eq!(call(&entry, &mut asks), None);
        assert_eq!(metadata.traits, 0);
    }
}

#[test]
fn a_chain_with_a_cycle_ends() {
    let mut node = c::XLA_FFI_InternalExtension::zeroed();
    node.struct_size = c::XLA_FFI_InternalExtension_STRUCT_SIZE;
    node.next = &raw mut node;
    let mut cycle = frame(table(0, 4), Stage::EXECUTE);
    cycle.extension_start = &raw mut node;
    assert_eq!(call(&nothing(), &mut cycle), None);
}

#[test]
fn functions_that_the_table_lacks_are_errors_of_their_name() {
    let entry = Handler::new("lacks", |call| {
        let absent = [
            call.run_id().err(),
            call.device_ordinal().err(),
            call.thread_count().err(),
            call.defer().err(),
        ];
        let texts = absent.map(|error| error.map_or("none".into(), |e| e.message().to_owned()));
        Err(Error::internal(texts.join("\n")))
    })
    .entry;
    let short = table(0, 1);
    short.struct_size = std::mem::offset_of!(c::XLA_FFI_Api, XLA_FFI_Handler_Register);
    let (_, text) = call(&entry, &mut frame(short, Stage::EXECUTE)).unwrap();
    for name in [
        "XLA_FFI_RunId_Get",
        "XLA_FFI_DeviceOrdinal_Get",
        "XLA_FFI_ThreadPool_NumThreads",
        "XLA_FFI_CallFrame.future",
    ] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn a_stage_without_a_closure_is_refused() {
    let (code, text) = call(&nothing(), &mut frame(table(0, 4), Stage::RECORD)).unwrap();
    assert_eq!(code, ErrorCode::UNIMPLEMENTED.as_raw().0, "{text}");
}

#[test]
fn a_state_of_a_newer_plugin_belongs_to_the_instantiation() {
    /// The context is the place of the state.
    unsafe extern "C" fn set(args: *mut c::XLA_FFI_State_Set_Args) -> *mut c::XLA_FFI_Error {
        // SAFETY: called with the struct of 0.3 and the context of the frames below.
        unsafe {
            assert_eq!((*args).struct_size, c::XLA_FFI_State_Set_Args_STRUCT_SIZE);
            assert_eq!((*args).stage, c::XLA_FFI_ExecutionStage_INSTANTIATE);
            assert_eq!((*(*args).type_id).type_id, 5);
            (*args).ctx.cast::<*mut c_void>().write((*args).state);
        }
        ptr::null_mut()
    }
    unsafe extern "C" fn get(args: *mut c::XLA_FFI_State_Get_Args) -> *mut c::XLA_FFI_Error {
        // SAFETY: as above.
        unsafe {
            assert_eq!((*args).struct_size, c::XLA_FFI_State_Get_Args_STRUCT_SIZE);
            assert_eq!((*args).stage, c::XLA_FFI_ExecutionStage_INSTANTIATE);
            (*args).state = (*args).ctx.cast::<*mut c_void>().read();
        }
        ptr::null_mut()
    }
    let alive = Arc::new(());
    let state = alive.clone();
    let entry = Handler::builder("state")
        .instantiate(move |_| Ok(state.clone()))
        .execute(|_, state: &Arc<()>| Err(Error::internal(Arc::strong_count(state).to_string())))
        .entry;
    let table = table(0, 3);
    table.XLA_FFI_State_Set = Some(set);
    table.XLA_FFI_State_Get = Some(get);
    let mut place = ptr::null_mut::<c_void>();
    let mut instantiate = frame(table, Stage::INSTANTIATE);
    instantiate.ctx = (&raw mut place).cast();
    // No type is registered with this plugin, so the state is refused and freed.
    assert!(call(&entry, &mut instantiate).is_some());
    assert_eq!(Arc::strong_count(&alive), 2);
    known::pretend(table, 5);
    assert_eq!(call(&entry, &mut instantiate), None);
    let mut execute = frame(table, Stage::EXECUTE);
    execute.ctx = (&raw mut place).cast();
    assert_eq!(call(&entry, &mut execute).unwrap().1, "state: 3");
    // SAFETY: the plugin's last use of the state.
    unsafe { super::state::delete(place) };
    assert_eq!(Arc::strong_count(&alive), 2);
}

#[test]
fn a_plugin_without_the_extension_registers_the_type_of_states_when_it_asks() {
    unsafe extern "C" fn register(
        args: *mut c::XLA_FFI_Type_Register_Args,
    ) -> *mut c::XLA_FFI_Error {
        // SAFETY: called with a whole struct; name, place and description live through the call.
        unsafe {
            let args = &*args;
            assert!(args.struct_size >= c::XLA_FFI_Type_Register_Args_STRUCT_SIZE);
            let name = std::slice::from_raw_parts(args.name.ptr.cast::<u8>(), args.name.len);
            assert!(name.starts_with(b"xla-pjrt.state."));
            assert_eq!((*args.type_id).type_id, 0);
            let info = &*args.type_info;
            assert_eq!(info.struct_size, c::XLA_FFI_TypeInfo_STRUCT_SIZE);
            assert!(info.deleter.is_some());
            (*args.type_id).type_id += 41;
        }
        ptr::null_mut()
    }
    let entry = Handler::builder("typed")
        .instantiate(|_| Ok(()))
        .execute(|_, ()| Ok(()))
        .entry;
    let mut metadata = c::XLA_FFI_Metadata::zeroed();
    metadata.struct_size = c::XLA_FFI_Metadata_STRUCT_SIZE;
    let mut extension = c::XLA_FFI_Metadata_Extension::zeroed();
    extension.extension_base.struct_size = c::XLA_FFI_Metadata_Extension_STRUCT_SIZE;
    extension.extension_base.type_ = c::XLA_FFI_Extension_Metadata;
    extension.metadata = &raw mut metadata;
    let mut ask = |table: &c::XLA_FFI_Api| {
        let mut asks = frame(table, Stage::INSTANTIATE);
        asks.extension_start = (&raw mut extension).cast();
        call(&entry, &mut asks)
    };
    // The description of types was another one then.
    let old = table(0, 2);
    old.XLA_FFI_Type_Register = Some(register);
    assert_eq!(ask(old).unwrap().0, ErrorCode::UNIMPLEMENTED.as_raw().0);
    let (without, with) = (table(0, 3), table(0, 3));
    assert!(ask(without).unwrap().1.contains("XLA_FFI_Type_Register"));
    with.XLA_FFI_Type_Register = Some(register);
    // The second question is answered from memory.
    assert_eq!((ask(with), ask(with)), (None, None));
    assert_eq!(metadata.state_type_id.type_id, 41);
}

#[test]
fn what_is_attached_to_a_call_is_found_by_its_number() {
    /// The context is the extension itself.
    unsafe extern "C" fn find(
        args: *mut c::XLA_FFI_InvokeContext_FindExtension_Args,
    ) -> *mut c::XLA_FFI_Error {
        // SAFETY: called with a whole struct and the context of the frame below.
        unsafe {
            let first = (*args).ctx.cast::<c::XLA_FFI_Extension>().cast_const();
            let wanted = (*args).extension_type;
            (*args).extension = match wanted {
                0 => ptr::null(),
                1 => (*first).next,
                _ => first,
            };
        }
        ptr::null_mut()
    }
    let mut short = c::XLA_FFI_Extension::zeroed();
    short.struct_size = c::XLA_FFI_Extension_STRUCT_SIZE - 1;
    short.id.extension_type = 1;
    let mut first = c::XLA_FFI_Extension::zeroed();
    first.struct_size = c::XLA_FFI_Extension_STRUCT_SIZE;
    first.id.extension_type = 7;
    (first.id.major_version, first.id.minor_version) = (2, 3);
    first.next = &raw const short;
    let entry = Handler::new("attached", |call| {
        assert!(call.extension(0)?.is_none());
        let found = call.extension(7)?.expect("it is there");
        assert_eq!((found.kind(), found.version()), (7, (2, 3)));
        assert_eq!(found.size(), c::XLA_FFI_Extension_STRUCT_SIZE);
        assert!(!found.as_ptr().is_null());
        // What is too short for a head is none, and so is what has another number.
        assert!(found.next().is_none());
        assert!(call.extension(1).is_err());
        call.extension(8).map(drop)
    })
    .entry;
    let table = table(0, 4);
    table.XLA_FFI_InvokeContext_FindExtension = Some(find);
    let mut execute = frame(table, Stage::EXECUTE);
    execute.ctx = (&raw mut first).cast();
    let (code, text) = call(&entry, &mut execute).unwrap();
    assert_eq!(code, ErrorCode::INTERNAL.as_raw().0);
    assert!(text.contains("gave no extension 8"), "{text}");
}

#[test]
fn the_stage_that_records_has_its_own_closure() {
    let entry = Handler::device("records", "CUDA")
        .record(|call| Err(Error::internal(format!("in {}", call.stage()))))
        .execute(|_| Ok(()))
        .entry;
    let table = table(0, 4);
    assert_eq!(call(&entry, &mut frame(table, Stage::EXECUTE)), None);
    let (_, text) = call(&entry, &mut frame(table, Stage::RECORD)).unwrap();
    assert_eq!(text, "records: in RECORD");
}

#[test]
fn every_code_of_an_error_arrives() {
    let failures = ErrorCode::ALL.iter().filter(|code| **code != ErrorCode::OK);
    for code in failures.copied() {
        let entry = Handler::new("code", move |_| Err(Error::new(code, "so"))).entry;
        let (got, text) = call(&entry, &mut frame(table(0, 4), Stage::EXECUTE)).unwrap();
        assert_eq!((got, &*text), (code.as_raw().0, "code: so"));
    }
}

#[test]
fn more_handlers_than_there_are_functions_are_refused() {
    // Another process's worth of handlers: the tests above need a few, so this takes no last one.
    let entries: Vec<_> = (0..CAPACITY - 64).map(|_| nothing()).collect();
    let functions: Vec<_> = entries.iter().map(trampoline::function).collect();
    let mut addresses: Vec<_> = functions.iter().map(|f| f.map(|f| f as usize)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    assert_eq!(addresses.len(), entries.len());
    assert!(addresses.iter().all(Option::is_some));
    let beyond = nothing();
    beyond.trampoline.set(CAPACITY).unwrap();
    assert!(trampoline::function(&beyond).is_none());
}
