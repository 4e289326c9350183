//! Handlers: closures that programs call by name.

use super::call::{Call, Device, Host, Instantiation};
use super::frame::Frame;
use super::state::{self, State};
use super::{Error, Stage, register};
use crate::sys::ffi_api as c;
use crate::{Plugin, Result};
use std::any::type_name;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

type Outcome = std::result::Result<(), Error>;
type Run = Box<dyn Fn(&Frame<'_>) -> Outcome + Send + Sync>;

/// The platform of handlers that get their arrays in host memory.
const HOST: &str = "Host";

/// What the trampolines run.
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) platform: String,
    pub(super) traits: c::XLA_FFI_Handler_Traits,
    instantiate: Option<Run>,
    prepare: Option<Run>,
    initialize: Option<Run>,
    execute: Run,
    record: Option<Run>,
    /// Its number among the trampolines, once it has one.
    pub(super) trampoline: OnceLock<usize>,
}

impl Entry {
    /// Whether it has a closure for a stage.
    pub(super) fn has(&self, stage: Stage) -> bool {
        match stage {
            Stage::INSTANTIATE => self.instantiate.is_some(),
            Stage::PREPARE => self.prepare.is_some(),
            Stage::INITIALIZE => self.initialize.is_some(),
            Stage::RECORD => self.record.is_some(),
            _ => stage == Stage::EXECUTE,
        }
    }

    /// Whether the execution is all there is.
    pub(super) fn only_executes(&self) -> bool {
        let others = [Stage::INSTANTIATE, Stage::PREPARE];
        let mut stages = others.into_iter().chain([Stage::INITIALIZE, Stage::RECORD]);
        !stages.any(|stage| self.has(stage))
    }

    /// Runs the closure of the frame's stage.
    pub(super) fn run(&self, frame: &Frame<'_>) -> Outcome {
        let run = match frame.stage {
            Stage::INSTANTIATE => self.instantiate.as_ref(),
            Stage::PREPARE => self.prepare.as_ref(),
            Stage::INITIALIZE => self.initialize.as_ref(),
            Stage::EXECUTE => Some(&self.execute),
            Stage::RECORD => self.record.as_ref(),
            _ => None,
        };
        let run = run.ok_or_else(|| {
            Error::unimplemented(format!("the handler does nothing in stage {}", frame.stage))
        })?;
        run(frame)
    }
}

/// A closure that programs call by a name, with `stablehlo.custom_call @name(…) {api_version = 4 :
/// i32}`.
///
/// The closure may be called from several threads at once, at any time until the process ends: a
/// plugin never forgets a handler, and neither does this crate. An error that it returns becomes
/// the error of the run, which shows when an output is read; so does a panic.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// let plugin = pjrt::Plugin::find("cpu")?;
/// let scale = pjrt::ffi::Handler::new("scale", |call| {
///     let factor: f32 = call.attr("factor")?;
///     let x = call.operand::<f32>(0)?;
///     let mut y = call.result_mut::<f32>(0)?;
///     for (y, x) in y.iter_mut().zip(x.iter()) {
///         *y = factor * x;
///     }
///     Ok(())
/// });
/// scale.register(&plugin)?;
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone)]
pub struct Handler {
    pub(super) entry: Arc<Entry>,
}

impl Handler {
    /// A handler for the host, which is where the CPU plugin runs programs.
    pub fn new<F>(name: &str, execute: F) -> Handler
    where
        F: Fn(Call<'_>) -> Outcome + Send + Sync + 'static,
    {
        Handler::builder(name).execute(execute)
    }

    /// A handler for the host with more than one closure.
    pub fn builder(name: &str) -> HandlerBuilder<Host> {
        HandlerBuilder::new(name, HOST)
    }

    /// A handler for a device's platform (`CUDA`, `ROCM`): its arrays are addresses in the
    /// device's memory, and what it does with them is unsafe code.
    pub fn device(name: &str, platform: &str) -> HandlerBuilder<Device> {
        HandlerBuilder::new(name, platform)
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.entry.name
    }

    /// The platform whose programs can call it.
    pub fn platform(&self) -> &str {
        &self.entry.platform
    }

    /// Makes a plugin's programs able to call the handler. It stays registered until the process
    /// ends. Registering the same handler again does nothing.
    ///
    /// Calls `PJRT_FFI_Register_Handler`, or `PJRT_Gpu_Register_Custom_Call` for a device's
    /// handler where the plugin has it and the handler has several stages or there is no other
    /// way. Waits until no program is being compiled.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` if the name is empty or taken, by a handler of ours or of others, or
    /// there are more handlers in the process than this crate has room for;
    /// [`crate::Error::NoExtension`] if the plugin takes none.
    pub fn register(&self, plugin: &Plugin) -> Result<()> {
        register::register(&self.entry, plugin)
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler")
            .field("name", &self.entry.name)
            .field("platform", &self.entry.platform)
            .finish_non_exhaustive()
    }
}

/// What a handler is made of: [`Handler::builder`], [`Handler::device`].
pub struct HandlerBuilder<P> {
    name: String,
    platform: String,
    traits: c::XLA_FFI_Handler_Traits,
    instantiate: Option<Run>,
    prepare: Option<Run>,
    initialize: Option<Run>,
    record: Option<Run>,
    place: PhantomData<P>,
}

impl<P: 'static> HandlerBuilder<P> {
    fn new(name: &str, platform: &str) -> Self {
        HandlerBuilder {
            name: name.to_owned(),
            platform: platform.to_owned(),
            traits: 0,
            instantiate: None,
            prepare: None,
            initialize: None,
            record: None,
            place: PhantomData,
        }
    }

    /// Says that every call queues the same work on the device, so that it may be recorded once
    /// and replayed.
    #[must_use]
    pub fn command_buffer_compatible(mut self) -> Self {
        self.traits |= c::XLA_FFI_HANDLER_TRAITS_COMMAND_BUFFER_COMPATIBLE.0;
        self
    }

    /// Takes the closure that makes a state for each place in a program that calls the handler. It
    /// runs while the program is compiled or loaded, and sees the attributes. The state is dropped
    /// with the program.
    #[must_use]
    pub fn instantiate<S, F>(mut self, instantiate: F) -> StatefulBuilder<P, S>
    where
        S: Send + Sync + 'static,
        F: Fn(Call<'_, Instantiation>) -> std::result::Result<S, Error> + Send + Sync + 'static,
    {
        self.instantiate = Some(Box::new(move |frame| {
            let made = instantiate(Call::new(frame))?;
            state::set(frame, State(Box::new(made)))
        }));
        StatefulBuilder {
            builder: self,
            state: PhantomData,
        }
    }

    /// Takes the closure that is called in runs, and makes the handler.
    pub fn execute<F>(self, execute: F) -> Handler
    where
        F: Fn(Call<'_, P>) -> Outcome + Send + Sync + 'static,
    {
        self.finish(Box::new(move |frame| execute(Call::new(frame))))
    }

    fn finish(self, execute: Run) -> Handler {
        Handler {
            entry: Arc::new(Entry {
                name: self.name,
                platform: self.platform,
                traits: self.traits,
                instantiate: self.instantiate,
                prepare: self.prepare,
                initialize: self.initialize,
                execute,
                record: self.record,
                trampoline: OnceLock::new(),
            }),
        }
    }
}

impl HandlerBuilder<Device> {
    /// Takes the closure that asks for resources before a run.
    #[must_use]
    pub fn prepare<F>(mut self, prepare: F) -> Self
    where
        F: Fn(Call<'_, Device>) -> Outcome + Send + Sync + 'static,
    {
        self.prepare = Some(Box::new(move |frame| prepare(Call::new(frame))));
        self
    }

    /// Takes the closure that makes ready for a run.
    #[must_use]
    pub fn initialize<F>(mut self, initialize: F) -> Self
    where
        F: Fn(Call<'_, Device>) -> Outcome + Send + Sync + 'static,
    {
        self.initialize = Some(Box::new(move |frame| initialize(Call::new(frame))));
        self
    }

    /// Takes the closure that records the work as commands for later runs, once or several times
    /// for each. The arrays have addresses and perhaps no contents. Where the commands go is in an
    /// extension of the call ([`Call::extension`]).
    ///
    /// A plugin with an XLA FFI before 0.4 refuses such a handler.
    #[must_use]
    pub fn record<F>(mut self, record: F) -> Self
    where
        F: Fn(Call<'_, Device>) -> Outcome + Send + Sync + 'static,
    {
        self.record = Some(Box::new(move |frame| record(Call::new(frame))));
        self
    }
}

impl<P> fmt::Debug for HandlerBuilder<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HandlerBuilder")
            .field("name", &self.name)
            .field("platform", &self.platform)
            .finish_non_exhaustive()
    }
}

/// What a handler with a state is made of: [`HandlerBuilder::instantiate`].
#[derive(Debug)]
pub struct StatefulBuilder<P, S> {
    builder: HandlerBuilder<P>,
    state: PhantomData<fn() -> S>,
}

impl<P: 'static, S: Send + Sync + 'static> StatefulBuilder<P, S> {
    /// Takes the closure that is called in runs with the state, and makes the handler.
    pub fn execute<F>(self, execute: F) -> Handler
    where
        F: Fn(Call<'_, P>, &S) -> Outcome + Send + Sync + 'static,
    {
        self.builder.finish(Box::new(move |frame| {
            let state = state::get(frame)?.0.downcast_ref::<S>().ok_or_else(|| {
                let wanted = type_name::<S>();
                Error::internal(format!("the state is no {wanted}, which the handler made"))
            })?;
            execute(Call::new(frame), state)
        }))
    }
}
