//! Custom calls: functions of callers that programs call by name.

use super::attributes::{Attribute, Frame};
use super::ffi::Deleter;
use super::invocation::Invocation;
use super::xla_ffi;
use crate::buffer::Shape;
use crate::call::{Call, Outcome};
use crate::event::Sent;
use crate::execute::Context;
use crate::failure::Failure;
use crate::memory_of::text;
use crate::program::CustomCall;
use pjrt_sys as core;
use pjrt_sys::ffi_api as sys;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_void};
use std::sync::{Arc, Mutex, PoisonError};

/// A function of the first API: a stream, which the mock has none of, addresses of operands and
/// result, and a text of the program's.
pub(crate) type Original =
    unsafe extern "C" fn(*mut c_void, *const *mut c_void, *const c_char, usize);

/// A handler's functions by stage.
#[derive(Clone, Copy, Default)]
pub(crate) struct Handlers {
    pub(crate) instantiate: sys::XLA_FFI_Handler,
    pub(crate) prepare: sys::XLA_FFI_Handler,
    pub(crate) initialize: sys::XLA_FFI_Handler,
    pub(crate) execute: sys::XLA_FFI_Handler,
    /// That of the first API, which has neither stages nor frames.
    pub(crate) original: Option<Original>,
}

impl Handlers {
    /// Where the functions are; 0 for a stage without one.
    fn addresses(&self) -> [usize; 5] {
        let all = [
            self.instantiate,
            self.prepare,
            self.initialize,
            self.execute,
        ];
        let all = all.map(|function| function.map_or(0, |function| function as usize));
        let [a, b, c, d] = all;
        [
            a,
            b,
            c,
            d,
            self.original.map_or(0, |function| function as usize),
        ]
    }
}

/// Handlers by name and platform.
#[derive(Default)]
struct Known(Mutex<BTreeMap<(String, String), Handlers>>);

/// A state, with what ends it.
struct State {
    kind: i64,
    data: Sent<*mut c_void>,
    deleter: Option<Deleter>,
}

impl Drop for State {
    fn drop(&mut self) {
        if let Some(deleter) = self.deleter {
            // SAFETY: the state is the plugin's since it was set, and ends once.
            unsafe { deleter(self.data.get()) };
        }
    }
}

/// A place in a program where a handler is called, with its states by stage.
pub(crate) struct Site {
    handlers: Handlers,
    attributes: Vec<Attribute>,
    opaque: String,
    states: Mutex<BTreeMap<u32, State>>,
}

impl Site {
    /// Keeps a state; false if the stage has one.
    pub(crate) fn set(
        &self,
        stage: u32,
        kind: i64,
        data: *mut c_void,
        deleter: Option<Deleter>,
    ) -> bool {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if states.contains_key(&stage) {
            return false;
        }
        let data = Sent::new(data);
        let state = State {
            kind,
            data,
            deleter,
        };
        states.insert(stage, state);
        true
    }

    /// The state of a stage.
    pub(crate) fn get(&self, stage: u32, kind: i64) -> Option<*mut c_void> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.get(&stage).filter(|state| state.kind == kind)?;
        Some(state.data.get())
    }
}

/// A frame that asks what a handler is, or calls it.
fn frame(call: &Call) -> sys::XLA_FFI_CallFrame {
    let mut frame = sys::XLA_FFI_CallFrame::zeroed();
    frame.api = call.inner.table.ffi as *const _;
    frame.args.struct_size = sys::XLA_FFI_Args_STRUCT_SIZE;
    frame.rets.struct_size = sys::XLA_FFI_Rets_STRUCT_SIZE;
    frame.attrs.struct_size = sys::XLA_FFI_Attrs_STRUCT_SIZE;
    frame
}

/// Calls a handler and takes its error.
fn run(call: &Call, handler: sys::XLA_FFI_Handler, frame: &mut sys::XLA_FFI_CallFrame) -> Outcome {
    let Some(handler) = handler else {
        return Ok(());
    };
    // SAFETY: the handler is the caller's; the frame is of this version and there for the call.
    let error = call.calling(frame, |frame| unsafe { handler(frame) });
    xla_ffi::taken(call, error)
}

/// Asks a handler what it is. Versions without a table for handlers do not ask.
fn ask(call: &Call, handlers: &Handlers) -> Outcome {
    if call.era().layout::<sys::XLA_FFI_Metadata>().is_none() {
        return Ok(());
    }
    let mut metadata = sys::XLA_FFI_Metadata::zeroed();
    metadata.struct_size = sys::XLA_FFI_Metadata_STRUCT_SIZE;
    metadata.api_version.struct_size = sys::XLA_FFI_Api_Version_STRUCT_SIZE;
    let mut extension = sys::XLA_FFI_Metadata_Extension::zeroed();
    extension.extension_base.struct_size = sys::XLA_FFI_Metadata_Extension_STRUCT_SIZE;
    extension.extension_base.type_ = sys::XLA_FFI_Extension_Metadata;
    extension.metadata = &raw mut metadata;
    let mut frame = frame(call);
    frame.extension_start = (&raw mut extension).cast();
    frame.stage = sys::XLA_FFI_ExecutionStage_EXECUTE;
    run(call, handlers.execute, &mut frame)
}

/// Registers a handler, once for each name and platform.
pub(crate) fn register(call: &Call, name: String, platform: String, handlers: Handlers) -> Outcome {
    if name.is_empty() {
        return Err(Failure::invalid("a custom call needs a name"));
    }
    if handlers.execute.is_none() && handlers.original.is_none() {
        return Err(Failure::invalid(
            "a custom call needs a function that runs it",
        ));
    }
    ask(call, &handlers)?;
    let known = call.inner.state::<Known>();
    let mut known = known.0.lock().unwrap_or_else(PoisonError::into_inner);
    match known.get(&(name.clone(), platform.clone())) {
        None => {}
        // The same again is no other.
        Some(other) if other.addresses() == handlers.addresses() => return Ok(()),
        Some(_) => {
            let code = core::PJRT_Error_Code_ALREADY_EXISTS;
            return Err(Failure::new(
                code,
                format!("there is a handler of `{name}`"),
            ));
        }
    }
    known.insert((name, platform), handlers);
    Ok(())
}

/// A new place where a name is called; its handler is instantiated.
pub(crate) fn site(call: &Call, made: &CustomCall) -> Result<Arc<Site>, Failure> {
    let name = &made.name;
    let known = call.inner.state::<Known>();
    let handlers = known.0.lock().unwrap_or_else(PoisonError::into_inner);
    let found = handlers.iter().find(|((other, _), _)| other == name);
    let Some((_, found)) = found else {
        let code = core::PJRT_Error_Code_NOT_FOUND;
        return Err(Failure::new(code, format!("nobody registered `{name}`")));
    };
    let site = Arc::new(Site {
        handlers: *found,
        attributes: made.attributes.clone(),
        opaque: made.opaque.clone(),
        states: Mutex::default(),
    });
    drop(handlers);
    let stage = sys::XLA_FFI_ExecutionStage_INSTANTIATE;
    let invocation = Invocation::new(site.clone(), None, 0, 0);
    invoke(call, invocation, stage, &mut [])?;
    Ok(site)
}

/// An array of a call: operands first, then the result.
pub(crate) struct Array<'a> {
    pub(crate) shape: &'a Shape,
    pub(crate) start: usize,
}

/// Has a handler fill the last of the arrays.
pub(crate) fn call_at(
    call: &Call,
    site: &Arc<Site>,
    (context, device, run): (Option<Arc<Context>>, i32, i64),
    arrays: &mut [Array<'_>],
) -> Outcome {
    if let Some(function) = site.handlers.original {
        let addresses: Vec<*mut c_void> = arrays.iter().map(|a| a.start as *mut c_void).collect();
        let (opaque, size) = text(site.opaque.as_bytes());
        // SAFETY: the function is the caller's; what it is given is there for the call.
        unsafe { function(std::ptr::null_mut(), addresses.as_ptr(), opaque, size) };
        return Ok(());
    }
    for stage in [
        sys::XLA_FFI_ExecutionStage_PREPARE,
        sys::XLA_FFI_ExecutionStage_INITIALIZE,
        sys::XLA_FFI_ExecutionStage_EXECUTE,
    ] {
        let invocation = Invocation::new(site.clone(), context.clone(), device, run);
        invoke(call, invocation, stage, arrays)?;
    }
    Ok(())
}

/// XLA's number of a type of elements, where both count alike or it is among the next.
pub(crate) fn element(ty: core::PJRT_Buffer_Type) -> Result<sys::XLA_FFI_DataType, Failure> {
    Ok(match ty {
        core::PJRT_Buffer_Type_BF16 => sys::XLA_FFI_DataType_BF16,
        core::PJRT_Buffer_Type_C64 => sys::XLA_FFI_DataType_C64,
        core::PJRT_Buffer_Type_C128 => sys::XLA_FFI_DataType_C128,
        other if (1..=12).contains(&other.0) => sys::XLA_FFI_DataType(other.0),
        _ => return Err(Failure::unimplemented("no custom calls of that type")),
    })
}

fn invoke(
    call: &Call,
    invocation: Invocation,
    stage: sys::XLA_FFI_ExecutionStage,
    arrays: &mut [Array<'_>],
) -> Outcome {
    let handlers = invocation.site.handlers;
    let handler = match stage {
        sys::XLA_FFI_ExecutionStage_INSTANTIATE => handlers.instantiate,
        sys::XLA_FFI_ExecutionStage_PREPARE => handlers.prepare,
        sys::XLA_FFI_ExecutionStage_INITIALIZE => handlers.initialize,
        _ => handlers.execute,
    };
    if handler.is_none() {
        return Ok(());
    }
    if call.era().layout::<sys::XLA_FFI_CallFrame>().is_none() {
        return Err(Failure::unimplemented("handlers came later"));
    }
    let mut buffers = Vec::new();
    for array in arrays.iter() {
        let mut buffer = sys::XLA_FFI_Buffer::zeroed();
        buffer.struct_size = sys::XLA_FFI_Buffer_STRUCT_SIZE;
        buffer.dtype = element(array.shape.ty)?;
        buffer.data = array.start as *mut c_void;
        buffer.rank = i64::try_from(array.shape.dims.len()).unwrap_or(i64::MAX);
        buffer.dims = array.shape.dims.as_ptr().cast_mut();
        buffers.push(buffer);
    }
    let mut pointers: Vec<*mut c_void> = buffers.iter_mut().map(|b| (&raw mut *b).cast()).collect();
    let results = pointers.split_off(pointers.len().saturating_sub(1));
    let (mut operands, mut results) = (pointers, results);
    let mut operand_types = vec![sys::XLA_FFI_ArgType_BUFFER; operands.len()];
    let mut result_types = vec![sys::XLA_FFI_RetType_BUFFER; results.len()];
    let mut attributes = Frame::new(&invocation.site.attributes);
    let mut frame = frame(call);
    attributes.give(&mut frame.attrs);
    frame.stage = stage;
    frame.args.size = i64::try_from(operands.len()).unwrap_or(0);
    frame.args.types = operand_types.as_mut_ptr();
    frame.args.args = operands.as_mut_ptr();
    frame.rets.size = i64::try_from(results.len()).unwrap_or(0);
    frame.rets.types = result_types.as_mut_ptr();
    frame.rets.rets = results.as_mut_ptr();
    frame.ctx = call.give(Arc::new(invocation));
    let context = frame.ctx;
    let outcome = run(call, handler, &mut frame);
    let outcome = outcome.and_then(|()| xla_ffi::awaited(call, frame.future));
    drop(call.destroy::<Invocation>(context));
    outcome
}
