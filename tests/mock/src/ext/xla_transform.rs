//! Transforms of programs: every program that is compiled goes through them. A trace is the program
//! with a word before it.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::event::Sent;
use crate::failure::Failure;
use crate::memory_of::{bytes, string, text};
use crate::mock::Inner;
use pjrt_sys::xla_transform as sys;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Callbacks = *mut sys::PJRT_XlaTransform_Callbacks;

/// A transform: its name, which may be empty, its stage and its callbacks.
#[derive(Clone)]
struct Transform {
    name: String,
    stage: sys::PJRT_XlaTransform_PipelineStage,
    callbacks: Sent<Callbacks>,
}

/// The transforms of a plugin, in the order of their registration.
#[derive(Default)]
struct Transforms(Mutex<Vec<Transform>>);

impl Transforms {
    fn lock(&self) -> MutexGuard<'_, Vec<Transform>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The version of the callbacks.
const VERSION: i64 = 1;

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Register_Xla_Transform_Fn", register);
    all.add("PJRT_Clear_Xla_Transform_Fn", clear);
    all.add("PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Fn", trace);
    all.add(
        "PJRT_Xla_Transform_Destroy_Hlo_Pass_Pipeline_Trace_Fn",
        destroy_trace,
    );
}

/// Ends callbacks.
fn end(callbacks: Callbacks) {
    // SAFETY: the callbacks are the caller's, and there until they are ended.
    if let Some(dtor) = unsafe { (*callbacks).dtor } {
        // SAFETY: as above; nothing uses them after this.
        unsafe { dtor(callbacks) };
    }
}

fn register(call: &Call, args: &mut sys::PJRT_Register_Xla_Transform_Args) -> Outcome {
    let name = string(args.name, args.name_size)?;
    if args.callbacks.is_null() {
        return Err(call.violation("no callbacks".to_owned()));
    }
    let refused = call.known("PJRT_XlaTransform_PipelineStage", args.stage.0.into());
    // SAFETY: the caller's struct, there until it is ended.
    let version = unsafe { (*args.callbacks).version };
    let refused = refused.err().or_else(|| {
        (version != VERSION)
            .then(|| Failure::unimplemented(format!("no callbacks of version {version}")))
    });
    if let Some(failure) = refused {
        end(args.callbacks);
        return Err(failure);
    }
    let transforms = call.inner.state::<Transforms>();
    transforms.lock().push(Transform {
        name,
        stage: args.stage,
        callbacks: Sent::new(args.callbacks),
    });
    Ok(())
}

fn clear(call: &Call, args: &mut sys::PJRT_Clear_Xla_Transform_Args) -> Outcome {
    let name = string(args.name, args.name_size)?;
    let transforms = call.inner.state::<Transforms>();
    let mut all = transforms.lock();
    let found = all.iter().position(|transform| {
        let same = match name.is_empty() {
            true => transform.callbacks.get() == args.callbacks,
            false => transform.name == name,
        };
        same && transform.stage == args.stage
    });
    let found = found.map(|index| all.remove(index));
    drop(all);
    args.cleared = found.is_some();
    if let Some(transform) = found {
        end(transform.callbacks.get());
    }
    Ok(())
}

/// A trace that a caller has.
struct Trace(Vec<u8>);

fn trace(
    call: &Call,
    args: &mut sys::PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Args,
) -> Outcome {
    let module = bytes(args.hlo_module.data, args.hlo_module.size);
    if module.is_empty() {
        return Err(Failure::invalid("no module"));
    }
    let trace = Arc::new(Trace([b"trace:", module].concat()));
    let (start, size) = text(&trace.0);
    args.trace.serialized_trace = start;
    args.trace.serialized_trace_size = size;
    call.inner.registry().adopt(trace, start as usize);
    Ok(())
}

fn destroy_trace(
    call: &Call,
    args: &mut sys::PJRT_Xla_Transform_Destroy_Hlo_Pass_Pipeline_Trace_Args,
) -> Outcome {
    if args.trace.is_null() {
        return Err(call.violation("no trace".to_owned()));
    }
    // SAFETY: the caller's struct, read during the call.
    let start = unsafe { (*args.trace).serialized_trace };
    call.destroy::<Trace>(start).map(drop)
}

/// Gives a program to all transforms, those before the scheduler first.
pub(crate) fn apply(inner: &Inner, mut program: String) -> Result<String, Failure> {
    let mut transforms = inner.state::<Transforms>().lock().clone();
    transforms.sort_by_key(|transform| transform.stage.0);
    for transform in transforms {
        program = one(transform.callbacks.get(), program)?;
    }
    Ok(program)
}

fn one(callbacks: Callbacks, program: String) -> Result<String, Failure> {
    let mut args = sys::PJRT_XlaTransform_Args::zeroed();
    args.struct_size = sys::PJRT_XlaTransform_Args_STRUCT_SIZE;
    args.header.api_version = VERSION;
    (args.hlo_module.data, args.hlo_module.size) = text(program.as_bytes());
    // SAFETY: the callbacks are the caller's, and there until they are ended.
    if let Some(transform) = unsafe { (*callbacks).transform_hlo_module } {
        // SAFETY: as above; the answer is read before it is freed, once.
        unsafe { transform(callbacks, &raw mut args) };
    }
    let answer = if args.header.has_error {
        let said = args.header.error_msg;
        Err(Failure::given(args.header.code, said.data, said.size))
    } else if args.changed {
        let changed = args.transformed_hlo_module;
        string(changed.data, changed.size)
    } else {
        Ok(program)
    };
    if let Some(free) = args.header.cleanup_fn {
        // SAFETY: the answer's own function, called once.
        unsafe { free(args.header.data) };
    }
    answer
}
