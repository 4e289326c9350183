//! The example of an extension: an object that counts.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use pjrt_sys::example as sys;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What it was given, in sum.
#[derive(Default)]
struct Example(AtomicI64);

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Example_Extension_example_method", method);
    all.add("PJRT_Example_Extension_create", create);
    all.add("PJRT_Example_Extension_destroy", destroy);
}

fn method(call: &Call, args: &mut sys::PJRT_ExampleExtension_ExampleMethod_Args) -> Outcome {
    let example = call.get::<Example>(args.extension_cpp)?;
    if args.value < 0 {
        return Err(Failure::invalid("less than nothing"));
    }
    example.0.fetch_add(args.value, Ordering::SeqCst);
    Ok(())
}

fn create(
    call: &Call,
    args: &mut sys::PJRT_ExampleExtension_CreateExampleExtensionCpp_Args,
) -> Outcome {
    args.extension_cpp = call.give(Arc::new(Example::default()));
    Ok(())
}

fn destroy(
    call: &Call,
    args: &mut sys::PJRT_ExampleExtension_DestroyExampleExtensionCpp_Args,
) -> Outcome {
    call.destroy::<Example>(args.extension_cpp).map(drop)
}
