//! Types, user data and handlers of custom calls. Handlers are kept and never called.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::execute::Context;
use crate::failure::Failure;
use crate::memory_of::string;
use pjrt_sys::ffi as sys;
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
    /// Handlers: target and platform.
    handlers: Vec<(String, String)>,
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
    let mut registered = call.inner.registered();
    if registered.types.iter().any(|(other, _)| *other == name) {
        let code = pjrt_sys::PJRT_Error_Code_ALREADY_EXISTS;
        return Err(Failure::new(code, format!("there is a type `{name}`")));
    }
    let number = i64::try_from(registered.types.len() + 1).unwrap_or(i64::MAX);
    if args.type_id != 0 && args.type_id != number {
        return Err(Failure::invalid(format!("the next type is {number}")));
    }
    registered.types.push((name, UserType { deleter }));
    args.type_id = number;
    Ok(())
}

fn add_user_data(call: &Call, args: &mut sys::PJRT_FFI_UserData_Add_Args) -> Outcome {
    let context = call.get::<Context>(args.context)?;
    let id = args.user_data.type_id;
    let registered = call.inner.registered();
    let index = usize::try_from(id).ok().and_then(|id| id.checked_sub(1));
    let known = index.and_then(|index| registered.types.get(index));
    let deleter = known.and_then(|(_, user)| user.deleter);
    drop(registered);
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
    let mut registered = call.inner.registered();
    let entry = (target, platform);
    if registered.handlers.contains(&entry) {
        let code = pjrt_sys::PJRT_Error_Code_ALREADY_EXISTS;
        return Err(Failure::new(
            code,
            format!("there is a handler of `{}`", entry.0),
        ));
    }
    registered.handlers.push(entry);
    Ok(())
}
