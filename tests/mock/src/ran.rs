//! What a run was given, as it arrived.

use crate::call::Call;
use crate::ext::multi_slice::Config;
use crate::failure::Failure;
use crate::memory_of::items;
use crate::mock::Inner;
use pjrt_sys as sys;
use std::ffi::CStr;
use std::sync::{Mutex, PoisonError};

/// What the last run was given beside its arguments, read from the struct of the caller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// Lists of arguments.
    pub devices: usize,
    /// The run was for one device, chosen in the call.
    pub chosen: bool,
    /// The number of the launch.
    pub launch_id: i32,
    /// A context came with it.
    pub context: bool,
    /// Where it was called.
    pub call_location: Option<String>,
    /// Tasks and their incarnations.
    pub tasks: Vec<(i32, i64)>,
    /// Slices, and which of them this is.
    pub slices: Option<(i32, i32)>,
    /// Arguments that may not be donated.
    pub kept: Vec<i64>,
    /// The layout of what is sent and received is row-major.
    pub row_major: bool,
    /// Channels of sends, for each device.
    pub sends: Vec<Vec<i64>>,
    /// Channels of receives, for each device.
    pub receives: Vec<Vec<i64>>,
    /// Callbacks that are told values, with their numbers of operands.
    pub told: Vec<(i64, usize)>,
}

impl Ran {
    /// Reads what a call brings.
    pub(crate) fn read(
        call: &Call,
        args: &sys::PJRT_LoadedExecutable_Execute_Args,
        options: &sys::PJRT_ExecuteOptions,
    ) -> Result<Ran, Failure> {
        let devices = args.num_devices;
        let location = options.call_location;
        // SAFETY: a caller gives a text that ends with a zero byte, or none.
        let location = (!location.is_null()).then(|| unsafe { CStr::from_ptr(location) });
        let mut sends = Vec::new();
        for list in items(options.send_callbacks, devices) {
            let infos = call.read_all(*list, options.num_send_ops)?;
            sends.push(infos.iter().map(|info| info.channel_id).collect());
        }
        let mut receives = Vec::new();
        for list in items(options.recv_callbacks, devices) {
            let infos = call.read_all(*list, options.num_recv_ops)?;
            receives.push(infos.iter().map(|info| info.channel_id).collect());
        }
        let (told, count) = (
            options.hlo_output_callbacks,
            options.num_hlo_output_callbacks,
        );
        let told = call.read_all(told, count)?;
        let slices = call.get_or_none::<Config>(options.multi_slice_config)?;
        let tasks = items(options.task_ids, options.num_tasks);
        let incarnations = items(options.incarnation_ids, options.num_tasks);
        let kept = options.num_non_donatable_input_indices;
        Ok(Ran {
            devices,
            chosen: !args.execute_device.is_null(),
            launch_id: options.launch_id,
            context: !options.context.is_null(),
            call_location: location.map(|text| text.to_string_lossy().into_owned()),
            tasks: tasks
                .iter()
                .copied()
                .zip(incarnations.iter().copied())
                .collect(),
            slices: slices.map(|config| (config.slices, config.slice)),
            kept: items(options.non_donatable_input_indices, kept).to_vec(),
            row_major: options.use_major_to_minor_data_layout_for_callbacks,
            sends,
            receives,
            told: told
                .iter()
                .map(|info| (info.callback_id, info.num_operands))
                .collect(),
        })
    }

    /// Notes it as the last one.
    pub(crate) fn note(self, inner: &Inner) {
        let last = inner.state::<Mutex<Option<Ran>>>();
        *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }

    /// The last one.
    pub(crate) fn last(inner: &Inner) -> Option<Ran> {
        let last = inner.state::<Mutex<Option<Ran>>>();
        last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
