//! Callbacks for what befalls a client.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::event::Sent;
use crate::failure::Failure;
use crate::memory_of::text;
use pjrt_sys::callback as sys;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Register_Callback", register);
    all.add("PJRT_Callback_InvokeCallback", invoke);
}

fn register(call: &Call, args: &mut sys::PJRT_Callback_RegisterCallback_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let callback = args
        .callback
        .ok_or_else(|| Failure::invalid("no callback"))?;
    let user = Sent::new(args.user_arg);
    client.listen(
        args.type_.0.into(),
        Box::new(move |told| {
            // SAFETY: the callback is the caller's, and stays as long as the client.
            unsafe { callback(told.get(), user.get()) };
        }),
    );
    Ok(())
}

fn invoke(call: &Call, args: &mut sys::PJRT_Callback_InvokeCallback_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    if client.tell(args.type_.0.into(), args.args) == 0 {
        let code = pjrt_sys::PJRT_Error_Code_NOT_FOUND;
        return Err(Failure::new(code, "nobody listens"));
    }
    Ok(())
}

/// Tells those who listen of an error that ends something.
pub(crate) fn prefatal(call: &Call, client: &Client, failure: &Failure) {
    if call
        .era()
        .layout::<sys::PJRT_Callback_PrefatalArgs>()
        .is_none()
    {
        return;
    }
    let mut args = sys::PJRT_Callback_PrefatalArgs::zeroed();
    args.error_code = pjrt_sys::PJRT_Error_Code(failure.code);
    (args.error_message, args.error_message_size) = text(&failure.message);
    let kind = sys::PJRT_Callback_Type_Prefatal.0.into();
    call.calling(&mut args, |args| client.tell(kind, args.cast()));
}
