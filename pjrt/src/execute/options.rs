//! How a program is run.

use super::callbacks::{HloOutput, OnOutput, OnReceive, OnSend, Sent};
use crate::multi_slice::MultiSliceConfig;
use crate::{CallbackError, CopyToDeviceStream, ExecuteContext};
use std::fmt;
use std::sync::Arc;

/// How a program is run. The default leaves everything to the plugin.
///
/// What is set on a plugin that is too old to know it is refused, with the name of the field.
///
/// ```
/// # pjrt_doc::ready("cpu");
/// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
/// # let program = pjrt::Program::mlir("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { %y = stablehlo.add %x, %x : tensor<2xf32> return %y : tensor<2xf32> }");
/// # let executable = client.compile(&program, &Default::default())?;
/// use pjrt::ExecuteOptions;
///
/// let x = client.buffer_from_slice(&[1.0f32, 2.0], &[2])?;
/// let options = ExecuteOptions::new().launch_id(7);
/// let runs = executable.execute(vec![vec![(&x).into()]], &options)?;
/// assert_eq!(runs[0].outputs[0].to_vec::<f32>()?, [2.0, 4.0]);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct ExecuteOptions {
    pub(super) launch_id: i32,
    pub(super) context: Option<Arc<ExecuteContext>>,
    pub(super) call_location: Option<String>,
    pub(super) tasks: Vec<(i32, i64)>,
    pub(super) slices: Option<MultiSliceConfig>,
    pub(super) device_layout: bool,
    pub(super) sends: Vec<(i64, Arc<OnSend>)>,
    pub(super) receives: Vec<(i64, Arc<OnReceive>)>,
    pub(super) outputs: Vec<(i64, usize, Arc<OnOutput>)>,
}

impl ExecuteOptions {
    /// Leaves everything to the plugin.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of the launch that this run is part of, the same on all hosts, so that the
    /// plugin can see launches in different orders. 0 is none.
    #[must_use]
    pub fn launch_id(mut self, id: i32) -> Self {
        self.launch_id = id;
        self
    }

    /// Values for custom calls. They are kept until the run is over, and nobody can add to them
    /// while it goes on. Since PJRT 0.64.
    #[must_use]
    pub fn context(mut self, context: Arc<ExecuteContext>) -> Self {
        self.context = Some(context);
        self
    }

    /// Where in the caller's sources the run was started, such as `train.py:12`, for the plugin's
    /// messages. It may not hold a zero byte. Since PJRT 0.76.
    #[must_use]
    pub fn call_location(mut self, location: impl Into<String>) -> Self {
        self.call_location = Some(location.into());
        self
    }

    /// The incarnation of a process of a distributed program: `task` is its number, `incarnation`
    /// what tells it from the one that ran under that number before. Since PJRT 0.78.
    #[must_use]
    pub fn task(mut self, task: i32, incarnation: i64) -> Self {
        self.tasks.push((task, incarnation));
        self
    }

    /// The slices that the program runs on. Kept until the run is over. Since PJRT 0.97.
    #[must_use]
    pub fn slices(mut self, config: MultiSliceConfig) -> Self {
        self.slices = Some(config);
        self
    }

    /// Calls back with what the send operation of this channel gives, on each device, until the
    /// run is over: on a thread of the plugin's, for several devices at once. An error that is
    /// returned, and a panic, become the plugin's.
    #[must_use]
    pub fn on_send(
        mut self,
        channel: i64,
        callback: impl Fn(Sent) -> Result<(), CallbackError> + Send + Sync + 'static,
    ) -> Self {
        self.sends.push((channel, Arc::new(callback)));
        self
    }

    /// Calls back when the receive operation of this channel wants data, with the place of the
    /// device's argument list and the stream that takes the data, which may be kept. On a thread of
    /// the plugin's. A stream that is dropped before it got everything fails the operation.
    #[must_use]
    pub fn on_receive(
        mut self,
        channel: i64,
        callback: impl Fn(usize, CopyToDeviceStream) + Send + Sync + 'static,
    ) -> Self {
        self.receives.push((channel, Arc::new(callback)));
        self
    }

    /// Calls back with the values that an operation shows on its way, one operand after the other,
    /// for all replicas and partitions: on a thread of the plugin's. `id` and the number of
    /// operands are the operation's. Since PJRT 0.112.
    #[must_use]
    pub fn on_output(
        mut self,
        id: i64,
        operands: usize,
        callback: impl Fn(HloOutput<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.outputs.push((id, operands, Arc::new(callback)));
        self
    }

    /// Gives sent and received data the layout that it has on the device instead of row-major
    /// order, which takes no conversion. Since PJRT 0.108.
    #[must_use]
    pub fn device_layout_in_callbacks(mut self) -> Self {
        self.device_layout = true;
        self
    }
}

impl fmt::Debug for ExecuteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecuteOptions")
            .field("launch_id", &self.launch_id)
            .field("context", &self.context.is_some())
            .field("call_location", &self.call_location)
            .field("tasks", &self.tasks)
            .field("slices", &self.slices.is_some())
            .field("sends", &self.sends.len())
            .field("receives", &self.receives.len())
            .field("outputs", &self.outputs.len())
            .field("device_layout_in_callbacks", &self.device_layout)
            .finish()
    }
}
