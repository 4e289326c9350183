//! What is known of the plugins that handlers were registered with.

use super::xla::Xla;
use super::{Error, state};
use crate::rt::{Api, Sorted};
use crate::sys::ffi_api as c;
use crate::{Result, raw, sys};
use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};

/// A plugin, as a handler sees it.
#[derive(Clone, Copy)]
struct Known {
    /// Address of the plugin's [`Api`].
    plugin: usize,
    state_type: Option<i64>,
}

/// In place of an address: not known yet.
const NO_PLUGIN: usize = 0;
/// The first minor version whose types are described as they are today.
const FIRST_WITH_TYPE_INFO: i32 = 3;

/// By the key of the table that frames name.
static KNOWN: Mutex<Sorted<usize, Known>> = Mutex::new(Sorted::new());
/// By the address of the plugin's [`Api`].
static STATE_TYPES: Mutex<Sorted<usize, i64>> = Mutex::new(Sorted::new());

thread_local! {
    static REGISTRATION: RefCell<Option<Registration>> = const { RefCell::new(None) };
}

/// What a registration learns from the plugin's asking for metadata, which it does during the
/// call.
pub(super) struct Registration {
    plugin: usize,
    state_type: Option<i64>,
    /// The table that was named.
    pub(super) xla: Option<Xla>,
    /// Why the answer was a refusal.
    pub(super) refused: Option<String>,
}

/// Runs a registration and gives what it learned.
pub(super) fn registering<T>(
    api: &'static Api,
    state_type: Option<i64>,
    body: impl FnOnce() -> T,
) -> (T, Registration) {
    let new = || Registration {
        plugin: key(api),
        state_type,
        xla: None,
        refused: None,
    };
    let _ = REGISTRATION.try_with(|slot| slot.replace(Some(new())));
    let result = body();
    let learned = REGISTRATION.try_with(RefCell::take).ok().flatten();
    (result, learned.unwrap_or_else(new))
}

/// Notes the table that asks for metadata.
pub(super) fn asked(xla: Xla, refused: Option<String>) {
    let learned = REGISTRATION.try_with(|slot| {
        let mut slot = slot.try_borrow_mut().ok()?;
        let registration = slot.as_mut()?;
        registration.xla = Some(xla);
        registration.refused = refused;
        Some(Known {
            plugin: registration.plugin,
            state_type: registration.state_type,
        })
    });
    if let Ok(Some(known)) = learned {
        let mut table = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let mut entry = table.get(&xla.key()).copied().unwrap_or(known);
        entry.state_type = entry.state_type.or(known.state_type);
        if entry.plugin == NO_PLUGIN {
            entry.plugin = known.plugin;
        }
        table.insert(xla.key(), entry);
    }
}

/// The id of the type of states.
pub(super) fn state_type(xla: &Xla) -> Option<i64> {
    let table = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    table.get(&xla.key())?.state_type
}

/// Whether a table belongs to a plugin.
pub(super) fn belongs(xla: &Xla, api: &'static Api) -> bool {
    let table = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    table.get(&xla.key()).is_some_and(|k| k.plugin == key(api))
}

pub(super) fn key(api: &'static Api) -> usize {
    std::ptr::from_ref(api).addr()
}

/// Registers the type of states with a plugin, once.
pub(super) fn register_state_type(api: &'static Api) -> Result<i64> {
    let mut types = STATE_TYPES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(id) = types.get(&key(api)) {
        return Ok(*id);
    }
    let id = register_type(api, &state_type_name(), Some(state::delete))?;
    types.insert(key(api), id);
    Ok(id)
}

/// Another copy of this crate in the process has states of its own.
fn state_type_name() -> String {
    format!("xla-pjrt.state.{:x}", (&raw const STATE_TYPES).addr())
}

/// The id of the type of states, which is registered through XLA's own table where the plugin has
/// no extension for that.
pub(super) fn state_type_for_metadata(xla: &Xla) -> std::result::Result<i64, Error> {
    const FUNCTION: &str = "XLA_FFI_Type_Register";
    if let Some(id) = state_type(xla) {
        return Ok(id);
    }
    if xla.version.1 < FIRST_WITH_TYPE_INFO {
        return Err(xla.absent("XLA_FFI_TypeInfo.struct_size"));
    }
    let function = xla.slot(FUNCTION, |api: &c::XLA_FFI_Api| api.XLA_FFI_Type_Register)?;
    let name = state_type_name();
    let mut type_id = c::XLA_FFI_TypeId { type_id: 0 };
    let mut info = c::XLA_FFI_TypeInfo::zeroed();
    info.struct_size = c::XLA_FFI_TypeInfo_STRUCT_SIZE;
    info.deleter = Some(state::delete);
    let mut args = c::XLA_FFI_Type_Register_Args::zeroed();
    // The constant leaves the last field out, which plugins read.
    args.struct_size = size_of::<c::XLA_FFI_Type_Register_Args>();
    args.name = c::XLA_FFI_ByteSpan {
        ptr: name.as_ptr().cast(),
        len: name.len(),
    };
    args.type_id = &raw mut type_id;
    args.type_info = &raw const info;
    // SAFETY: name, place and functions live through the call, which copies them; the struct is
    // that of the version, whole.
    unsafe {
        let error = function(&raw mut args);
        xla.check(error, FUNCTION)?;
    }
    let mut table = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut entry = table.get(&xla.key()).copied().unwrap_or(Known {
        plugin: NO_PLUGIN,
        state_type: None,
    });
    let id = *entry.state_type.get_or_insert(type_id.type_id);
    table.insert(xla.key(), entry);
    Ok(id)
}

/// Registers a type and gives the id that the plugin chose.
pub(super) fn register_type(
    api: &'static Api,
    name: &str,
    deleter: Option<unsafe extern "C" fn(*mut std::ffi::c_void)>,
) -> Result<i64> {
    let table = api.extension::<raw::ffi::Table>()?;
    let mut info = sys::ffi::PJRT_FFI_Type_Info::zeroed();
    info.deleter = deleter;
    let input =
        raw::ffi::FfiTypeRegisterIn::new(name.as_ptr().cast(), name.len(), 0, &raw mut info);
    // SAFETY: name and info live through the call, which copies them.
    Ok(unsafe { raw::ffi::ffi_type_register(table, input) }?.type_id)
}

/// Lets tests have a plugin that does not exist.
#[cfg(test)]
pub(super) fn pretend(table: &crate::sys::ffi_api::XLA_FFI_Api, state_type: i64) {
    let known = Known {
        plugin: NO_PLUGIN,
        state_type: Some(state_type),
    };
    let mut known_tables = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known_tables.insert(std::ptr::from_ref(table).addr(), known);
}
