//! The extension for streams, of a plugin made up here: the real CPU plugin has none to tell.

use pjrt::__rt::{Borrow, Handle, OnPlugin, owner_of};
use pjrt::stream::Stream;
use pjrt::sys::{self, stream as c};
use pjrt::{Buffer, Client, ClientOptions, Device, Error, Extension, Plugin};
use std::mem::offset_of;
use std::ptr::{NonNull, from_mut, from_ref, null_mut};
use std::sync::Mutex;

type Failure = *mut sys::PJRT_Error;

/// What was waited for last: stream and buffer.
static WAITED: Mutex<Option<(isize, usize)>> = Mutex::new(None);

/// An object is a pointer to nothing in particular.
fn object<T>() -> *mut T {
    static BYTE: u64 = 0;
    from_ref(&BYTE).cast_mut().cast()
}

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> Failure {
    null_mut()
}
unsafe extern "C" fn create(args: *mut sys::PJRT_Client_Create_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).client = object() };
    null_mut()
}
unsafe extern "C" fn destroy(_: *mut sys::PJRT_Client_Destroy_Args) -> Failure {
    null_mut()
}
unsafe extern "C" fn destroy_buffer(_: *mut sys::PJRT_Buffer_Destroy_Args) -> Failure {
    null_mut()
}
unsafe extern "C" fn get(args: *mut c::PJRT_Get_Stream_For_External_Ready_Events_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    assert_eq!(
        args.struct_size,
        c::PJRT_Get_Stream_For_External_Ready_Events_Args_STRUCT_SIZE
    );
    assert_eq!(args.device, object());
    args.stream = 77;
    null_mut()
}
unsafe extern "C" fn wait(args: *mut c::PJRT_Wait_Until_Buffer_Ready_On_Stream_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    assert_eq!(
        args.struct_size,
        c::PJRT_Wait_Until_Buffer_Ready_On_Stream_Args_STRUCT_SIZE
    );
    *WAITED.lock().unwrap() = Some((args.stream, args.buffer.addr()));
    null_mut()
}

/// A plugin whose extension's table is as long as said.
fn plugin(length: usize) -> Plugin {
    let mut extension = c::PJRT_Stream_Extension::zeroed();
    extension.base.struct_size = length;
    extension.base.type_ = sys::PJRT_Extension_Type_Stream;
    extension.get_stream = Some(get);
    extension.wait_stream = Some(wait);
    let mut table = sys::PJRT_Api::zeroed();
    table.struct_size = size_of_val(&table);
    table.extension_start = from_mut(Box::leak(Box::new(extension))).cast();
    table.pjrt_api_version.minor_version = sys::PJRT_API_MINOR as i32;
    table.PJRT_Plugin_Initialize = Some(initialize);
    table.PJRT_Client_Create = Some(create);
    table.PJRT_Client_Destroy = Some(destroy);
    table.PJRT_Buffer_Destroy = Some(destroy_buffer);
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(Box::leak(Box::new(table))) }.unwrap()
}

fn objects(plugin: &Plugin) -> (Device, Buffer) {
    let client: Client = plugin.create_client(&ClientOptions::new()).unwrap();
    let owner = owner_of(&client).unwrap();
    let device = NonNull::new(object()).unwrap();
    let buffer = NonNull::new(object()).unwrap();
    // SAFETY: the device is the client's, and nobody else destroys the buffer.
    unsafe {
        (
            Device::borrow(device, owner.clone()),
            Handle::own(OnPlugin::api(plugin), buffer, Some(owner)),
        )
    }
}

const WHOLE: usize = size_of::<c::PJRT_Stream_Extension>();

#[test]
fn a_stream_is_told_and_waited_on() {
    let plugin = plugin(WHOLE);
    let stream = Stream::of(&plugin).unwrap();
    let (device, buffer) = objects(&plugin);
    assert_eq!(stream.for_external_ready_events(&device).unwrap(), 77);
    // SAFETY: the plugin takes any number.
    unsafe { stream.wait_until_buffer_ready(77, &buffer) }.unwrap();
    let waited = WAITED.lock().unwrap().take();
    assert_eq!(waited, Some((77, object::<()>().addr())));
}

#[test]
fn handles_of_another_plugin_are_refused() {
    let stream = Stream::of(&plugin(WHOLE)).unwrap();
    let (device, buffer) = objects(&plugin(WHOLE));
    let error = stream.for_external_ready_events(&device).unwrap_err();
    assert!(
        matches!(
            error,
            Error::ForeignHandle {
                argument: "device",
                ..
            }
        ),
        "{error:?}"
    );
    // SAFETY: the plugin takes any number.
    let error = unsafe { stream.wait_until_buffer_ready(1, &buffer) }.unwrap_err();
    assert!(
        matches!(
            error,
            Error::ForeignHandle {
                argument: "buffer",
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn a_slot_behind_the_end_of_the_table_is_not_there() {
    let plugin = plugin(offset_of!(c::PJRT_Stream_Extension, wait_stream));
    let stream = Stream::of(&plugin).unwrap();
    let (device, buffer) = objects(&plugin);
    assert_eq!(stream.for_external_ready_events(&device).unwrap(), 77);
    // SAFETY: the function is not reached.
    let error = unsafe { stream.wait_until_buffer_ready(1, &buffer) }.unwrap_err();
    assert!(matches!(error, Error::Unimplemented { .. }), "{error:?}");
}
