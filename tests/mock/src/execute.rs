//! Runs of programs.

use crate::buffer::{Buffer, Data, Place, Storage};
use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::device::Device;
use crate::element;
use crate::event::{Sent, Signal};
use crate::ext::callback::prefatal;
use crate::ext::custom_call::{self, Array};
use crate::ext::ffi::Deleter;
use crate::failure::Failure;
use crate::loaded::Loaded;
use crate::memory_of::{items, room};
use crate::program::{Made, Program};
use crate::ran::Ran;
use crate::talk::Talk;
use pjrt_sys as sys;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError};

/// A context of runs: a place for user data, one of each type.
#[derive(Default)]
pub(crate) struct Context(Mutex<Vec<UserData>>);

/// Data that ends with its context.
struct UserData {
    kind: i64,
    data: Sent<*mut c_void>,
    deleter: Option<Deleter>,
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(deleter) = self.deleter {
            // SAFETY: the data is the plugin's since it was added, and ends once.
            unsafe { deleter(self.data.get()) };
        }
    }
}

impl Context {
    /// Takes data over; false if there is some of that type.
    pub(crate) fn add(&self, kind: i64, data: *mut c_void, deleter: Option<Deleter>) -> bool {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.iter().any(|other| other.kind == kind) {
            return false;
        }
        held.push(UserData {
            kind,
            data: Sent::new(data),
            deleter,
        });
        true
    }

    /// Data of a type.
    pub(crate) fn get(&self, kind: i64) -> Option<*mut c_void> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = held.iter().find(|other| other.kind == kind)?;
        Some(found.data.get())
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_LoadedExecutable_Execute", execute);
    all.add("PJRT_ExecuteContext_Create", create_context);
    all.add("PJRT_ExecuteContext_Destroy", destroy_context);
}

fn create_context(call: &Call, args: &mut sys::PJRT_ExecuteContext_Create_Args) -> Outcome {
    args.context = call.give(Arc::new(Context::default()));
    Ok(())
}

fn destroy_context(call: &Call, args: &mut sys::PJRT_ExecuteContext_Destroy_Args) -> Outcome {
    call.destroy::<Context>(args.context).map(drop)
}

/// What one device does.
struct Run {
    inputs: Vec<Arc<Data>>,
    outputs: Vec<Arc<Data>>,
    done: Arc<Signal>,
    poison: Option<Failure>,
    talk: Talk,
    call: Call,
    context: Option<Arc<Context>>,
    device: i32,
    launch: i32,
}

fn execute(call: &Call, args: &mut sys::PJRT_LoadedExecutable_Execute_Args) -> Outcome {
    let loaded = call.get::<Loaded>(args.executable)?;
    loaded.usable()?;
    let options = call.read(args.options)?;
    Ran::read(call, args, &options)?.note(&call.inner);
    let context = call.get_or_none::<Context>(options.context)?;
    let program = &loaded.executable.program;
    let devices = match args.execute_device.is_null() {
        true => loaded.devices.clone(),
        false => {
            call.get::<Device>(args.execute_device)?;
            vec![args.execute_device as usize]
        }
    };
    if devices.len() != args.num_devices {
        let (wanted, given) = (devices.len(), args.num_devices);
        return Err(Failure::invalid(format!(
            "the program runs on {wanted} devices, and arguments for {given} were given"
        )));
    }
    let keep = items(
        options.non_donatable_input_indices,
        options.num_non_donatable_input_indices,
    );
    let arguments = items(args.argument_lists, devices.len());
    // Everything is checked before anything is donated.
    let mut lists = Vec::new();
    for index in 0..devices.len() {
        let list = arguments.get(index).copied().unwrap_or(std::ptr::null());
        lists.push(inputs(call, &loaded, program, items(list, args.num_args))?);
    }
    let mut runs = Vec::new();
    for (index, device) in devices.iter().enumerate() {
        let inputs = lists.get(index).map_or(&[][..], Vec::as_slice);
        let mut data = Vec::new();
        for (number, buffer) in inputs.iter().enumerate() {
            data.push(buffer.data()?);
            let number_kept = i64::try_from(number).unwrap_or(i64::MAX);
            if program.donated.contains(&number) && !keep.contains(&number_kept) {
                drop(buffer.delete());
            }
        }
        let target = call.get::<Device>(*device as *const u8)?;
        let mut launched = target
            .launched
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        launched.push(options.launch_id);
        drop(launched);
        let mut poisoned = target
            .poisoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let poison = poisoned.remove(&options.launch_id);
        drop(poisoned);
        let outputs = items(args.output_lists, devices.len());
        let outputs = outputs.get(index).copied().unwrap_or(std::ptr::null_mut());
        let outputs = room(outputs, program.outputs.len());
        if outputs.len() != program.outputs.len() {
            return Err(call.violation("no room for the outputs".to_owned()));
        }
        let mut filled = Vec::new();
        for (slot, output) in outputs.iter_mut().zip(&program.outputs) {
            let buffer = Buffer::new(output.shape.clone(), Place::on(call, *device)?);
            filled.push(buffer.data()?);
            *slot = call.give(buffer);
        }
        let done = Signal::new();
        if !args.device_complete_events.is_null()
            && let Some(event) = room(args.device_complete_events, devices.len()).get_mut(index)
        {
            *event = call.event(done.clone());
        }
        runs.push(Run {
            inputs: data,
            outputs: filled,
            done,
            poison,
            talk: Talk::new(call, &options, index, devices.len(), &loaded.executable)?,
            call: call.clone(),
            context: context.clone(),
            device: target.id,
            launch: options.launch_id,
        });
    }
    for run in runs {
        let loaded = loaded.clone();
        call.later(move |outcome| run.go(&loaded, outcome));
    }
    Ok(())
}

/// The arguments of one device.
fn inputs(
    call: &Call,
    loaded: &Loaded,
    program: &Program,
    handles: &[*mut sys::PJRT_Buffer],
) -> Result<Vec<Arc<Buffer>>, Failure> {
    if handles.len() != program.parameters.len() {
        let (wanted, given) = (program.parameters.len(), handles.len());
        return Err(Failure::invalid(format!(
            "the program takes {wanted} arguments, and {given} were given"
        )));
    }
    let mut found = Vec::new();
    for (number, (handle, shape)) in handles.iter().zip(&program.parameters).enumerate() {
        let buffer = call.buffer(*handle)?;
        if !Arc::ptr_eq(&buffer.client, &loaded.client) {
            return Err(call.violation(format!("argument {number} is of another client")));
        }
        buffer.data()?;
        if buffer.shape != *shape {
            let (wanted, given) = (shape.to_text(), buffer.shape.to_text());
            return Err(Failure::invalid(format!(
                "argument {number} is {given}, and the program takes {wanted}"
            )));
        }
        found.push(buffer);
    }
    Ok(found)
}

impl Run {
    fn go(self, loaded: &Loaded, outcome: Outcome) {
        let made = outcome.and_then(|()| self.compute(loaded));
        let ended = match made {
            Ok(made) => {
                for (data, storage) in self.outputs.iter().zip(made) {
                    data.fill(Ok(storage));
                }
                Ok(())
            }
            Err(failure) => {
                for data in &self.outputs {
                    data.fill(Err(failure.clone()));
                }
                Err(failure)
            }
        };
        self.done.set(ended);
    }

    fn compute(&self, loaded: &Loaded) -> Result<Vec<Arc<Storage>>, Failure> {
        let program = &loaded.executable.program;
        if let Some(failure) = &self.poison {
            return Err(failure.clone());
        }
        if let Some(failure) = &program.fails {
            // Whoever listens is told before anybody sees the error.
            prefatal(&self.call, &loaded.client, failure);
            return Err(failure.clone());
        }
        let mut inputs = Vec::new();
        for input in &self.inputs {
            inputs.push(input.wait()?);
        }
        let input = |n: usize| inputs.get(n).map_or(&[][..], |storage| storage.bytes());
        for (channel, n) in &program.sends {
            self.talk.send(*channel, input(*n))?;
        }
        for (id, told) in &program.told {
            for (operand, n) in told.iter().enumerate() {
                if let Some(shape) = program.parameters.get(*n) {
                    self.talk.tell(*id, operand, shape, input(*n))?;
                }
            }
        }
        let made = program.outputs.iter().map(|output| match output.made {
            Made::Same(n) => Ok(Storage::copy_of(input(n))),
            Made::Sum(a, b) => {
                let sum = element::add(output.shape.ty, input(a), input(b));
                let sum = sum.ok_or_else(|| {
                    Failure::unimplemented(format!("no sum of {}", output.shape.to_text()))
                })?;
                Ok(Storage::copy_of(&sum))
            }
            Made::Called(place) => {
                let site = loaded.executable.sites.get(place);
                let called = program.calls.get(place);
                let (Some(site), Some(called)) = (site, called) else {
                    return Err(Failure::precondition("the program has no such call"));
                };
                let result = Storage::copy_of(&vec![0; output.shape.bytes()]);
                let mut arrays = Vec::new();
                for n in &called.operands {
                    let there = program.parameters.get(*n).zip(inputs.get(*n));
                    arrays.extend(there.map(|(shape, storage)| Array {
                        shape,
                        start: storage.address(),
                    }));
                }
                arrays.push(Array {
                    shape: &output.shape,
                    start: result.address(),
                });
                let run = (self.context.clone(), self.device, self.launch.into());
                custom_call::call_at(&self.call, site, run, &mut arrays)?;
                Ok(result)
            }
            Made::Received(channel) => {
                let bytes = self.talk.receive(channel, output.shape.bytes())?;
                Ok(Storage::copy_of(&bytes))
            }
        });
        made.collect()
    }
}
