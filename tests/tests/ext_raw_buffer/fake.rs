//! The plugin and its raw buffers, which are never freed either.

use crate::events::{Event, event_at, new_promise, promise_dec, promise_ready};
use pjrt::__rt::{Handle, OnPlugin};
use pjrt::device_event::{DeviceEvent, DeviceEventPromise};
use pjrt::raw_buffer::RawBuffer;
use pjrt::sys::device_event::*;
use pjrt::sys::raw_buffer::*;
use pjrt::sys::{self, PJRT_Error};
use pjrt::{Buffer, Client, ClientOptions, Plugin};
use std::ffi::c_void;
use std::ptr::{from_mut, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

static REFUSE: AtomicBool = AtomicBool::new(false);
/// Clients that were destroyed.
pub static CLIENTS: AtomicUsize = AtomicUsize::new(0);

pub fn refuse(refuse: bool) {
    REFUSE.store(refuse, Ordering::SeqCst);
}

#[repr(C)]
struct Raw {
    base: PJRT_RawBuffer,
    references: AtomicUsize,
    bytes: Mutex<Vec<u8>>,
    /// The event that it is made with, which holds a reference to it.
    made: &'static Event,
}

// SAFETY: the table is never written once the raw buffer is there.
unsafe impl Sync for Raw {}

/// The event that a raw buffer is made with.
pub fn made(at: *mut PJRT_RawBuffer) -> PJRT_DeviceEvent {
    raw_at(at).made.raw()
}

fn raw_at(at: *const PJRT_RawBuffer) -> &'static Raw {
    // SAFETY: raw buffers are never freed.
    unsafe { &*at.cast::<Raw>() }
}

fn new_raw(size: usize, table: *const PJRT_RawBuffer_FunctionTable) -> *mut PJRT_RawBuffer {
    let raw = Raw {
        base: PJRT_RawBuffer { vtable: table },
        references: AtomicUsize::new(1),
        bytes: Mutex::new(vec![0; size]),
        made: Event::new(),
    };
    from_mut(Box::leak(Box::new(raw))).cast()
}

unsafe extern "C" fn raw_inc(at: *mut PJRT_RawBuffer) {
    raw_at(at).references.fetch_add(1, Ordering::SeqCst);
}

unsafe extern "C" fn raw_dec(at: *mut PJRT_RawBuffer) {
    let before = raw_at(at).references.fetch_sub(1, Ordering::SeqCst);
    assert!(before > 0, "a reference too many was given up");
}

unsafe extern "C" fn raw_size(at: *const PJRT_RawBuffer) -> usize {
    raw_at(at).bytes.lock().unwrap().len()
}

unsafe extern "C" fn raw_memory(_: *const PJRT_RawBuffer) -> *mut sys::PJRT_Memory {
    null_mut()
}

unsafe extern "C" fn raw_address(at: *const PJRT_RawBuffer) -> *mut c_void {
    raw_at(at).bytes.lock().unwrap().as_mut_ptr().cast()
}

unsafe extern "C" fn raw_mutable(_: *const PJRT_RawBuffer) -> bool {
    true
}

/// The plugin's only memory.
pub fn memory() -> *mut sys::PJRT_Memory {
    failure().cast()
}

/// An error is a pointer to nothing in particular; it has no functions.
fn failure() -> *mut PJRT_Error {
    static BYTE: u8 = 0;
    std::ptr::from_ref(&BYTE).cast_mut().cast()
}

/// Copies when all events of a list have happened: this plugin takes the list over, or leaves it.
unsafe fn after(
    list: *mut PJRT_DeviceEventVector,
    out: *mut PJRT_DeviceEvent,
    copy: impl FnOnce() + Send + 'static,
) -> *mut PJRT_Error {
    if REFUSE.load(Ordering::SeqCst) {
        return failure();
    }
    let done = Event::new();
    // SAFETY: the output is the caller's.
    unsafe { *out = done.raw() };
    let body = move || {
        copy();
        done.happen(None);
    };
    if list.is_null() {
        body();
        return null_mut();
    }
    // SAFETY: a whole list of the caller's, which is cleared where it is taken over.
    let taken = unsafe { std::mem::replace(&mut *list, PJRT_DeviceEventVector::zeroed()) };
    assert_eq!(taken.size, 1, "the tests give one event");
    // SAFETY: the list has one item, and the function that frees it.
    let first = unsafe { taken.data.read() };
    // SAFETY: as above.
    unsafe { taken.destroy.unwrap()(taken.data) };
    let event = event_at(first.device_event);
    event.then(Box::new(move || {
        body();
        event.less();
    }));
    null_mut()
}

unsafe fn write(at: *mut PJRT_RawBuffer, source: *const c_void, offset: i64, size: i64) {
    let (offset, size) = (
        usize::try_from(offset).unwrap(),
        usize::try_from(size).unwrap(),
    );
    let mut bytes = raw_at(at).bytes.lock().unwrap();
    // SAFETY: the source has as many bytes as the caller says.
    let source = unsafe { std::slice::from_raw_parts(source.cast::<u8>(), size) };
    bytes[offset..offset + size].copy_from_slice(source);
}

unsafe fn read(at: *mut PJRT_RawBuffer, target: *mut c_void, offset: i64, size: i64) {
    let (offset, size) = (
        usize::try_from(offset).unwrap(),
        usize::try_from(size).unwrap(),
    );
    let bytes = raw_at(at).bytes.lock().unwrap();
    // SAFETY: the target has room for as many bytes as the caller says.
    let target = unsafe { std::slice::from_raw_parts_mut(target.cast::<u8>(), size) };
    target.copy_from_slice(&bytes[offset..offset + size]);
}

unsafe extern "C" fn write_after(
    at: *mut PJRT_RawBuffer,
    source: *const c_void,
    offset: i64,
    size: i64,
    list: *mut PJRT_DeviceEventVector,
    out: *mut PJRT_DeviceEvent,
) -> *mut PJRT_Error {
    let (at, source) = (at.expose_provenance(), source.expose_provenance());
    let copy = move || {
        let at: *mut PJRT_RawBuffer = std::ptr::with_exposed_provenance_mut(at);
        assert!(raw_at(at).references.load(Ordering::SeqCst) > 0);
        // SAFETY: the caller keeps both until the event.
        unsafe { write(at, std::ptr::with_exposed_provenance(source), offset, size) }
    };
    // SAFETY: as the caller gave them.
    unsafe { after(list, out, copy) }
}

unsafe extern "C" fn read_after(
    at: *mut PJRT_RawBuffer,
    target: *mut c_void,
    offset: i64,
    size: i64,
    list: *mut PJRT_DeviceEventVector,
    out: *mut PJRT_DeviceEvent,
) -> *mut PJRT_Error {
    let (at, target) = (at.expose_provenance(), target.expose_provenance());
    let copy = move || {
        let at = std::ptr::with_exposed_provenance_mut(at);
        // SAFETY: the caller keeps both until the event.
        unsafe {
            read(
                at,
                std::ptr::with_exposed_provenance_mut(target),
                offset,
                size,
            )
        }
    };
    // SAFETY: as the caller gave them.
    unsafe { after(list, out, copy) }
}

unsafe extern "C" fn ready_event(
    _: *mut PJRT_RawBuffer,
    out: *mut PJRT_DeviceEvent,
) -> *mut PJRT_Error {
    let event = Event::new();
    event.happen(None);
    // SAFETY: the output is the caller's.
    unsafe { *out = event.raw() };
    null_mut()
}

unsafe extern "C" fn own_event(
    at: *mut PJRT_RawBuffer,
    out: *mut PJRT_DeviceEvent,
) -> *mut PJRT_Error {
    // SAFETY: the output is the caller's.
    unsafe { *out = raw_at(at).made.raw() };
    null_mut()
}

unsafe extern "C" fn slice(
    at: *mut PJRT_RawBuffer,
    _: i64,
    size: i64,
    out: *mut *mut PJRT_RawBuffer,
) -> *mut PJRT_Error {
    let part = new_raw(usize::try_from(size).unwrap(), raw_at(at).base.vtable);
    // SAFETY: the output is the caller's.
    unsafe { *out = part };
    null_mut()
}

unsafe extern "C" fn schedule(
    source: *mut PJRT_RawBuffer,
    list: *mut PJRT_DeviceEventVector,
    target: *mut PJRT_RawBuffer,
    filled: *mut PJRT_DeviceEventPromise,
    used: *mut PJRT_DeviceEventPromise,
    allocated: Option<unsafe extern "C" fn(*mut PJRT_Error, *mut c_void)>,
    data: *mut c_void,
) {
    let (source, target) = (raw_at(source), raw_at(target));
    let promises = [filled, used].map(|promise| promise.expose_provenance());
    let data = data.expose_provenance();
    let copy = move || {
        let alive = |raw: &Raw| raw.references.load(Ordering::SeqCst) > 0;
        assert!(alive(source) && alive(target), "both are kept until then");
        let bytes = source.bytes.lock().unwrap().clone();
        target.bytes.lock().unwrap().copy_from_slice(&bytes);
        let data = std::ptr::with_exposed_provenance_mut(data);
        // SAFETY: the promises each once, and the references to them; the callback finds nothing
        // the second time.
        unsafe {
            allocated.unwrap()(null_mut(), data);
            allocated.unwrap()(null_mut(), data);
            for promise in promises.map(std::ptr::with_exposed_provenance_mut) {
                promise_ready(promise);
                promise_dec(promise);
            }
        }
    };
    let mut done = PJRT_DeviceEvent::zeroed();
    // SAFETY: a list of the caller's, and an output of ours.
    let refused = unsafe { after(list, &raw mut done, copy) };
    assert!(refused.is_null(), "there is no way to refuse here");
}

pub fn raw_references(at: *mut PJRT_RawBuffer) -> usize {
    raw_at(at).references.load(Ordering::SeqCst)
}

/// The object of a handle.
pub fn object_of(raw: &RawBuffer) -> *mut PJRT_RawBuffer {
    pjrt::__rt::Handle::as_raw(raw)
}

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> *mut PJRT_Error {
    null_mut()
}
unsafe extern "C" fn plain_destroy(_: *mut sys::PJRT_Event_Destroy_Args) -> *mut PJRT_Error {
    null_mut()
}
unsafe extern "C" fn plain_await(_: *mut sys::PJRT_Event_Await_Args) -> *mut PJRT_Error {
    null_mut()
}
unsafe extern "C" fn plain_ready(args: *mut sys::PJRT_Event_IsReady_Args) -> *mut PJRT_Error {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).is_ready = true };
    null_mut()
}
unsafe extern "C" fn plain_error(_: *mut sys::PJRT_Event_Error_Args) -> *mut PJRT_Error {
    null_mut()
}
unsafe extern "C" fn ext_destroy(args: *mut PJRT_RawBuffer_Destroy_Args) -> *mut PJRT_Error {
    // SAFETY: the crate gives whole args.
    unsafe { raw_dec((*args).buffer) };
    null_mut()
}
unsafe extern "C" fn ext_alias(
    args: *mut PJRT_RawBuffer_CreateRawAliasOfBuffer_Args,
) -> *mut PJRT_Error {
    if REFUSE.load(Ordering::SeqCst) {
        return failure();
    }
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    assert_eq!(args.buffer.cast(), memory());
    args.raw_buffer = new_raw(8, whole_table());
    null_mut()
}
unsafe extern "C" fn ext_memory(args: *mut PJRT_RawBuffer_GetMemorySpace_Args) -> *mut PJRT_Error {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).memory_space = memory() };
    null_mut()
}
unsafe extern "C" fn client_create(args: *mut sys::PJRT_Client_Create_Args) -> *mut PJRT_Error {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).client = failure().cast() };
    null_mut()
}
unsafe extern "C" fn client_destroy(_: *mut sys::PJRT_Client_Destroy_Args) -> *mut PJRT_Error {
    CLIENTS.fetch_add(1, Ordering::SeqCst);
    null_mut()
}
unsafe extern "C" fn buffer_destroy(_: *mut sys::PJRT_Buffer_Destroy_Args) -> *mut PJRT_Error {
    null_mut()
}
unsafe extern "C" fn memory_id(args: *mut sys::PJRT_Memory_Id_Args) -> *mut PJRT_Error {
    // SAFETY: the crate gives whole args.
    unsafe {
        assert_eq!((*args).memory, memory());
        (*args).id = 12;
    }
    null_mut()
}
unsafe extern "C" fn ext_size(
    args: *mut PJRT_RawBuffer_GetOnDeviceSizeInBytes_Args,
) -> *mut PJRT_Error {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).on_device_size_in_bytes = raw_size((*args).buffer) };
    null_mut()
}
unsafe extern "C" fn ext_host(args: *mut PJRT_RawBuffer_GetHostPointer_Args) -> *mut PJRT_Error {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).host_pointer = raw_address((*args).buffer) };
    null_mut()
}
unsafe extern "C" fn ext_write(
    args: *mut PJRT_RawBuffer_CopyRawHostToDevice_Args,
) -> *mut PJRT_Error {
    // SAFETY: the crate gives whole args.
    unsafe {
        write(
            (*args).buffer,
            (*args).src,
            (*args).offset,
            (*args).transfer_size,
        );
        (*args).event = failure().cast();
    }
    null_mut()
}
unsafe extern "C" fn ext_read(
    args: *mut PJRT_RawBuffer_CopyRawDeviceToHost_Args,
) -> *mut PJRT_Error {
    // SAFETY: the crate gives whole args.
    unsafe {
        read(
            (*args).buffer,
            (*args).dst,
            (*args).offset,
            (*args).transfer_size,
        );
        (*args).event = failure().cast();
    }
    null_mut()
}

/// A table of its own.
fn whole_table() -> *mut PJRT_RawBuffer_FunctionTable {
    let mut table = PJRT_RawBuffer_FunctionTable::zeroed();
    table.struct_size = size_of_val(&table);
    table.instance_size = size_of::<PJRT_RawBuffer>();
    table.inc_ref = Some(raw_inc);
    table.dec_ref = Some(raw_dec);
    table.get_on_device_size_in_bytes = Some(raw_size);
    table.get_memory_space = Some(raw_memory);
    table.get_host_pointer = Some(raw_address);
    table.copy_raw_host_to_device_and_return_event = Some(write_after);
    table.copy_raw_device_to_host_and_return_event = Some(read_after);
    table.opaque_device_memory_data_pointer = Some(raw_address);
    table.make_allocation_ready_event = Some(ready_event);
    table.get_raw_buffer_async_value = Some(own_event);
    table.is_mutable = Some(raw_mutable);
    table.slice = Some(slice);
    table.schedule_copy_to = Some(schedule);
    Box::leak(Box::new(table))
}

/// A plugin that says it has this minor version.
pub struct Fake {
    pub plugin: Plugin,
}

impl Fake {
    pub fn new(minor: i32) -> Fake {
        Fake::make(minor, false)
    }

    /// The extension's table has only what nothing else does.
    pub fn with_holes() -> Fake {
        Fake::make(114, true)
    }

    fn make(minor: i32, holes: bool) -> Fake {
        let mut extension = PJRT_RawBuffer_Extension::zeroed();
        extension.base.struct_size = size_of_val(&extension);
        extension.base.type_ = sys::PJRT_Extension_Type_RawBuffer;
        extension.PJRT_RawBuffer_Destroy = Some(ext_destroy);
        extension.PJRT_RawBuffer_CreateRawAliasOfBuffer = Some(ext_alias);
        if !holes {
            extension.PJRT_RawBuffer_GetMemorySpace = Some(ext_memory);
            extension.PJRT_RawBuffer_GetOnDeviceSizeInBytes = Some(ext_size);
            extension.PJRT_RawBuffer_GetHostPointer = Some(ext_host);
            extension.PJRT_RawBuffer_CopyRawHostToDevice = Some(ext_write);
            extension.PJRT_RawBuffer_CopyRawDeviceToHost = Some(ext_read);
        }
        let mut table = sys::PJRT_Api::zeroed();
        table.struct_size = size_of_val(&table);
        table.extension_start = from_mut(Box::leak(Box::new(extension))).cast();
        table.pjrt_api_version.minor_version = minor;
        table.PJRT_Plugin_Initialize = Some(initialize);
        table.PJRT_Client_Create = Some(client_create);
        table.PJRT_Client_Destroy = Some(client_destroy);
        table.PJRT_Buffer_Destroy = Some(buffer_destroy);
        table.PJRT_Memory_Id = Some(memory_id);
        table.PJRT_Event_Destroy = Some(plain_destroy);
        table.PJRT_Event_Await = Some(plain_await);
        table.PJRT_Event_IsReady = Some(plain_ready);
        table.PJRT_Event_Error = Some(plain_error);
        // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
        let plugin = unsafe { Plugin::from_api(Box::leak(Box::new(table))) }.unwrap();
        Fake { plugin }
    }

    /// An event that has not happened, with one reference.
    pub fn event(&self) -> PJRT_DeviceEvent {
        Event::new().raw()
    }

    pub fn try_take(&self, event: PJRT_DeviceEvent) -> pjrt::Result<DeviceEvent> {
        // SAFETY: a live event with a reference for whoever asks, or one that is to be refused.
        unsafe { DeviceEvent::from_raw(&self.plugin, event) }
    }

    pub fn take(&self, event: PJRT_DeviceEvent) -> DeviceEvent {
        self.try_take(event).unwrap()
    }

    pub fn promise(&self) -> (*mut PJRT_DeviceEventPromise, DeviceEventPromise) {
        let raw = new_promise();
        // SAFETY: the promise is live and not kept, and the reference is given away.
        (
            raw,
            unsafe { DeviceEventPromise::from_raw(&self.plugin, raw) }.unwrap(),
        )
    }

    /// A client, and a buffer of it.
    pub fn buffer(&self) -> (Client, Buffer) {
        let client = self.plugin.create_client(&ClientOptions::new()).unwrap();
        let raw = std::ptr::NonNull::new(memory().cast()).unwrap();
        let owner = pjrt::__rt::owner_of(&client);
        // SAFETY: nobody else destroys it.
        let buffer = unsafe { Handle::own(OnPlugin::api(&self.plugin), raw, owner) };
        (client, buffer)
    }

    pub fn raw_buffer(&self) -> RawBuffer {
        self.raw_buffer_with(|_| ())
    }

    /// Eight bytes, with a table that was spoilt.
    pub fn raw_buffer_with(
        &self,
        spoil: impl FnOnce(&mut PJRT_RawBuffer_FunctionTable),
    ) -> RawBuffer {
        // SAFETY: the table was leaked just now.
        let table = unsafe { &mut *whole_table() };
        spoil(table);
        let raw = new_raw(8, table);
        // SAFETY: the raw buffer is live, and the reference is given away.
        unsafe { RawBuffer::from_raw(&self.plugin, raw) }.unwrap()
    }
}
