//! Registering handlers with plugins.

use super::extension::heeds_traits;
use super::handler::Entry;
use super::known::{self, Registration};
use super::trampoline::{self, CAPACITY};
use super::{Stage, gate};
use crate::rt::{Api, OnPlugin, Sorted};
use crate::sys::ffi_api as c;
use crate::{Error, Plugin, Result, raw, sys};
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

const FUNCTION: &str = "PJRT_FFI_Register_Handler";
/// The first minor version of XLA FFI all of whose plugins know the stage that records.
const FIRST_WITH_RECORD: i32 = 4;
/// Typed, for `PJRT_Gpu_Register_Custom_Call`.
const TYPED: i32 = 1;

type Function = unsafe extern "C" fn(*mut c::XLA_FFI_CallFrame) -> *mut c::XLA_FFI_Error;

/// Plugin, name and platform.
type Key = (usize, String, String);

/// The handlers that are registered: the number of their function.
static REGISTERED: Mutex<Sorted<Key, usize>> = Mutex::new(Sorted::new());

fn refused(argument: &'static str, problem: String) -> Error {
    Error::InvalidArgument {
        function: FUNCTION,
        argument,
        problem,
    }
}

/// XLA compares platforms without case, and calls the host by two names.
fn canonical(platform: &str) -> String {
    match platform.to_ascii_lowercase().as_str() {
        "cpu" => "host".to_owned(),
        other => other.to_owned(),
    }
}

pub(super) fn register(entry: &Arc<Entry>, plugin: &Plugin) -> Result<()> {
    if entry.name.is_empty() {
        return Err(refused("target_name", "a handler needs a name".to_owned()));
    }
    gate::registering(FUNCTION, || register_alone(entry, OnPlugin::api(plugin)))
}

/// Registers, while nobody else registers or compiles.
fn register_alone(entry: &Arc<Entry>, api: &'static Api) -> Result<()> {
    let platform = canonical(&entry.platform);
    let key = (known::key(api), entry.name.clone(), platform);
    let mut registered = REGISTERED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(number) = registered.get(&key) {
        if entry.trampoline.get() == Some(number) {
            return Ok(());
        }
        let problem = format!(
            "`{}` is registered already for the platform {}; a handler cannot be replaced",
            entry.name, entry.platform
        );
        return Err(refused("target_name", problem));
    }
    // Looked for before a function is spent on it.
    let gpu = api.extension::<raw::gpu::Table>();
    let table = api.extension::<raw::ffi::Table>();
    // The extension FFI takes one stage, and old ones none.
    let takes = |t: &&crate::rt::Table<raw::ffi::Table>| t.table().0.register_handler.is_some();
    let by_ffi = entry.only_executes() && table.as_ref().is_ok_and(takes);
    // The other one takes no stage that records.
    let by_gpu = !by_ffi && gpu.is_ok() && key.2 != "host" && !entry.has(Stage::RECORD);
    if !by_gpu {
        table.as_ref().map_err(|_| no_extension(api))?;
    }
    let state_type = match entry.has(Stage::INSTANTIATE) {
        // Without the extension the type is registered when the plugin asks for its id.
        true if table.is_ok() => Some(known::register_state_type(api)?),
        _ => None,
    };
    let function = trampoline::function(entry).ok_or_else(|| {
        let problem = format!("the process has {CAPACITY} handlers already, which is all it can");
        refused("handler", problem)
    })?;
    match (by_gpu, gpu, table) {
        (true, Ok(gpu), _) => {
            let (done, learned) =
                known::registering(api, state_type, || register_by_gpu(gpu, entry, function));
            done?;
            check(&learned)?;
        }
        (_, _, Ok(table)) => {
            let (named, spoken) = match entry.only_executes() {
                true => (entry.name.as_str(), function),
                // The extension knows one stage only. XLA's own table knows all, and is learned
                // from a registration that is refused.
                false => ("xla-pjrt.probe", trampoline::probe as Function),
            };
            let (done, learned) = known::registering(api, state_type, || {
                register_by_ffi(table, named, &entry.platform, spoken, bits(entry))
            });
            check(&learned)?;
            // The refusal of the probe is no fault; but a plugin that did not even ask it is.
            if entry.only_executes() || learned.xla.is_none() {
                done?;
            }
            register_by_xla(&learned, entry, function)?;
        }
        (_, _, Err(error)) => return Err(error),
    }
    if let Some(number) = entry.trampoline.get() {
        registered.insert(key, *number);
    }
    Ok(())
}

fn no_extension(api: &'static Api) -> Error {
    match api.extension::<raw::ffi::Table>() {
        Err(error) => error,
        Ok(_) => refused("handler", "the plugin takes no handlers".to_owned()),
    }
}

/// The plugin does not tell that it refused a handler for its answer; the handler knows.
fn check(learned: &Registration) -> Result<()> {
    match &learned.refused {
        Some(problem) => Err(refused("handler", problem.clone())),
        None => Ok(()),
    }
}

/// A handler's traits, as the extension FFI counts them.
fn bits(entry: &Entry) -> sys::ffi::PJRT_FFI_Handler_TraitsBits {
    let none = sys::ffi::PJRT_FFI_Handler_TraitsBits(0);
    if entry.traits & c::XLA_FFI_HANDLER_TRAITS_COMMAND_BUFFER_COMPATIBLE.0 == 0 {
        return none;
    }
    sys::ffi::PJRT_FFI_HANDLER_TRAITS_COMMAND_BUFFER_COMPATIBLE
}

fn register_by_ffi(
    table: &crate::rt::Table<raw::ffi::Table>,
    name: &str,
    platform: &str,
    function: Function,
    traits: sys::ffi::PJRT_FFI_Handler_TraitsBits,
) -> Result<()> {
    let input = raw::ffi::FfiRegisterHandlerIn::new(
        name.as_ptr().cast(),
        name.len(),
        function as *mut c_void,
        platform.as_ptr().cast(),
        platform.len(),
        // The function tells them itself, too, when it is asked what it is.
        traits,
    );
    // SAFETY: name and platform live through the call, which copies them; the function lives as
    // long as the process and takes what a handler is given.
    unsafe { raw::ffi::ffi_register_handler(table, input) }?;
    Ok(())
}

fn register_by_gpu(
    table: &crate::rt::Table<raw::gpu::Table>,
    entry: &Entry,
    function: Function,
) -> Result<()> {
    // One function serves all stages: the frame says which it is.
    let stage = |stage| match entry.has(stage) {
        true => function as *mut c_void,
        false => std::ptr::null_mut(),
    };
    let input = raw::gpu::GpuRegisterCustomCallIn::new(
        entry.name.as_ptr().cast(),
        entry.name.len(),
        TYPED,
        stage(Stage::INSTANTIATE),
        stage(Stage::PREPARE),
        stage(Stage::INITIALIZE),
        stage(Stage::EXECUTE),
    )
    // For a plugin that is too old for the field, nothing.
    .with_traits(if heeds_traits(table) { entry.traits } else { 0 });
    // SAFETY: as in `register_by_ffi`.
    unsafe { raw::gpu::gpu_register_custom_call(table, input) }?;
    Ok(())
}

/// Registers through XLA's own table, which takes all stages and tells what went wrong: the
/// extension does not. What is registered already is registered again, which is no error if it is
/// the same.
fn register_by_xla(learned: &Registration, entry: &Entry, function: Function) -> Result<()> {
    let absent = || {
        let problem = "the plugin did not ask the handler what it is, so its stages other than the execution cannot be registered";
        refused("handler", problem.to_owned())
    };
    let xla = match &learned.xla {
        Some(xla) => xla,
        None if entry.only_executes() => return Ok(()),
        None => return Err(absent()),
    };
    let register = match xla.slot("XLA_FFI_Handler_Register", |api: &c::XLA_FFI_Api| {
        api.XLA_FFI_Handler_Register
    }) {
        Ok(register) => register,
        Err(_) if entry.only_executes() => return Ok(()),
        Err(error) => return Err(refused("handler", error.message().to_owned())),
    };
    let span = |text: &str| c::XLA_FFI_ByteSpan {
        ptr: text.as_ptr().cast(),
        len: text.len(),
    };
    let stage = |stage| entry.has(stage).then_some(function);
    let mut args = c::XLA_FFI_Handler_Register_Args::zeroed();
    args.struct_size = c::XLA_FFI_Handler_Register_Args_STRUCT_SIZE;
    args.name = span(&entry.name);
    args.platform = span(&entry.platform);
    // A bundle was once shorter by its last entry, and traits followed: for old plugins both stay
    // zero, so that each version reads the same. The function tells its traits itself, too.
    if xla.version.1 >= FIRST_WITH_RECORD {
        args.bundle.record = stage(Stage::RECORD);
        args.traits = entry.traits;
    } else if entry.has(Stage::RECORD) {
        let (major, minor) = xla.version;
        let problem = format!(
            "the plugin has XLA FFI {major}.{minor}, and handlers that record need 0.{FIRST_WITH_RECORD}"
        );
        return Err(refused("handler", problem));
    }
    args.bundle.instantiate = stage(Stage::INSTANTIATE);
    args.bundle.prepare = stage(Stage::PREPARE);
    args.bundle.initialize = stage(Stage::INITIALIZE);
    args.bundle.execute = Some(function);
    // SAFETY: as in `register_by_ffi`; the struct is whole.
    let done = unsafe {
        let error = register(&raw mut args);
        xla.check(error, "XLA_FFI_Handler_Register")
    };
    done.map_err(|error| refused("handler", error.message().to_owned()))
}
