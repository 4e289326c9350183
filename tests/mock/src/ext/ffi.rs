//! Types, user data and handlers of custom calls.

use super::custom_call::{self, Handlers};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::execute::Context;
use crate::failure::Failure;
use crate::memory_of::string;
use pjrt_sys::ffi as sys;
use pjrt_sys::ffi_api::XLA_FFI_Handler;
use std::ffi::c_void;

/// Ends user data.
pub(crate) type Deleter = unsafe extern "C" fn(*mut c_void);

/// A type of user data.
#[derive(Clone, Copy)]
pub(crate) struct UserType {
    pub(crate) deleter: Option<Deleter>,
}

/// What a plugin was told of custom calls.
#[derive(Default)]
pub(crate) struct Registered {
    /// Types by number, less one, with their names.
    types: Vec<(String, UserType)>,
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_FFI_Type_Register", register_type);
    all.add("PJRT_FFI_UserData_Add", add_user_data);
    all.add("PJRT_FFI_Register_Handler", register_handler);
}

fn register_type(call: &Call, args: &mut sys::PJRT_FFI_Type_Register_Args) -> Outcome {
    let name = string(args.type_name, args.type_name_size)?;
    let deleter = match args.type_info.is_null() {
        true => None,
        // SAFETY: the caller's struct, read during the call; it carries no size.
        false => unsafe { (*args.type_info).deleter },
    };
    args.type_id = add_type(call, name, UserType { deleter }, args.type_id)?;
    Ok(())
}

fn add_user_data(call: &Call, args: &mut sys::PJRT_FFI_UserData_Add_Args) -> Outcome {
    let context = call.get::<Context>(args.context)?;
    let id = args.user_data.type_id;
    let deleter = deleter_of(call, id);
    match context.add(id, args.user_data.data, deleter) {
        true => Ok(()),
        false => {
            let code = pjrt_sys::PJRT_Error_Code_ALREADY_EXISTS;
            Err(Failure::new(
                code,
                format!("the context has data of type {id}"),
            ))
        }
    }
}

fn register_handler(call: &Call, args: &mut sys::PJRT_FFI_Register_Handler_Args) -> Outcome {
    let target = string(args.target_name, args.target_name_size)?;
    let platform = string(args.platform_name, args.platform_name_size)?;
    if args.handler.is_null() {
        return Err(call.violation("no handler".to_owned()));
    }
    // SAFETY: this is what handlers are, and the caller's word for it.
    let execute = unsafe { std::mem::transmute::<*mut c_void, XLA_FFI_Handler>(args.handler) };
    let handlers = Handlers {
        execute,
        ..Handlers::default()
    };
    custom_call::register(call, target, platform, handlers)
}

/// Adds a type; a number that is asked for must be the next one.
pub(crate) fn add_type(
    call: &Call,
    name: String,
    user: UserType,
    asked: i64,
) -> Result<i64, Failure> {
    let mut registered = call.inner.registered();
    if registered.types.iter().any(|(other, _)| *other == name) {
        let code = pjrt_sys::PJRT_Error_Code_ALREADY_EXISTS;
        return Err(Failure::new(code, format!("there is a type `{name}`")));
    }
    let number = i64::try_from(registered.types.len() + 1).unwrap_or(i64::MAX);
    if asked != 0 && asked != number {
        return Err(Failure::invalid(format!("the next type is {number}")));
    }
    registered.types.push((name, user));
    Ok(number)
}

/// What ends data of a type.
pub(crate) fn deleter_of(call: &Call, kind: i64) -> Option<Deleter> {
    let index = usize::try_from(kind).ok()?.checked_sub(1)?;
    let registered = call.inner.registered();
    registered.types.get(index)?.1.deleter
}
