//! What a handler asks of the run that calls it.

use super::custom_call::Site;
use super::ffi;
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::event::Sent;
use crate::execute::Context;
use crate::failure::Failure;
use pjrt_sys::ffi_api as sys;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::sync::{Arc, Mutex, PoisonError};

/// One call of a handler.
pub(crate) struct Invocation {
    pub(crate) site: Arc<Site>,
    /// What the run's caller gives to handlers.
    pub(crate) context: Option<Arc<Context>>,
    pub(crate) device: i32,
    pub(crate) run: i64,
    /// Memory that ends with the call.
    memory: Mutex<Vec<(usize, Layout)>>,
}

impl Invocation {
    pub(crate) fn new(
        site: Arc<Site>,
        context: Option<Arc<Context>>,
        device: i32,
        run: i64,
    ) -> Invocation {
        Invocation {
            site,
            context,
            device,
            run,
            memory: Mutex::default(),
        }
    }
}

impl Drop for Invocation {
    fn drop(&mut self) {
        let memory = self
            .memory
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        for (start, layout) in memory.drain(..) {
            // SAFETY: the memory was allocated below with this layout, and is freed once.
            unsafe { dealloc(start as *mut u8, layout) };
        }
    }
}

/// Threads that handlers may count on.
const THREADS: i64 = 2;
/// Nobody needs more in a test.
const MOST: usize = 1 << 30;

pub(crate) fn calls(all: &mut Calls) {
    all.add("XLA_FFI_InvokeContext_Get", user_data);
    all.add("XLA_FFI_InvokeContext_FindExtension", extension);
    all.add("XLA_FFI_State_Set", state_set);
    all.add("XLA_FFI_State_Get", state_get);
    all.add("XLA_FFI_Stream_Get", stream);
    all.add("XLA_FFI_RunId_Get", run_id);
    all.add("XLA_FFI_DeviceOrdinal_Get", device);
    all.add("XLA_FFI_DeviceMemory_Allocate", allocate);
    all.add("XLA_FFI_DeviceMemory_Free", free);
    all.add("XLA_FFI_ThreadPool_Schedule", schedule);
    all.add("XLA_FFI_ThreadPool_NumThreads", threads);
}

type Handle = *mut sys::XLA_FFI_InvokeContext;

fn found(call: &Call, handle: Handle) -> Result<Arc<Invocation>, Failure> {
    call.get::<Invocation>(handle)
}

/// The number of a type.
fn kind(call: &Call, type_id: *mut sys::XLA_FFI_TypeId) -> Result<i64, Failure> {
    if type_id.is_null() {
        return Err(call.violation("no type".to_owned()));
    }
    // SAFETY: the caller's type, read during the call; it carries no size.
    Ok(unsafe { (*type_id).type_id })
}

fn absent(what: &str) -> Failure {
    Failure::new(pjrt_sys::PJRT_Error_Code_NOT_FOUND, what)
}

fn user_data(call: &Call, args: &mut sys::XLA_FFI_InvokeContext_Get_Args) -> Outcome {
    let invocation = found(call, args.ctx)?;
    let kind = kind(call, args.type_id)?;
    let data = invocation.context.as_ref().and_then(|c| c.get(kind));
    args.data = data.ok_or_else(|| absent("the context has no data of that type"))?;
    Ok(())
}

fn extension(call: &Call, args: &mut sys::XLA_FFI_InvokeContext_FindExtension_Args) -> Outcome {
    found(call, args.ctx)?;
    args.extension = std::ptr::null();
    Ok(())
}

fn state_set(call: &Call, args: &mut sys::XLA_FFI_State_Set_Args) -> Outcome {
    let invocation = found(call, args.ctx)?;
    let kind = kind(call, args.type_id)?;
    let deleter = ffi::deleter_of(call, kind);
    match invocation.site.set(args.stage.0, kind, args.state, deleter) {
        true => Ok(()),
        false => Err(Failure::precondition("the stage has a state")),
    }
}

fn state_get(call: &Call, args: &mut sys::XLA_FFI_State_Get_Args) -> Outcome {
    let invocation = found(call, args.ctx)?;
    let kind = kind(call, args.type_id)?;
    let state = invocation.site.get(args.stage.0, kind);
    args.state = state.ok_or_else(|| absent("the stage has no state of that type"))?;
    Ok(())
}

fn stream(call: &Call, args: &mut sys::XLA_FFI_Stream_Get_Args) -> Outcome {
    found(call, args.ctx)?;
    args.stream = std::ptr::null_mut();
    Ok(())
}

fn run_id(call: &Call, args: &mut sys::XLA_FFI_RunId_Get_Args) -> Outcome {
    args.run_id = found(call, args.ctx)?.run;
    Ok(())
}

fn device(call: &Call, args: &mut sys::XLA_FFI_DeviceOrdinal_Get_Args) -> Outcome {
    args.device_ordinal = found(call, args.ctx)?.device;
    Ok(())
}

fn allocate(call: &Call, args: &mut sys::XLA_FFI_DeviceMemory_Allocate_Args) -> Outcome {
    let invocation = found(call, args.ctx)?;
    let layout = Layout::from_size_align(args.size.clamp(1, MOST), args.alignment);
    let layout = layout.map_err(|_| Failure::invalid("no such alignment"))?;
    // SAFETY: the size is not zero.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() || args.size > MOST {
        let code = pjrt_sys::PJRT_Error_Code_RESOURCE_EXHAUSTED;
        return Err(Failure::new(code, "too many bytes"));
    }
    let memory = invocation.memory.lock();
    let mut memory = memory.unwrap_or_else(PoisonError::into_inner);
    memory.push((start as usize, layout));
    args.data = start.cast();
    Ok(())
}

fn free(call: &Call, args: &mut sys::XLA_FFI_DeviceMemory_Free_Args) -> Outcome {
    let invocation = found(call, args.ctx)?;
    let memory = invocation.memory.lock();
    let mut memory = memory.unwrap_or_else(PoisonError::into_inner);
    let place = memory
        .iter()
        .position(|(start, _)| *start == args.data as usize);
    let Some(place) = place else {
        return Err(call.violation("memory is freed that was not given".to_owned()));
    };
    let (start, layout) = memory.swap_remove(place);
    // SAFETY: the memory was allocated with this layout and is taken off the list.
    unsafe { dealloc(start as *mut u8, layout) };
    Ok(())
}

fn schedule(call: &Call, args: &mut sys::XLA_FFI_ThreadPool_Schedule_Args) -> Outcome {
    found(call, args.ctx)?;
    let task = args.task.ok_or_else(|| Failure::invalid("no task"))?;
    let data = Sent::new(args.data);
    // SAFETY: the task is the caller's, called once.
    call.later(move |_| unsafe { task(data.get()) });
    Ok(())
}

fn threads(call: &Call, args: &mut sys::XLA_FFI_ThreadPool_NumThreads_Args) -> Outcome {
    found(call, args.ctx)?;
    if args.num_threads.is_null() {
        return Err(call.violation("no place for the number".to_owned()));
    }
    // SAFETY: the place is the caller's.
    unsafe { args.num_threads.write(THREADS) };
    Ok(())
}
