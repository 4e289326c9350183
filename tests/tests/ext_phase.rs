//! Compiling in phases: the names of libtpu's, the CPU plugin without a compiler, and a plugin made
//! up here that counts what it allocates and answers with nonsense.

use pjrt::phase_compile::{PhaseCompile, PhaseCompiler};
use pjrt::sys::phase_compile as phase;
use pjrt::{CompileOptions, Error, Plugin, TopologyDescription, sys};
use pjrt_tests::tpu;
use std::ffi::{CStr, c_char};
use std::ptr::{from_mut, null_mut};
use std::sync::atomic::{AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Compilers that live, and arrays that were not given back.
static COMPILERS: AtomicIsize = AtomicIsize::new(0);
static ARRAYS: AtomicIsize = AtomicIsize::new(0);
/// What the plugin answers with.
static MODE: AtomicUsize = AtomicUsize::new(GOOD);
const GOOD: usize = 0;
const NOT_UTF8: usize = 1;
const NULL: usize = 2;
const ABSURD: usize = 3;
const NOTHING: usize = 4;
const FAILS: usize = 5;
/// The counts and the mode are of one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

fn alone(mode: usize) -> MutexGuard<'static, ()> {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    MODE.store(mode, Ordering::SeqCst);
    alone
}

fn alive() -> [isize; 2] {
    [&COMPILERS, &ARRAYS].map(|count| count.load(Ordering::SeqCst))
}

type Failure = *mut sys::PJRT_Error;

/// An object or error is a pointer to nothing in particular.
fn something<T>() -> *mut T {
    static BYTE: u8 = 0;
    std::ptr::from_ref(&BYTE).cast_mut().cast()
}

unsafe extern "C" fn get_compiler(
    args: *mut phase::PJRT_PhaseCompile_Get_Compiler_Args,
) -> Failure {
    if MODE.load(Ordering::SeqCst) == NULL {
        return null_mut();
    }
    COMPILERS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the crate gives whole args.
    unsafe { (*args).phase_compiler = something() };
    null_mut()
}

unsafe extern "C" fn destroy_compiler(_: *mut phase::PJRT_PhaseCompile_Destroy_Compiler_Args) {
    COMPILERS.fetch_sub(1, Ordering::SeqCst);
}

/// Arrays as the mode says: where they are, and how many items they say they have.
fn arrays(items: &[&[u8]]) -> (*mut *const c_char, *const usize, usize) {
    let mode = MODE.load(Ordering::SeqCst);
    match mode {
        NULL => return (null_mut(), something::<usize>(), 2),
        NOTHING => return (null_mut(), null_mut(), 0),
        _ => {}
    }
    let sizes: Vec<usize> = items.iter().map(|item| item.len()).collect();
    let items: Vec<*const c_char> = items
        .iter()
        .map(|item| Box::leak(item.to_vec().into_boxed_slice()).as_ptr().cast())
        .collect();
    let count = items.len();
    ARRAYS.fetch_add(1, Ordering::SeqCst);
    let items = Box::leak(items.into_boxed_slice()).as_mut_ptr();
    let sizes = Box::leak(sizes.into_boxed_slice()).as_ptr();
    let count = if mode == ABSURD { usize::MAX } else { count };
    (items, sizes, count)
}

unsafe extern "C" fn get_names(args: *mut phase::PJRT_PhaseCompile_Get_PhaseNames_Args) -> Failure {
    let last: &[u8] = match MODE.load(Ordering::SeqCst) {
        FAILS => return something(),
        NOT_UTF8 => b"\xff",
        _ => b"link",
    };
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    (
        args.phase_names,
        args.phase_names_sizes,
        args.num_phase_names,
    ) = arrays(&[b"lower", last]);
    null_mut()
}

/// Gives the programs back, each behind the names of the phases.
unsafe extern "C" fn run(args: *mut phase::PJRT_PhaseCompile_Run_Phase_Args) -> Failure {
    if MODE.load(Ordering::SeqCst) == FAILS {
        return something();
    }
    // SAFETY: the crate gives whole args.
    let args = unsafe { &mut *args };
    let mut phases = Vec::new();
    for index in 0..args.num_phases_to_run {
        // SAFETY: the arrays are as long as they say, and names end with a zero.
        let name = unsafe { CStr::from_ptr(*args.phases_to_run.add(index)) }.to_bytes();
        // SAFETY: as above.
        assert_eq!(name.len(), unsafe { *args.phases_to_run_sizes.add(index) });
        phases.extend_from_slice(name);
    }
    let mut programs = Vec::new();
    for index in 0..args.num_input_programs {
        // SAFETY: as above.
        let program = unsafe {
            let size = *args.input_programs_sizes.add(index);
            std::slice::from_raw_parts((*args.input_programs.add(index)).cast::<u8>(), size)
        };
        programs.push([&phases, program].concat());
    }
    assert!(args.compile_options_size > 0 && !args.topology.is_null());
    let programs: Vec<&[u8]> = programs.iter().map(Vec::as_slice).collect();
    (
        args.output_programs,
        args.output_programs_sizes,
        args.num_output_programs,
    ) = arrays(&programs);
    null_mut()
}

unsafe extern "C" fn free(args: *mut phase::PJRT_PhaseCompile_C_Buffers_Destroy_Args) {
    // SAFETY: the crate gives whole args.
    let args = unsafe { &*args };
    if args.char_buffers.is_null() {
        return;
    }
    for index in 0..args.num_char_buffers {
        // SAFETY: these are the boxes that `arrays` leaked, with their own lengths.
        unsafe {
            let size = *args.char_buffer_sizes.add(index);
            let item = (*args.char_buffers.add(index)).cast_mut().cast::<u8>();
            drop(Box::from_raw(std::ptr::slice_from_raw_parts_mut(
                item, size,
            )));
        }
    }
    ARRAYS.fetch_sub(1, Ordering::SeqCst);
}

unsafe extern "C" fn initialize(_: *mut sys::PJRT_Plugin_Initialize_Args) -> Failure {
    null_mut()
}

unsafe extern "C" fn topology(args: *mut sys::PJRT_TopologyDescription_Create_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe { (*args).topology = something() };
    null_mut()
}

unsafe extern "C" fn destroy_topology(
    _: *mut sys::PJRT_TopologyDescription_Destroy_Args,
) -> Failure {
    null_mut()
}

fn table() -> phase::PJRT_PhaseCompile_Extension {
    let mut table = phase::PJRT_PhaseCompile_Extension::zeroed();
    table.base.struct_size = size_of_val(&table);
    table.base.type_ = sys::PJRT_Extension_Type_PhaseCompile;
    table.phase_compile_get_compiler = Some(get_compiler);
    table.phase_compile_destroy_compiler = Some(destroy_compiler);
    table.phase_compile_get_phase_names = Some(get_names);
    table.phase_compile_run_phases = Some(run);
    table.phase_compile_c_buffers_destroy = Some(free);
    table
}

fn plugin(table: phase::PJRT_PhaseCompile_Extension) -> Plugin {
    let mut api = sys::PJRT_Api::zeroed();
    api.struct_size = size_of_val(&api);
    api.extension_start = from_mut(Box::leak(Box::new(table))).cast();
    api.pjrt_api_version.minor_version = sys::PJRT_API_MINOR as i32;
    api.PJRT_Plugin_Initialize = Some(initialize);
    api.PJRT_TopologyDescription_Create = Some(topology);
    api.PJRT_TopologyDescription_Destroy = Some(destroy_topology);
    // SAFETY: the table is whole, its functions are of the slots' types, and it is never freed.
    unsafe { Plugin::from_api(Box::leak(Box::new(api))) }.unwrap()
}

fn made(plugin: &Plugin) -> (PhaseCompiler, TopologyDescription) {
    let compiler = plugin.extension::<PhaseCompile>().unwrap().compiler();
    (
        compiler.unwrap(),
        plugin.create_topology("any", &[]).unwrap(),
    )
}

/// Runs two phases on two programs.
fn run_both(
    compiler: &PhaseCompiler,
    topology: &TopologyDescription,
) -> pjrt::Result<Vec<Vec<u8>>> {
    compiler.run(&["a", "b"], &[b"1", b""], &CompileOptions::new(), topology)
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
fn libtpu_names_its_phases() {
    let Some(plugin) = pjrt_tests::plugin("tpu") else {
        return;
    };
    let compiler = plugin.extension::<PhaseCompile>().unwrap().compiler();
    let compiler = compiler.unwrap();
    let names = compiler.names().unwrap();
    assert!(
        names.iter().any(|name| name == "phase1_hlo_opts"),
        "{names:?}"
    );
    assert_eq!(names, compiler.names().unwrap());
}

#[test]
fn libtpu_refuses_what_it_cannot_run() {
    let (Some(plugin), Some(topology)) = (pjrt_tests::plugin("tpu"), tpu::topology("v5e:2x2"))
    else {
        return;
    };
    let compiler = plugin.extension::<PhaseCompile>().unwrap().compiler();
    let compiler = compiler.unwrap();
    let options = CompileOptions::new();
    let odd = compiler.run(
        &["phase1_hlo_opts"],
        &[b"\xff no message"],
        &options,
        &topology,
    );
    assert!(matches!(odd, Err(Error::Plugin(_))), "{odd:?}");
    let unknown = compiler.run(&["no such phase"], &[b""], &options, &topology);
    assert!(matches!(unknown, Err(Error::Plugin(_))), "{unknown:?}");
}

#[test]
fn the_cpu_plugin_has_the_extension_and_no_compiler() {
    let Some(plugin) = pjrt_tests::plugin("cpu") else {
        return;
    };
    let phases: PhaseCompile = plugin.extension().unwrap();
    absent(phases.compiler(), "PJRT_PhaseCompile_Destroy_Compiler");
}

#[test]
fn names_and_programs_are_copied_and_given_back() {
    let _alone = alone(GOOD);
    let before = alive();
    let (compiler, topology) = made(&plugin(table()));
    assert_eq!(compiler.names().unwrap(), ["lower", "link"]);
    let programs = run_both(&compiler, &topology).unwrap();
    assert_eq!(programs, [&b"ab1"[..], b"ab"]);
    let none = compiler.run(&[], &[], &CompileOptions::new(), &topology);
    assert!(none.unwrap().is_empty());
    assert_eq!(alive(), [before[0] + 1, before[1]]);
    drop(compiler);
    assert_eq!(alive(), before);
}

#[test]
fn names_that_are_not_text_are_refused_and_given_back() {
    let _alone = alone(NOT_UTF8);
    let (compiler, _) = made(&plugin(table()));
    let before = alive();
    invalid(compiler.names(), "phase_names");
    assert_eq!(alive(), before);
}

#[test]
fn arrays_that_cannot_be_are_refused_and_left_alone() {
    let _alone = alone(GOOD);
    let plugin = plugin(table());
    let (compiler, topology) = made(&plugin);
    MODE.store(NULL, Ordering::SeqCst);
    invalid(compiler.names(), "phase_names");
    invalid(run_both(&compiler, &topology), "output_programs");
    let phases: PhaseCompile = plugin.extension().unwrap();
    invalid(phases.compiler(), "phase_compiler");
    MODE.store(ABSURD, Ordering::SeqCst);
    let before = alive();
    invalid(compiler.names(), "phase_names");
    invalid(run_both(&compiler, &topology), "output_programs");
    assert_eq!(alive(), [before[0], before[1] + 2]);
    MODE.store(NOTHING, Ordering::SeqCst);
    assert!(compiler.names().unwrap().is_empty());
    assert!(run_both(&compiler, &topology).unwrap().is_empty());
}

#[test]
fn a_failure_gives_nothing_to_free() {
    let _alone = alone(GOOD);
    let (compiler, topology) = made(&plugin(table()));
    let before = alive();
    MODE.store(FAILS, Ordering::SeqCst);
    assert!(matches!(compiler.names(), Err(Error::Plugin(_))));
    assert!(matches!(
        run_both(&compiler, &topology),
        Err(Error::Plugin(_))
    ));
    assert_eq!(alive(), before);
}

#[test]
fn what_cannot_be_sent_is_refused_before_the_call() {
    let _alone = alone(GOOD);
    let (compiler, topology) = made(&plugin(table()));
    let (_, foreign) = made(&plugin(table()));
    let options = CompileOptions::new();
    let ended = compiler.run(&["a\0b"], &[], &options, &topology);
    assert!(matches!(
        ended,
        Err(Error::InvalidArgument {
            argument: "phases_to_run",
            ..
        })
    ));
    let other = compiler.run(&["a"], &[], &options, &foreign);
    assert!(matches!(
        other,
        Err(Error::ForeignHandle {
            argument: "topology",
            ..
        })
    ));
}

#[test]
fn without_the_function_that_frees_nothing_is_asked_for() {
    let _alone = alone(GOOD);
    let mut short = table();
    // The slot came later than the others.
    short.base.struct_size -= size_of::<usize>();
    let (compiler, topology) = made(&plugin(short));
    absent(compiler.names(), "PJRT_PhaseCompile_C_Buffers_Destroy");
    absent(
        run_both(&compiler, &topology),
        "PJRT_PhaseCompile_C_Buffers_Destroy",
    );
}
