//! Compiled and loaded programs.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::client::Client;
use crate::ext::custom_call::{self, Site};
use crate::ext::{SHARDING, custom_partitioner, xla_transform};
use crate::failure::Failure;
use crate::loaded::Loaded;
use crate::memory::KINDS;
use crate::memory_of::{bytes, items, list, room, string, text};
use crate::named::{Named, Value};
use crate::program::Program;
use crate::proto;
use crate::topology::Topology;
use pjrt_sys as sys;
use std::collections::BTreeMap;
use std::ffi::c_char;
use std::sync::{Arc, Mutex, PoisonError};

/// A compiled program, with what callers ask of it in the form they get it.
pub(crate) struct Executable {
    pub(crate) program: Program,
    pub(crate) replicas: usize,
    pub(crate) partitions: usize,
    options: Vec<u8>,
    pub(crate) fingerprint: String,
    cost: Named,
    output_types: Vec<sys::PJRT_Buffer_Type>,
    output_dims: Vec<i64>,
    output_ranks: Vec<usize>,
    kinds: Vec<usize>,
    kind_sizes: Vec<usize>,
    pub(crate) parameters_spread: Spread,
    pub(crate) outputs_spread: Spread,
    /// Lists of handles that go with a handle of the executable, by that and what they are of.
    lent: Mutex<BTreeMap<(usize, &'static str), Vec<usize>>>,
    /// Where custom calls are made, in the program's order.
    pub(crate) sites: Vec<Arc<Site>>,
}

/// How arrays are spread over devices: texts and their lengths.
pub(crate) struct Spread {
    texts: Vec<usize>,
    sizes: Vec<usize>,
}

impl Spread {
    /// Who is not in the list is whole on every device. The texts are the list's own.
    fn new(said: &BTreeMap<usize, String>, count: usize) -> Spread {
        let texts = (0..count).map(|n| said.get(&n).map_or(SHARDING, String::as_str));
        let (texts, sizes) = texts
            .map(|t| text(t.as_bytes()))
            .map(|(start, size)| (start as usize, size))
            .unzip();
        Spread { texts, sizes }
    }

    pub(crate) fn lists(&self) -> (*const *const c_char, *const usize) {
        (self.texts.as_ptr().cast(), self.sizes.as_ptr())
    }
}

const MAGIC: &str = "mock executable\n";

impl Executable {
    fn new(call: &Call, program: Program, options: &[u8]) -> Result<Arc<Executable>, Failure> {
        let (replicas, partitions) = sizes(options)?;
        let sites = program
            .calls
            .iter()
            .map(|made| custom_call::site(call, made));
        let sites = sites.collect::<Result<_, _>>()?;
        let flops: usize = program.outputs.iter().map(|o| o.shape.bytes()).sum();
        let count = program.parameters.len().max(program.outputs.len());
        let (kind, kind_size) = text(KINDS[0].0.as_bytes());
        Ok(Arc::new(Executable {
            replicas: program.replicas.unwrap_or(replicas),
            partitions: program.partitions.unwrap_or(partitions),
            options: options.to_vec(),
            fingerprint: format!("mock:{}:{}", program.name, program.text.len()),
            cost: Named::new(call.era(), vec![("flops", Value::Float(flops as f32))]),
            output_types: program.outputs.iter().map(|o| o.shape.ty).collect(),
            output_dims: program
                .outputs
                .iter()
                .flat_map(|o| o.shape.dims.clone())
                .collect(),
            output_ranks: program.outputs.iter().map(|o| o.shape.dims.len()).collect(),
            kinds: vec![kind as usize; count],
            kind_sizes: vec![kind_size; count],
            parameters_spread: Spread::new(&program.spread_parameters, program.parameters.len()),
            outputs_spread: Spread::new(&program.spread_outputs, program.outputs.len()),
            lent: Mutex::default(),
            sites,
            program,
        }))
    }
}

impl Executable {
    /// A list of handles, made when it is first asked for: start and length.
    pub(crate) fn lent(
        &self,
        owner: usize,
        of: &'static str,
        make: impl FnOnce() -> Vec<usize>,
    ) -> (usize, usize) {
        let mut lent = self.lent.lock().unwrap_or_else(PoisonError::into_inner);
        // Lists are never taken out again, so the memory of each stays where it is.
        let list = lent.entry((owner, of)).or_insert_with(make);
        (list.as_ptr() as usize, list.len())
    }
}

/// Replicas and partitions of serialised compile options.
pub(crate) fn sizes(options: &[u8]) -> Result<(usize, usize), Failure> {
    let wrong = || Failure::invalid("the compile options are no message");
    let fields = proto::fields(options).ok_or_else(wrong)?;
    let build = proto::bytes_of(&fields, 3).unwrap_or_default();
    let build = proto::fields(build).ok_or_else(wrong)?;
    let number = |field| {
        let value = proto::number_of(&build, field).unwrap_or(1);
        usize::try_from(value)
            .map(|value| value.max(1))
            .map_err(|_| wrong())
    };
    Ok((number(4)?, number(5)?))
}

/// A program of the caller.
fn program(call: &Call, given: *const sys::PJRT_Program) -> Result<Program, Failure> {
    let given = call.read(given)?;
    let format = string(given.format, given.format_size)?;
    if !["mlir", "hlo"].contains(&format.as_str()) {
        return Err(Failure::invalid(format!(
            "no format `{format}`: say mlir or hlo"
        )));
    }
    let code = string(given.code, given.code_size)?;
    let code = xla_transform::apply(&call.inner, code)?;
    Program::parse(&custom_partitioner::apply(call, code)?)
}

fn compiled(
    call: &Call,
    given: *const sys::PJRT_Program,
    options: *const c_char,
    size: usize,
) -> Result<Arc<Executable>, Failure> {
    Executable::new(call, program(call, given)?, bytes(options, size))
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Compile", compile_only);
    all.add("PJRT_Client_Compile", compile);
    all.add("PJRT_Client_Load", load);
    all.add("PJRT_Executable_Destroy", destroy);
    all.add("PJRT_Executable_Name", name);
    all.add("PJRT_Executable_NumReplicas", replicas);
    all.add("PJRT_Executable_NumPartitions", partitions);
    all.add("PJRT_Executable_NumOutputs", num_outputs);
    all.add("PJRT_Executable_SizeOfGeneratedCodeInBytes", code_size);
    all.add("PJRT_Executable_Fingerprint", fingerprint);
    all.add("PJRT_Executable_GetCostAnalysis", cost);
    all.add("PJRT_Executable_GetCompiledMemoryStats", memory_stats);
    all.add("PJRT_Executable_OutputElementTypes", output_types);
    all.add("PJRT_Executable_OutputDimensions", output_dimensions);
    all.add("PJRT_Executable_ParameterMemoryKinds", parameter_kinds);
    all.add("PJRT_Executable_OutputMemoryKinds", output_kinds);
    all.add("PJRT_Executable_OptimizedProgram", optimized);
    all.add("PJRT_Executable_Serialize", serialize);
    all.add("PJRT_Executable_GetCompileOptions", compile_options);
    all.add("PJRT_Executable_DeserializeAndLoad", deserialize);
}

fn compile_only(call: &Call, args: &mut sys::PJRT_Compile_Args) -> Outcome {
    call.get::<Topology>(args.topology)?;
    call.get_or_none::<Client>(args.client)?;
    let options = (args.compile_options, args.compile_options_size);
    args.executable = call.give(compiled(call, args.program, options.0, options.1)?);
    Ok(())
}

fn compile(call: &Call, args: &mut sys::PJRT_Client_Compile_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let options = (args.compile_options, args.compile_options_size);
    let executable = compiled(call, args.program, options.0, options.1)?;
    args.executable = call.give(Loaded::new(client, executable)?);
    Ok(())
}

fn load(call: &Call, args: &mut sys::PJRT_Client_Load_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let executable = call.get::<Executable>(args.executable)?;
    sizes(bytes(args.compile_options, args.compile_options_size))?;
    args.loaded_executable = call.give(Loaded::new(client, executable)?);
    Ok(())
}

fn destroy(call: &Call, args: &mut sys::PJRT_Executable_Destroy_Args) -> Outcome {
    call.destroy::<Executable>(args.executable).map(drop)
}

fn name(call: &Call, args: &mut sys::PJRT_Executable_Name_Args) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    (args.executable_name, args.executable_name_size) = text(found.program.name.as_bytes());
    Ok(())
}

fn replicas(call: &Call, args: &mut sys::PJRT_Executable_NumReplicas_Args) -> Outcome {
    args.num_replicas = call.get::<Executable>(args.executable)?.replicas;
    Ok(())
}

fn partitions(call: &Call, args: &mut sys::PJRT_Executable_NumPartitions_Args) -> Outcome {
    args.num_partitions = call.get::<Executable>(args.executable)?.partitions;
    Ok(())
}

fn num_outputs(call: &Call, args: &mut sys::PJRT_Executable_NumOutputs_Args) -> Outcome {
    args.num_outputs = call
        .get::<Executable>(args.executable)?
        .program
        .outputs
        .len();
    Ok(())
}

fn code_size(
    call: &Call,
    args: &mut sys::PJRT_Executable_SizeOfGeneratedCodeInBytes_Args,
) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    args.size_in_bytes = i64::try_from(found.program.text.len()).unwrap_or(i64::MAX);
    Ok(())
}

fn fingerprint(call: &Call, args: &mut sys::PJRT_Executable_Fingerprint_Args) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    (
        args.executable_fingerprint,
        args.executable_fingerprint_size,
    ) = text(found.fingerprint.as_bytes());
    Ok(())
}

fn cost(call: &Call, args: &mut sys::PJRT_Executable_GetCostAnalysis_Args) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    (args.properties, args.num_properties) = found.cost.array();
    Ok(())
}

fn memory_stats(
    call: &Call,
    args: &mut sys::PJRT_Executable_GetCompiledMemoryStats_Args,
) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    let sum =
        |bytes: &mut dyn Iterator<Item = usize>| i64::try_from(bytes.sum::<usize>()).unwrap_or(0);
    let program = &found.program;
    args.generated_code_size_in_bytes = i64::try_from(program.text.len()).unwrap_or(0);
    args.argument_size_in_bytes = sum(&mut program.parameters.iter().map(|s| s.bytes()));
    args.output_size_in_bytes = sum(&mut program.outputs.iter().map(|o| o.shape.bytes()));
    args.peak_memory_in_bytes = args.argument_size_in_bytes + args.output_size_in_bytes;
    args.total_size_in_bytes = args.peak_memory_in_bytes;
    args.total_allocation_bytes = args.peak_memory_in_bytes;
    args.peak_unpadded_heap_bytes = args.peak_memory_in_bytes;
    Ok(())
}

fn output_types(call: &Call, args: &mut sys::PJRT_Executable_OutputElementTypes_Args) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    args.output_types = found.output_types.as_ptr().cast_mut();
    args.num_output_types = found.output_types.len();
    Ok(())
}

fn output_dimensions(
    call: &Call,
    args: &mut sys::PJRT_Executable_OutputDimensions_Args,
) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    args.dims = found.output_dims.as_ptr();
    (args.dim_sizes, args.num_outputs) = list(&found.output_ranks);
    Ok(())
}

fn parameter_kinds(
    call: &Call,
    args: &mut sys::PJRT_Executable_ParameterMemoryKinds_Args,
) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    args.num_parameters = found.program.parameters.len();
    args.memory_kinds = found.kinds.as_ptr().cast();
    args.memory_kind_sizes = found.kind_sizes.as_ptr();
    Ok(())
}

fn output_kinds(call: &Call, args: &mut sys::PJRT_Executable_OutputMemoryKinds_Args) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    args.num_outputs = found.program.outputs.len();
    args.memory_kinds = found.kinds.as_ptr().cast();
    args.memory_kind_sizes = found.kind_sizes.as_ptr();
    Ok(())
}

fn optimized(call: &Call, args: &mut sys::PJRT_Executable_OptimizedProgram_Args) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    let mut wanted = call.read(args.program)?;
    (wanted.format, wanted.format_size) = text(b"mlir");
    let code = found.program.text.as_bytes();
    if wanted.code.is_null() {
        wanted.code_size = code.len();
    } else if wanted.code_size < code.len() {
        return Err(Failure::invalid(format!(
            "the program has {} bytes",
            code.len()
        )));
    } else {
        wanted.code_size = code.len();
        let place: &mut [u8] = room(wanted.code.cast(), code.len());
        place.copy_from_slice(code);
    }
    call.write(&wanted, args.program)
}

pub(crate) unsafe extern "C" fn free<T>(holder: *mut T) {
    if !holder.is_null() {
        // SAFETY: the pointer was made below of a box, and callers call this once.
        drop(unsafe { Box::from_raw(holder.cast::<Vec<u8>>()) });
    }
}

fn serialize(call: &Call, args: &mut sys::PJRT_Executable_Serialize_Args) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    let mut message = Vec::new();
    proto::nested(1, &found.options, &mut message);
    proto::nested(2, found.program.text.as_bytes(), &mut message);
    let mut holder = Box::new(MAGIC.as_bytes().to_vec());
    holder.extend(message);
    (args.serialized_bytes, args.serialized_bytes_size) = text(&holder);
    args.serialized_executable = Box::into_raw(holder).cast();
    args.serialized_executable_deleter = Some(free);
    Ok(())
}

fn compile_options(call: &Call, args: &mut sys::PJRT_Executable_GetCompileOptions_Args) -> Outcome {
    let found = call.get::<Executable>(args.executable)?;
    let holder = Box::new(found.options.clone());
    (args.serialized_bytes, args.serialized_bytes_size) = text(&holder);
    args.serialized_compile_options = Box::into_raw(holder).cast();
    args.serialized_compile_options_deleter = Some(free);
    Ok(())
}

fn deserialize(call: &Call, args: &mut sys::PJRT_Executable_DeserializeAndLoad_Args) -> Outcome {
    let client = call.get::<Client>(args.client)?;
    let given = bytes(args.serialized_executable, args.serialized_executable_size);
    let refused = || Failure::invalid("no serialised executable");
    let message = given.strip_prefix(MAGIC.as_bytes()).ok_or_else(refused)?;
    let fields = proto::fields(message).ok_or_else(refused)?;
    let code = proto::bytes_of(&fields, 2).ok_or_else(refused)?;
    let code = std::str::from_utf8(code).map_err(|_| refused())?;
    let others = bytes(
        args.overridden_serialized_compile_options,
        args.overridden_serialized_compile_options_size,
    );
    let own = proto::bytes_of(&fields, 1).unwrap_or_default();
    let options = if others.is_empty() { own } else { others };
    if !args.load_options.is_null() {
        let load = call.read(args.load_options)?;
        items(load.computation_origin, load.computation_origin_size);
    }
    let executable = Executable::new(call, Program::parse(code)?, options)?;
    args.loaded_executable = call.give(Loaded::new(client, executable)?);
    Ok(())
}
