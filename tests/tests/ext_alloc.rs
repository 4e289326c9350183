//! Host memory and kernels of a plugin made up here: no plugin that runs here shows a success.

use pjrt::host_allocator::HostAllocator;
use pjrt::host_memory_allocator::HostMemoryAllocator;
use pjrt::sys::{self, host_allocator as old, host_memory_allocator as new, triton};
use pjrt::triton::{KernelCode, KernelOptions, Triton};
use pjrt::{Client, ClientOptions, Error, Plugin};
use std::ffi::c_void;
use std::ptr::{from_mut, null_mut};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Allocations and clients that live.
static MEMORY: AtomicIsize = AtomicIsize::new(0);
static CLIENTS: AtomicIsize = AtomicIsize::new(0);
/// A client was destroyed while it had memory.
static TOO_EARLY: AtomicBool = AtomicBool::new(false);
/// The counts are of one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn alive() -> [isize; 2] {
    [&MEMORY, &CLIENTS].map(|count| count.load(Ordering::SeqCst))
}

type Failure = *mut sys::PJRT_Error;

/// An object or error is a pointer to nothing in particular.
fn something<T>() -> *mut T {
    static BYTE: u8 = 0;
    std::ptr::from_ref(&BYTE).cast_mut().cast()
}

/// Words that hold so many bytes.
fn words(size: usize) -> *mut c_void {
    MEMORY.fetch_add(1, Ordering::SeqCst);
    Box::into_raw(Box::new(vec![0u64; size.div_ceil(8)])).cast()
}

/// Sizes that say what happens.
const NONE_LEFT: usize = 1 << 40;
const FAILS: usize = 1 << 41;
const UNALIGNED: usize = 1 << 42;
const NOT_FREED: usize = 3;

/// The vector stays beside the memory, under its address.
static VECTORS: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());

fn memory(size: usize) -> *mut u8 {
    let vector = words(size).cast::<Vec<u64>>();
    // SAFETY: it was made just now.
    let memory = unsafe { (*vector).as_mut_ptr() };
    VECTORS
        .lock()
        .unwrap()
        .push((memory.addr(), vector.expose_provenance()));
    memory.cast()
}

unsafe extern "C" fn free(memory: *mut c_void, argument: *mut c_void) {
    assert_eq!(argument, something());
    let mut vectors = VECTORS.lock().unwrap();
    let found = vectors.iter().position(|(at, _)| *at == memory.addr());
    let (_, vector) = vectors.remove(found.unwrap());
    let vector: *mut Vec<u64> = std::ptr::with_exposed_provenance_mut(vector);
    // SAFETY: it is the vector of this memory, which is freed once.
    drop(unsafe { Box::from_raw(vector) });
    MEMORY.fetch_sub(1, Ordering::SeqCst);
}

unsafe extern "C" fn allocate(args: *mut new::PJRT_HostMemoryAllocator_Allocate_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    assert!(!args.client.is_null() && [-1, 1].contains(&args.numa_node));
    match args.size {
        0 | NONE_LEFT => return null_mut(),
        FAILS => return something(),
        _ => {}
    }
    args.ptr = memory(args.size);
    if args.size != NOT_FREED {
        args.deleter = Some(free);
    }
    args.deleter_arg = something();
    null_mut()
}

unsafe extern "C" fn alignment(
    args: *mut old::PJRT_HostAllocator_GetPreferredAlignment_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).preferred_alignment = 8 };
    null_mut()
}

unsafe extern "C" fn allocate_old(args: *mut old::PJRT_HostAllocator_Allocate_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    assert!(!args.client.is_null() && args.alignment.is_power_of_two());
    args.ptr = match args.size {
        0 | NONE_LEFT => null_mut(),
        FAILS => return something(),
        UNALIGNED => {
            MEMORY.fetch_add(1, Ordering::SeqCst);
            std::ptr::without_provenance_mut(12)
        }
        size => memory(size).cast(),
    };
    null_mut()
}

unsafe extern "C" fn free_old(args: *mut old::PJRT_HostAllocator_Free_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    assert!(!args.client.is_null());
    if args.ptr.addr() == 12 {
        MEMORY.fetch_sub(1, Ordering::SeqCst);
    } else {
        // SAFETY: the memory is this plugin's.
        unsafe { free(args.ptr, something()) };
    }
    null_mut()
}

/// What comes back is what the architecture says.
unsafe extern "C" fn compile(args: *mut triton::PJRT_Triton_Compile_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    // SAFETY: the text is as long as it says.
    let name = unsafe { std::slice::from_raw_parts(args.arch_name.cast(), args.arch_name_size) };
    let (asm, path): (Option<&'static [u8]>, Option<&'static [u8]>) = match name {
        b"9.0" => (Some(b"ptx"), None),
        b"gfx942" => (None, Some(b"/kernel.hsaco")),
        b"both" => (Some(b"ptx"), Some(b"/kernel.hsaco")),
        b"odd" => (Some(b"\xff"), None),
        b"none" => (None, None),
        _ => return something(),
    };
    if let Some(asm) = asm {
        (args.out_asm, args.out_asm_size) = (asm.as_ptr().cast(), asm.len());
    }
    if let Some(path) = path {
        (args.out_path, args.out_path_size) = (path.as_ptr().cast(), path.len());
    }
    args.out_smem_bytes = i64::from(args.num_warps + args.num_ctas * 100 + args.num_stages * 1000);
    null_mut()
}

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> Failure {
    null_mut()
}

unsafe extern "C" fn client(args: *mut sys::PJRT_Client_Create_Args) -> Failure {
    CLIENTS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the crate gives whole args.
    unsafe { (*args).client = something() };
    null_mut()
}

unsafe extern "C" fn destroy_client(_: *mut sys::PJRT_Client_Destroy_Args) -> Failure {
    TOO_EARLY.fetch_or(MEMORY.load(Ordering::SeqCst) != 0, Ordering::SeqCst);
    CLIENTS.fetch_sub(1, Ordering::SeqCst);
    null_mut()
}

fn old_table() -> old::PJRT_HostAllocator_Extension {
    let mut table = old::PJRT_HostAllocator_Extension::zeroed();
    table.base.struct_size = size_of_val(&table);
    table.base.type_ = sys::PJRT_Extension_Type_HostAllocator;
    table.get_preferred_alignment = Some(alignment);
    table.allocate = Some(allocate_old);
    table.free = Some(free_old);
    table
}

fn plugin(mut first: old::PJRT_HostAllocator_Extension) -> Plugin {
    let mut kernels = triton::PJRT_Triton_Extension::zeroed();
    kernels.base.struct_size = size_of_val(&kernels);
    kernels.base.type_ = sys::PJRT_Extension_Type_Triton;
    kernels.compile = Some(compile);
    let mut second = new::PJRT_HostMemoryAllocator_Extension::zeroed();
    second.base.struct_size = size_of_val(&second);
    second.base.type_ = sys::PJRT_Extension_Type_HostMemoryAllocator;
    second.base.next = from_mut(Box::leak(Box::new(kernels))).cast();
    second.allocate = Some(allocate);
    first.base.next = from_mut(Box::leak(Box::new(second))).cast();
    let mut api = sys::PJRT_Api::zeroed();
    api.struct_size = size_of_val(&api);
    api.extension_start = from_mut(Box::leak(Box::new(first))).cast();
    api.pjrt_api_version.minor_version = 113;
    api.PJRT_Plugin_Initialize = Some(initialize);
    api.PJRT_Client_Create = Some(client);
    api.PJRT_Client_Destroy = Some(destroy_client);
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(Box::leak(Box::new(api))) }.unwrap()
}

fn made() -> (Plugin, Client) {
    let plugin = plugin(old_table());
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    (plugin, client)
}

#[track_caller]
fn argument<T: std::fmt::Debug>(result: pjrt::Result<T>, expected: &str) {
    match result.unwrap_err() {
        Error::InvalidArgument { argument, .. } => assert_eq!(argument, expected),
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
fn memory_is_written_kept_and_freed_before_its_client() {
    let _alone = alone();
    let before = alive();
    let (plugin, client) = made();
    let newer: HostMemoryAllocator = plugin.extension().unwrap();
    let older: HostAllocator = plugin.extension().unwrap();
    assert_eq!(older.preferred_alignment(&client).unwrap(), 8);
    let mut first = newer.allocate(&client, 13, Some(1)).unwrap();
    let mut second = older.allocate(&client, 9, 8).unwrap();
    drop(client);
    assert_eq!(alive(), [before[0] + 2, before[1] + 1]);
    first.fill(7).copy_from_slice(&[1; 13]);
    assert_eq!(second.fill(7), [7; 9]);
    assert_eq!((first.len(), second.len()), (13, 9));
    second[8].write(3);
    // Memory goes from thread to thread.
    std::thread::spawn(move || drop(first)).join().unwrap();
    assert_eq!(alive(), [before[0] + 1, before[1] + 1]);
    drop(second);
    assert_eq!(alive(), before);
    assert!(!TOO_EARLY.load(Ordering::SeqCst));
}

#[test]
fn no_bytes_are_no_memory() {
    let _alone = alone();
    let before = alive();
    let (plugin, client) = made();
    let newer: HostMemoryAllocator = plugin.extension().unwrap();
    let older: HostAllocator = plugin.extension().unwrap();
    assert!(newer.allocate(&client, 0, None).unwrap().is_empty());
    assert!(
        older
            .allocate(&client, 0, 1 << 20)
            .unwrap()
            .fill(1)
            .is_empty()
    );
    drop(client);
    assert_eq!(alive(), before);
}

#[test]
fn memory_without_a_function_that_frees_it_stays() {
    let _alone = alone();
    let (plugin, client) = made();
    let newer: HostMemoryAllocator = plugin.extension().unwrap();
    let before = alive();
    let mut memory = newer.allocate(&client, NOT_FREED, None).unwrap();
    memory.fill(1);
    drop(memory);
    assert_eq!(alive()[0], before[0] + 1);
    MEMORY.fetch_sub(1, Ordering::SeqCst);
}

#[test]
fn what_no_allocator_can_give_is_an_error() {
    let _alone = alone();
    let (plugin, client) = made();
    let newer: HostMemoryAllocator = plugin.extension().unwrap();
    let older: HostAllocator = plugin.extension().unwrap();
    let before = alive();
    argument(newer.allocate(&client, usize::MAX, None), "size");
    argument(older.allocate(&client, usize::MAX, 8), "size");
    argument(older.allocate(&client, 8, 0), "alignment");
    argument(older.allocate(&client, 8, 24), "alignment");
    invalid(newer.allocate(&client, NONE_LEFT, None), "ptr");
    invalid(older.allocate(&client, NONE_LEFT, 8), "ptr");
    invalid(older.allocate(&client, UNALIGNED, 8), "ptr");
    assert!(matches!(
        newer.allocate(&client, FAILS, None),
        Err(Error::Plugin(_))
    ));
    assert!(matches!(
        older.allocate(&client, FAILS, 8),
        Err(Error::Plugin(_))
    ));
    assert_eq!(alive(), before);
}

#[test]
fn a_client_of_another_plugin_is_refused() {
    let _alone = alone();
    let (plugin, _client) = made();
    let (_, foreign) = made();
    let newer: HostMemoryAllocator = plugin.extension().unwrap();
    let older: HostAllocator = plugin.extension().unwrap();
    let foreign_of = |error| {
        matches!(
            error,
            Error::ForeignHandle {
                argument: "client",
                ..
            }
        )
    };
    assert!(foreign_of(newer.allocate(&foreign, 1, None).unwrap_err()));
    assert!(foreign_of(older.allocate(&foreign, 1, 1).unwrap_err()));
}

#[test]
fn nothing_is_allocated_that_cannot_be_freed() {
    let _alone = alone();
    let mut short = old_table();
    short.base.struct_size -= size_of::<usize>();
    let plugin = plugin(short);
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    let older: HostAllocator = plugin.extension().unwrap();
    let before = alive();
    let error = older.allocate(&client, 8, 8).unwrap_err();
    assert_eq!(error.function(), Some("PJRT_HostAllocator_Free"));
    assert!(matches!(error, Error::Unimplemented { .. }));
    assert_eq!(alive(), before);
}

#[test]
fn kernels_come_as_code_or_as_a_file() {
    let triton: Triton = plugin(old_table()).extension().unwrap();
    let options = KernelOptions::new()
        .warps(8)
        .blocks_per_cluster(2)
        .stages(4);
    let kernel = triton.compile(b"module {}", "9.0", options).unwrap();
    assert_eq!(kernel.code, KernelCode::Assembler("ptx"));
    assert_eq!(kernel.shared_memory, 4208);
    let kernel = triton
        .compile(b"", "gfx942", KernelOptions::default())
        .unwrap();
    assert_eq!(kernel.code, KernelCode::File("/kernel.hsaco"));
    let compile = |name| triton.compile(b"", name, KernelOptions::default());
    invalid(compile("both"), "out_path");
    invalid(compile("odd"), "out_asm");
    invalid(compile("none"), "out_asm");
    assert!(matches!(compile("other"), Err(Error::Plugin(_))));
}

#[test]
fn numbers_that_the_compiler_does_not_test_are_refused() {
    let triton: Triton = plugin(old_table()).extension().unwrap();
    let compile = |options| triton.compile(b"", "9.0", options);
    let options = KernelOptions::new();
    argument(compile(options.warps(0)), "num_warps");
    argument(compile(options.warps(6)), "num_warps");
    argument(compile(options.warps(1 << 31)), "num_warps");
    argument(compile(options.blocks_per_cluster(0)), "num_ctas");
    argument(compile(options.stages(u32::MAX)), "num_stages");
}

#[test]
fn libtpu_allocates_for_a_client_only() {
    let Some(plugin) = pjrt_tests::plugin("tpu") else {
        return;
    };
    plugin.extension::<HostMemoryAllocator>().unwrap();
    let missing = plugin.extension::<HostAllocator>();
    assert!(matches!(missing, Err(Error::NoExtension { .. })));
    let missing = plugin.extension::<Triton>();
    assert!(matches!(missing, Err(Error::NoExtension { .. })));
}
