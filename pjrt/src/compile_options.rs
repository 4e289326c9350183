//! Options of a compilation.

use crate::proto::options::{self, Takes};
use crate::proto::{
    CompileOptionsProto, ExecutableBuildOptionsProto, Message, OptionOverrideProto,
    OptionOverrideProtoValue, ShapeProto,
};
use crate::{DeviceAssignment, Error, InvalidOptions, OptionValue, Program, Result, rt};

mod sharding;

/// How a program is compiled. The default is one replica of one partition.
///
/// The number of replicas and of partitions is always sent, for some plugins abort the process
/// when they are missing.
///
/// What has no method of its own is reached through [`Self::proto_mut`].
///
/// ```
/// # pjrt_doc::ready("cpu");
/// # let client = pjrt::Plugin::find("cpu")?.create_client(&Default::default())?;
/// # let program = pjrt::Program::mlir("func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> { %y = stablehlo.add %x, %x : tensor<2xf32> return %y : tensor<2xf32> }");
/// use pjrt::CompileOptions;
///
/// let options = CompileOptions::new().replicas(2);
/// let executable = client.compile(&program, &options)?;
/// assert_eq!(executable.addressable_devices()?.len(), 2);
/// # Ok::<(), pjrt::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CompileOptions {
    message: CompileOptionsProto,
}

impl Default for CompileOptions {
    fn default() -> Self {
        let mut build = ExecutableBuildOptionsProto::default();
        build.device_ordinal = -1;
        build.num_replicas = 1;
        build.num_partitions = 1;
        build.process_count = 1;
        // As JAX does, so that plugins see nothing new; a list of none is not the same.
        build.allow_spmd_sharding_propagation_to_parameters = vec![false];
        build.allow_spmd_sharding_propagation_to_output = vec![false];
        let mut message = CompileOptionsProto::default();
        message.executable_build_options = Some(build);
        Self { message }
    }
}

impl CompileOptions {
    /// One replica of one partition.
    pub fn new() -> Self {
        Self::default()
    }

    fn build(&mut self) -> &mut ExecutableBuildOptionsProto {
        self.message
            .executable_build_options
            .get_or_insert_default()
    }

    /// On how many replicas the program runs; at least 1.
    #[must_use]
    pub fn replicas(mut self, replicas: u32) -> Self {
        self.build().num_replicas = replicas.max(1).into();
        self
    }

    /// Into how many partitions one replica is split; at least 1.
    #[must_use]
    pub fn partitions(mut self, partitions: u32) -> Self {
        self.build().num_partitions = partitions.max(1).into();
        self
    }

    /// Which device runs which replica and partition, and with it how many of both there are.
    #[must_use]
    pub fn device_assignment(mut self, assignment: &DeviceAssignment) -> Self {
        let build = self.build();
        build.num_replicas = assignment.replicas().into();
        build.num_partitions = assignment.partitions().into();
        build.device_assignment = Some(assignment.to_proto());
        self
    }

    /// One program is made for all partitions, and the compiler splits the values as the module's
    /// annotations say. Needed where there is more than one partition.
    #[must_use]
    pub fn spmd_partitioning(mut self, on: bool) -> Self {
        self.build().use_spmd_partitioning = on;
        self
    }

    /// Values are split by Shardy, which reads annotations in the dialect `sdy`; otherwise by GSPMD,
    /// which reads the attribute `mhlo.sharding`.
    #[must_use]
    pub fn shardy(mut self, on: bool) -> Self {
        self.build().use_shardy_partitioner = on;
        self
    }

    /// For each result, or once for all, whether the compiler may choose how it is split.
    #[must_use]
    pub fn propagate_sharding_to_outputs(mut self, each: impl Into<Vec<bool>>) -> Self {
        self.build().allow_spmd_sharding_propagation_to_output = each.into();
        self
    }

    /// For each parameter, or once for all, whether the compiler may choose how it is split.
    #[must_use]
    pub fn propagate_sharding_to_parameters(mut self, each: impl Into<Vec<bool>>) -> Self {
        self.build().allow_spmd_sharding_propagation_to_parameters = each.into();
        self
    }

    /// The program is for any one device, which each run names. It has one replica, one partition
    /// and no device assignment.
    #[must_use]
    pub fn portable(mut self, on: bool) -> Self {
        self.message.compile_portable_executable = on;
        self
    }

    /// The program takes one tuple that is made of the arguments.
    #[must_use]
    pub fn tupled_arguments(mut self, on: bool) -> Self {
        self.message.parameter_is_tupled_arguments = on;
        self
    }

    /// Shapes with the layouts of all arguments, in their order.
    #[must_use]
    pub fn argument_layouts(mut self, shapes: impl Into<Vec<ShapeProto>>) -> Self {
        self.message.argument_layouts = shapes.into();
        self
    }

    /// Shape with the layout of the result; of several, a tuple.
    #[must_use]
    pub fn result_layout(mut self, shape: ShapeProto) -> Self {
        self.build().result_layout = Some(shape);
        self
    }

    /// Version of the profile that the compiler may use; 0 for the newest.
    #[must_use]
    pub fn profile_version(mut self, version: i64) -> Self {
        self.message.profile_version = version;
        self
    }

    /// How slices of TPUs are joined: bytes that the extension `MultiSlice` gives.
    #[must_use]
    pub fn multi_slice_config(mut self, config: impl Into<Vec<u8>>) -> Self {
        self.message.serialized_multi_slice_config = config.into();
        self
    }

    /// Sets an option of XLA's by its name, such as `xla_dump_to`. These are the flags that
    /// `XLA_FLAGS` takes. A later value of the same name counts.
    ///
    /// # Errors
    ///
    /// `InvalidOptions` for a name that is not known, with the one that is most like it, and for a
    /// value of another type.
    pub fn option(mut self, name: &str, value: impl Into<OptionValue>) -> Result<Self> {
        let Some(takes) = options::takes(name) else {
            return Err(InvalidOptions::UnknownOption {
                name: name.to_owned(),
                nearest: options::nearest(name),
            }
            .into());
        };
        let value = value.into();
        let fits = match (takes, &value) {
            (Takes::Bool, OptionValue::Bool(_))
            | (Takes::Int64 | Takes::Enum, OptionValue::Int(_))
            | (Takes::Float, OptionValue::Float(_))
            | (Takes::Text | Takes::Enum | Takes::List, OptionValue::Text(_)) => true,
            (Takes::Int32, OptionValue::Int(number)) => i32::try_from(*number).is_ok(),
            _ => false,
        };
        if !fits {
            return Err(InvalidOptions::WrongType {
                name: name.to_owned(),
                expected: takes.words(),
                given: value,
            }
            .into());
        }
        let value = match value {
            // Plugins refuse 0 and what is below it as a number, and take it as text.
            OptionValue::Float(number) => OptionValue::Text(number.to_string()),
            other => other,
        };
        self.set(name, value);
        Ok(self)
    }

    /// Sets an option without looking at name and value: one that is newer than this crate, or the
    /// platform's own. The plugin refuses what it does not know.
    #[must_use]
    pub fn raw_option(mut self, name: impl Into<String>, value: impl Into<OptionValue>) -> Self {
        self.set(&name.into(), value.into());
        self
    }

    fn set(&mut self, name: &str, value: OptionValue) {
        let mut held = OptionOverrideProto::default();
        held.value = Some(match value {
            OptionValue::Bool(on) => OptionOverrideProtoValue::BoolField(on),
            OptionValue::Int(number) => OptionOverrideProtoValue::IntField(number),
            OptionValue::Float(number) => OptionOverrideProtoValue::DoubleField(number),
            OptionValue::Text(text) => OptionOverrideProtoValue::StringField(text),
        });
        self.message
            .env_option_overrides
            .insert(name.to_owned(), held);
    }

    /// The message that plugins are given.
    pub fn proto(&self) -> &CompileOptionsProto {
        &self.message
    }

    /// The message that plugins are given, to set what has no method here.
    pub fn proto_mut(&mut self) -> &mut CompileOptionsProto {
        &mut self.message
    }

    /// The options as a serialised `CompileOptionsProto`.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.message.to_bytes()
    }

    /// Reads a serialised `CompileOptionsProto`. What is not known is kept and written again.
    ///
    /// # Errors
    ///
    /// `Decode` for bytes that are no such message.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        Ok(CompileOptionsProto::from_bytes(bytes)?.into())
    }

    /// Whether the options agree with each other; asked before each compilation.
    ///
    /// # Errors
    ///
    /// `InvalidOptions` if there is no replica or partition, which ends the process in some
    /// plugins, if an assignment is for another number of them, and for a portable program with
    /// more than one of them.
    pub fn check(&self) -> Result<()> {
        let build = self.message.executable_build_options.as_ref();
        let counts = build.map_or((0, 0), |build| (build.num_replicas, build.num_partitions));
        if counts.0 < 1 || counts.1 < 1 {
            return Err(InvalidOptions::Counts {
                replicas: counts.0,
                partitions: counts.1,
            }
            .into());
        }
        let assignment = build.and_then(|build| build.device_assignment.as_ref());
        let portable = self.message.compile_portable_executable;
        if portable && (counts != (1, 1) || assignment.is_some()) {
            return Err(InvalidOptions::Portable.into());
        }
        if let Some(message) = assignment {
            let assignment = DeviceAssignment::from_proto(message)?;
            let assigned = (assignment.replicas(), assignment.partitions());
            if counts != (assigned.0.into(), assigned.1.into()) {
                return Err(InvalidOptions::Assignment {
                    options: counts,
                    assignment: assigned,
                }
                .into());
            }
        }
        Ok(())
    }
}

impl From<CompileOptionsProto> for CompileOptions {
    fn from(message: CompileOptionsProto) -> Self {
        CompileOptions { message }
    }
}

impl From<CompileOptions> for CompileOptionsProto {
    fn from(options: CompileOptions) -> Self {
        options.message
    }
}

impl rt::Message for CompileOptions {
    fn serialised(&self) -> Result<Vec<u8>> {
        self.check()?;
        Ok(self.to_bytes())
    }

    fn advise(&self, program: &Program<'_>, error: Error) -> Error {
        let build = self.message.executable_build_options.as_ref();
        let shardy = build.is_some_and(|build| build.use_shardy_partitioner);
        match (error, sharding::hint(program, shardy)) {
            (Error::Plugin(mut error), Some(hint)) => {
                error.hint = Some(hint);
                Error::Plugin(error)
            }
            (error, _) => error,
        }
    }
}

impl rt::Parsed for CompileOptions {
    fn parsed(bytes: &[u8]) -> std::result::Result<Self, &'static str> {
        <CompileOptionsProto as rt::Parsed>::parsed(bytes).map(Self::from)
    }
}

#[cfg(test)]
mod tests;
