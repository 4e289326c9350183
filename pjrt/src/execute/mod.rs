//! Runs of programs.

mod arguments;
mod callbacks;
mod options;
mod prepared;

pub use arguments::Argument;
pub use callbacks::{HloOutput, Sent, SentChunk};
pub use options::ExecuteOptions;

use crate::rt::{self, Handle, Place};
use crate::{Buffer, Device, Error, Event, LoadedExecutable, Result, Signature, raw, sys};
use arguments::Facts;
use std::ptr;
use std::sync::Arc;

const EXECUTE: &str = "PJRT_LoadedExecutable_Execute";

/// A run on one device that was started.
#[derive(Debug)]
#[non_exhaustive]
pub struct Execution {
    /// What the program gives, in its order; the buffers get ready when it has made them.
    pub outputs: Vec<Buffer>,
    /// The device has done its part of the run, with success or with an error.
    pub done: Event,
}

/// One row of argument buffers and one row for the outputs per device.
struct Rows {
    arguments: Vec<*const *mut sys::PJRT_Buffer>,
    length: usize,
    results: Vec<*mut sys::PJRT_Buffer>,
    outputs: usize,
}

impl Rows {
    /// # Safety
    ///
    /// Each row of arguments has the given length.
    unsafe fn new(
        arguments: Vec<*const *mut sys::PJRT_Buffer>,
        length: usize,
        outputs: usize,
    ) -> Result<Rows> {
        let room = arguments.len().saturating_mul(outputs.max(1));
        let mut results = Vec::new();
        if results.try_reserve_exact(room).is_err() {
            return Err(Error::InvalidArgument {
                function: EXECUTE,
                argument: "output_lists",
                problem: format!("there is no memory for {room} outputs"),
            });
        }
        results.resize(room, ptr::null_mut());
        Ok(Rows {
            arguments,
            length,
            results,
            outputs,
        })
    }
}

impl LoadedExecutable {
    /// Runs the program on its one device and gives its outputs. The inputs stay usable: none is
    /// donated.
    ///
    /// Calls `PJRT_LoadedExecutable_Execute`. The run goes on after this returns; reading an output
    /// waits for it and gives its error.
    ///
    /// # Errors
    ///
    /// As [`LoadedExecutable::execute`].
    pub fn run(&self, arguments: &[&Buffer]) -> Result<Vec<Buffer>> {
        rt::destructor::<Buffer>(self.api())?;
        let facts = self.facts()?;
        facts.check_devices(1)?;
        facts.check(self, 0, None, arguments.iter().copied())?;
        let kept: Vec<i64> = (0..).take(arguments.len()).collect();
        let handles: Vec<_> = arguments.iter().map(|a| a.as_raw()).collect();
        let mut options = raw::ExecuteOptions::unset();
        options.non_donatable_input_indices = kept.as_ptr();
        options.num_non_donatable_input_indices = kept.len();
        let options = options.lower(self.api())?;
        // SAFETY: there is one row, which has this length.
        let mut rows = unsafe { Rows::new(vec![handles.as_ptr()], handles.len(), facts.outputs) }?;
        // SAFETY: the row has live buffers of this client, all of which are said not to be
        // donated; there are no callbacks.
        unsafe { self.launch(&options, &mut rows, None, &mut []) }?;
        self.outputs(&rows).pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Starts the program on its devices, those of this process, with one list of arguments for
    /// each, in the order of [`LoadedExecutable::addressable_devices`]. Gives the outputs and an
    /// event for each device.
    ///
    /// A borrowed argument stays as it is. A donated one is gone, whatever comes of the call, and
    /// the program may use its memory for outputs if it was compiled so; an argument is donated on
    /// all devices or on none.
    ///
    /// Calls `PJRT_LoadedExecutable_Execute`. The first run of a program asks for its parameters
    /// (`PJRT_Executable_OptimizedProgram`); element types and dimensions are compared with them if
    /// the plugin tells.
    ///
    /// # Errors
    ///
    /// `InvalidArgument` for a wrong number of lists, arguments that do not fit the program, and
    /// options that contradict themselves; `TooNew` for an option that the plugin is too old to
    /// know; `ForeignHandle` for handles of another client or plugin; what the plugin reports, such
    /// as a deleted buffer or one of another device.
    pub fn execute(
        &self,
        arguments: Vec<Vec<Argument<'_>>>,
        options: &ExecuteOptions,
    ) -> Result<Vec<Execution>> {
        self.facts()?.check_devices(arguments.len())?;
        self.start(arguments, None, options)
    }

    /// Starts the program on one device of this client: a portable program on any, a program for
    /// several devices on each of them by a call of its own, which somebody must make, or the
    /// others wait.
    ///
    /// Calls `PJRT_LoadedExecutable_Execute`. Not every platform can.
    ///
    /// # Errors
    ///
    /// As [`LoadedExecutable::execute`]; UNIMPLEMENTED for callbacks of send and receive
    /// operations.
    pub fn execute_on(
        &self,
        device: &Device,
        arguments: Vec<Argument<'_>>,
        options: &ExecuteOptions,
    ) -> Result<Execution> {
        rt::same_client(self, device, EXECUTE, "execute_device")?;
        let mut started = self.start(vec![arguments], Some(device), options)?;
        let place = Place {
            function: EXECUTE,
            field: "output_lists",
        };
        started.pop().ok_or_else(|| place.invalid("no outputs"))
    }

    fn start(
        &self,
        arguments: Vec<Vec<Argument<'_>>>,
        device: Option<&Device>,
        options: &ExecuteOptions,
    ) -> Result<Vec<Execution>> {
        let api = self.api();
        rt::destructor::<Buffer>(api)?;
        rt::destructor::<Event>(api)?;
        let facts = self.facts()?;
        for (index, list) in arguments.iter().enumerate() {
            facts.check(self, index, device, list.iter().map(Argument::buffer))?;
        }
        let kept = arguments::kept(&arguments)?;
        let prepared = options.prepare(self, arguments.len(), &kept)?;
        let handles: Vec<Vec<_>> = arguments
            .iter()
            .map(|list| list.iter().map(|a| a.buffer().as_raw()).collect())
            .collect();
        let length = handles.first().map_or(0, Vec::len);
        let lists = handles.iter().map(Vec::as_ptr).collect();
        // SAFETY: the lists were found to be of one length.
        let mut rows = unsafe { Rows::new(lists, length, facts.outputs) }?;
        let mut events = vec![ptr::null_mut(); arguments.len()];
        // SAFETY: the rows have live buffers of this client, and those that are only borrowed are
        // said not to be donated. The options' memory outlives the call, and what they hold is kept
        // until the events.
        let launched =
            unsafe { self.launch(&prepared.options, &mut rows, device, events.as_mut_slice()) };
        if let Err(error) = launched {
            prepared.held.after_failure(arguments.len());
            return Err(error);
        }
        let place = Place {
            function: EXECUTE,
            field: "device_complete_events",
        };
        let owner = rt::client_of(self);
        // Everything is taken over before anything that is null is reported: nothing is lost.
        let events: Vec<Result<Event>> = events
            .into_iter()
            // SAFETY: the events are new and the caller's to destroy; they need the client.
            .map(|event| unsafe { rt::owned(api, event, owner.clone(), place) })
            .collect();
        let outputs = self.outputs(&rows);
        prepared
            .held
            .until(events.iter().map(|event| event.as_ref().ok()));
        let both = outputs.into_iter().zip(events);
        both.map(|(outputs, done)| {
            Ok(Execution {
                outputs: outputs?,
                done: done?,
            })
        })
        .collect()
    }

    /// Starts the program.
    ///
    /// # Safety
    ///
    /// The options are whole and as the C API wants them, all buffers are live, and what the program
    /// may keep beyond the call is kept.
    unsafe fn launch(
        &self,
        options: &sys::PJRT_ExecuteOptions,
        rows: &mut Rows,
        device: Option<&Device>,
        events: &mut [*mut sys::PJRT_Event],
    ) -> Result<()> {
        let row = rows.outputs.max(1);
        let results: Vec<_> = rows
            .results
            .chunks_mut(row)
            .map(<[_]>::as_mut_ptr)
            .collect();
        let events = if events.is_empty() {
            ptr::null_mut()
        } else {
            events.as_mut_ptr()
        };
        let input = raw::LoadedExecutableExecuteIn::new(
            self.as_raw(),
            ptr::from_ref(options).cast_mut(),
            rows.arguments.as_ptr(),
            rows.arguments.len(),
            rows.length,
            results.as_ptr(),
            events,
            device.map_or(ptr::null_mut(), Handle::as_raw),
        );
        // SAFETY: every list has one entry per device; a list of results has room for the number of
        // outputs that the program has; the caller vouches for the rest.
        unsafe { raw::loaded_executable_execute(self.api(), input) }
            .map_err(|error| rt::exhausted(self, error))?;
        Ok(())
    }

    /// Takes the outputs of a run over.
    fn outputs(&self, rows: &Rows) -> Vec<Result<Vec<Buffer>>> {
        let place = Place {
            function: EXECUTE,
            field: "output_lists",
        };
        let owner = rt::client_of(self);
        let take = |row: &[*mut sys::PJRT_Buffer]| {
            let taken: Vec<Result<Buffer>> = row
                .iter()
                .take(rows.outputs)
                // SAFETY: the outputs are new and the caller's to destroy; they need the client.
                .map(|result| unsafe { rt::owned(self.api(), *result, owner.clone(), place) })
                .collect();
            taken.into_iter().collect()
        };
        rows.results.chunks(rows.outputs.max(1)).map(take).collect()
    }

    /// What the program takes and gives. It is asked for once per program, as
    /// [`crate::Executable::signature`] says.
    ///
    /// # Errors
    ///
    /// What the plugin reports.
    pub fn signature(&self) -> Result<Arc<Signature>> {
        Ok(self.facts()?.signature.clone())
    }

    /// What is known of the program; asked of the plugin once.
    fn facts(&self) -> Result<Arc<Facts>> {
        let known = |owner: &rt::Owner| owner.cached::<Arc<Facts>>().cloned();
        if let Some(facts) = self.owner().and_then(known) {
            return Ok(facts);
        }
        let facts = Arc::new(Facts::of(self)?);
        if let Some(owner) = self.owner() {
            owner.cache(facts.clone());
        }
        Ok(facts)
    }
}
