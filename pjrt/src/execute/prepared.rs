//! Options in the form that a plugin takes, and what must stay until the run is over.

use super::callbacks::{Output, Receive, Sending, output, receive, send};
use super::{EXECUTE, ExecuteOptions};
use crate::multi_slice::MultiSliceConfig;
use crate::rt::{self, Api, Handle, Numbered, Owner, guard};
use crate::{CopyToDeviceStream, Error, Event, ExecuteContext, LoadedExecutable};
use crate::{Result, raw, sys};
use std::collections::BTreeSet;
use std::ffi::CString;
use std::ptr;
use std::sync::Arc;

/// What a plugin may use until the run is over.
#[derive(Default)]
pub(super) struct Held {
    /// Callbacks, which the plugin knows by their numbers.
    callbacks: Vec<Numbered>,
    context: Option<Arc<ExecuteContext>>,
    slices: Option<MultiSliceConfig>,
    /// The client.
    _client: Option<Owner>,
}

impl Held {
    fn is_empty(&self) -> bool {
        self.callbacks.is_empty() && self.context.is_none() && self.slices.is_none()
    }

    /// Keeps all of it until every event has happened.
    pub(super) fn until<'a>(self, events: impl Iterator<Item = Option<&'a Event>>) {
        if self.is_empty() || guard::off("context_freed_early") {
            return;
        }
        let held = Arc::new(self);
        for event in events {
            let last = Kept(Some(held.clone()));
            // Without an event nobody knows when the run is over: then it stays.
            if let Some(event) = event {
                let _ = event.on_ready(move |_| last.end());
            }
        }
    }

    /// A run on one device that failed to start uses nothing; of several devices, some may have
    /// started. Callbacks end in any case: a late one finds nothing.
    pub(super) fn after_failure(self, devices: usize) {
        if devices > 1 {
            std::mem::forget((self.context, self.slices));
        }
    }
}

/// Ends only when told to.
struct Kept(Option<Arc<Held>>);

impl Kept {
    fn end(mut self) {
        self.0 = None;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        std::mem::forget(self.0.take());
    }
}

/// Options for one call, with the memory that they point to.
pub(super) struct Prepared {
    pub(super) options: sys::PJRT_ExecuteOptions,
    pub(super) held: Held,
    _location: Option<CString>,
    _tasks: (Vec<i32>, Vec<i64>),
    _sends: Lists<sys::PJRT_SendCallbackInfo>,
    _receives: Lists<sys::PJRT_RecvCallbackInfo>,
    _outputs: Vec<sys::PJRT_HloOutputCallbackInfo>,
}

/// One list per device.
struct Lists<T> {
    of_devices: Vec<*mut T>,
    _items: Vec<Vec<T>>,
}

impl<T> Lists<T> {
    fn new(mut items: Vec<Vec<T>>) -> Lists<T> {
        Lists {
            of_devices: items.iter_mut().map(Vec::as_mut_ptr).collect(),
            _items: items,
        }
    }

    fn as_ptr(&self, operations: usize) -> *mut *mut T {
        if operations == 0 {
            ptr::null_mut()
        } else {
            self.of_devices.as_ptr().cast_mut()
        }
    }
}

impl ExecuteOptions {
    /// Lowers the options for a run of a program on so many devices. `kept` are the arguments whose
    /// memory the program may not take.
    pub(super) fn prepare(
        &self,
        program: &LoadedExecutable,
        devices: usize,
        kept: &[i64],
    ) -> Result<Prepared> {
        let api = program.api();
        self.check(api)?;
        let callbacks =
            !(self.sends.is_empty() && self.receives.is_empty() && self.outputs.is_empty());
        let holds = callbacks || self.context.is_some() || self.slices.is_some();
        if holds && api.table().PJRT_Event_OnReady.is_none() {
            // Nobody would tell when the run is over and what it uses may go.
            return Err(api.absent(&rt::Function {
                name: "PJRT_Event_OnReady",
                since: 0,
            }));
        }
        let client = rt::client_of(program);
        let mut held = Held {
            callbacks: Vec::new(),
            context: self.context.clone(),
            slices: self.slices.clone(),
            _client: client.clone(),
        };
        let (mut sends, mut receives, mut outputs) = (Vec::new(), Vec::new(), Vec::new());
        for device in 0..devices {
            let mut of_device = Vec::new();
            for (channel, call) in &self.sends {
                let number = Numbered::new(Arc::new(Sending {
                    call: call.clone(),
                    device,
                    owner: client.clone(),
                }));
                let mut info = sys::PJRT_SendCallbackInfo::zeroed();
                info.channel_id = *channel;
                info.user_arg = number.data();
                info.send_callback = Some(send);
                of_device.push(info);
                held.callbacks.push(number);
            }
            sends.push(of_device);
            let mut of_device = Vec::new();
            for (channel, call) in &self.receives {
                let number = Numbered::new(Arc::new(Receive {
                    call: call.clone(),
                    device,
                    api,
                    owner: client.clone(),
                }));
                let mut info = sys::PJRT_RecvCallbackInfo::zeroed();
                info.channel_id = *channel;
                info.user_arg = number.data();
                info.recv_callback = Some(receive);
                of_device.push(info);
                held.callbacks.push(number);
            }
            receives.push(of_device);
        }
        for (id, operands, call) in &self.outputs {
            let number = Numbered::new(Arc::new(Output(call.clone())));
            let mut info = sys::PJRT_HloOutputCallbackInfo::zeroed();
            info.callback_id = *id;
            info.num_operands = *operands;
            info.user_arg = number.data();
            info.callback = Some(output);
            outputs.push(info);
            held.callbacks.push(number);
        }
        let location = self.call_location.clone().map(CString::new).transpose();
        let location =
            location.map_err(|_| refused("call_location", "it holds a zero byte".to_owned()))?;
        let (mut tasks, mut incarnations): (Vec<i32>, Vec<i64>) =
            self.tasks.iter().copied().unzip();
        let (sends, receives) = (Lists::new(sends), Lists::new(receives));

        let mut options = raw::ExecuteOptions::unset();
        options.num_send_ops = self.sends.len();
        options.send_callbacks = sends.as_ptr(self.sends.len());
        options.num_recv_ops = self.receives.len();
        options.recv_callbacks = receives.as_ptr(self.receives.len());
        options.launch_id = self.launch_id;
        options.non_donatable_input_indices = kept.as_ptr();
        options.num_non_donatable_input_indices = kept.len();
        if let Some(context) = &self.context {
            options.context = Some(context.as_raw());
        }
        if let Some(location) = &location {
            options.call_location = Some(location.as_ptr());
        }
        if !tasks.is_empty() {
            options.num_tasks = Some(tasks.len());
            options.task_ids = Some(tasks.as_mut_ptr());
            options.incarnation_ids = Some(incarnations.as_mut_ptr());
        }
        if let Some(slices) = &self.slices {
            options.multi_slice_config = Some(slices.as_raw());
        }
        // Older plugins know row-major order only.
        let asks = !self.sends.is_empty() || !self.receives.is_empty();
        if asks
            && raw::ExecuteOptions::knows_use_major_to_minor_data_layout_for_callbacks(api).is_ok()
        {
            options.use_major_to_minor_data_layout_for_callbacks = Some(!self.device_layout);
        }
        if !outputs.is_empty() {
            options.hlo_output_callbacks = Some(outputs.as_mut_ptr());
            options.num_hlo_output_callbacks = Some(outputs.len());
        }
        Ok(Prepared {
            options: options.lower(api)?,
            held,
            _location: location,
            _tasks: (tasks, incarnations),
            _sends: sends,
            _receives: receives,
            _outputs: outputs,
        })
    }

    /// Refuses what the plugin is too old to know, handles of other plugins, and one channel twice.
    fn check(&self, api: &'static Api) -> Result<()> {
        if let Some(context) = &self.context {
            rt::of_plugin(api, context.as_ref(), EXECUTE, "context")?;
        }
        if let Some(slices) = &self.slices {
            rt::of_plugin(api, slices, EXECUTE, "multi_slice_config")?;
        }
        if !self.receives.is_empty() {
            rt::destructor::<CopyToDeviceStream>(api)?;
        }
        use raw::ExecuteOptions as Raw;
        type Known = fn(&Api) -> Result<()>;
        let set: [(bool, Known); 6] = [
            (self.context.is_some(), Raw::knows_context),
            (self.call_location.is_some(), Raw::knows_call_location),
            (!self.tasks.is_empty(), Raw::knows_task_ids),
            (self.slices.is_some(), Raw::knows_multi_slice_config),
            (
                self.device_layout,
                Raw::knows_use_major_to_minor_data_layout_for_callbacks,
            ),
            (!self.outputs.is_empty(), Raw::knows_hlo_output_callbacks),
        ];
        for (_, known) in set.into_iter().filter(|(set, _)| *set) {
            known(api)?;
        }
        let twice = |channels: &mut dyn Iterator<Item = i64>| {
            let mut seen = BTreeSet::new();
            let mut channels = channels;
            Iterator::find(&mut channels, |channel| !seen.insert(*channel))
        };
        let lists: [(&'static str, Option<i64>); 3] = [
            ("send_callbacks", twice(&mut self.sends.iter().map(|s| s.0))),
            (
                "recv_callbacks",
                twice(&mut self.receives.iter().map(|r| r.0)),
            ),
            (
                "task_ids",
                twice(&mut self.tasks.iter().map(|t| t.0.into())),
            ),
        ];
        match lists.into_iter().find_map(|(f, twice)| Some((f, twice?))) {
            Some((field, number)) => Err(refused(field, format!("{number} is given twice"))),
            None => Ok(()),
        }
    }
}

fn refused(argument: &'static str, problem: String) -> Error {
    Error::InvalidArgument {
        function: EXECUTE,
        argument,
        problem,
    }
}
