//! The extensions that the mock has.

use crate::scenario::{ADD, client, compiled, floats, scenarios};
use pjrt::callback::Callback;
use pjrt::custom_partitioner::{self, CustomPartitioner, Inference, Partition, Partitioner};
use pjrt::ffi::{Handler, UserType};
use pjrt::triton::{KernelOptions, Triton};
use pjrt::{CallbackError, ElementType, ErrorCode};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

struct Whole;

impl Partitioner for Whole {
    fn partition(
        &self,
        call: &custom_partitioner::Call<'_>,
    ) -> std::result::Result<Partition, CallbackError> {
        Ok(Partition {
            module: "mock whole\nparam f32[2,2]\nout 0\n".into(),
            operand_shardings: vec![Vec::new(); call.operands.len()],
            result_sharding: Vec::new(),
        })
    }

    fn infer_sharding(&self, _: &Inference<'_>) -> Option<Vec<u8>> {
        None
    }
}

scenarios! {
    fn chain(plugin) {
        let nodes = plugin.extensions();
        assert!(plugin.extension_chain_fault().is_some() || nodes.len() < 64);
    }

    fn layouts_of_clients_and_buffers(plugin) {
        let layouts: pjrt::layouts::Layouts = plugin.extension()?;
        let client = client(plugin)?;
        let layout = layouts.buffer_layout(&floats(&client)?)?;
        assert_eq!(layout.serialize()?.to_vec(), b"{1,0}");
        drop(layouts.client_default_layout(&client, ElementType::F32, &[2, 2])?);
    }

    fn layouts_of_topologies(plugin) {
        let layouts: pjrt::layouts::Layouts = plugin.extension()?;
        let topology = plugin.create_topology("mock:3", &[])?;
        drop(layouts.topology_default_layout(&topology, ElementType::F32, &[2, 2])?);
    }

    fn layouts_of_outputs(plugin) {
        let layouts: pjrt::layouts::Layouts = plugin.extension()?;
        let executable = compiled(&client(plugin)?, ADD)?.executable()?;
        assert_eq!(layouts.output_layouts(&executable)?.len(), 2);
    }

    fn layouts_of_parameters(plugin) {
        let layouts: pjrt::layouts::Layouts = plugin.extension()?;
        let executable = compiled(&client(plugin)?, ADD)?.executable()?;
        assert_eq!(layouts.parameter_layouts(&executable)?.len(), 2);
    }

    fn example(plugin) {
        let example: pjrt::example::Example = plugin.extension()?;
        let object = example.create()?;
        example.example_method(Some(&object), 3)?;
    }

    fn abi_versions(plugin) {
        let versions: pjrt::abi_version::AbiVersion = plugin.extension()?;
        let client = client(plugin)?;
        let ours = versions.of_client(&client)?;
        let needed = versions.of_executable(&compiled(&client, ADD)?.executable()?)?;
        ours.check_executable(&needed)?;
        assert_eq!(ours.platform_id()?, needed.platform_id()?);
        let again = versions.runtime_from_proto(&ours.to_proto()?)?;
        ours.check_runtime(&again)?;
        drop(versions.executable_from_proto(&needed.to_proto()?)?);
    }

    fn shardings(plugin) {
        let shardings: pjrt::shardings::Shardings = plugin.extension()?;
        let executable = compiled(&client(plugin)?, ADD)?.executable()?;
        shardings.output_shardings(&executable)?;
        shardings.parameter_shardings(&executable)?;
    }

    fn memory_descriptions(plugin) {
        let memories: pjrt::memory_descriptions::MemoryDescriptions = plugin.extension()?;
        let client = client(plugin)?;
        let description = client.devices()?[0].description()?;
        memories.of(&description)?;
    }

    fn metadata(plugin) {
        let metadata: pjrt::executable_metadata::ExecutableMetadata = plugin.extension()?;
        let executable = compiled(&client(plugin)?, ADD)?.executable()?;
        assert_eq!(metadata.of(&executable)?.bytes()?, b"two");
    }

    fn streams(plugin) {
        let streams: pjrt::stream::Stream = plugin.extension()?;
        let client = client(plugin)?;
        let stream = streams.for_external_ready_events(&client.devices()?[0])?;
        // SAFETY: the stream is that of the buffer's device.
        unsafe { streams.wait_until_buffer_ready(stream, &floats(&client)?) }?;
    }

    fn host_memory(plugin) {
        let allocator: pjrt::host_memory_allocator::HostMemoryAllocator = plugin.extension()?;
        let client = client(plugin)?;
        assert_eq!(allocator.allocate(&client, 100, None)?.fill(7).len(), 100);
    }

    fn host_memory_of_old(plugin) {
        let allocator: pjrt::host_allocator::HostAllocator = plugin.extension()?;
        let client = client(plugin)?;
        let alignment = allocator.preferred_alignment(&client)?;
        assert_eq!(allocator.allocate(&client, 100, alignment)?.fill(7).len(), 100);
    }

    fn handlers(plugin) {
        // A process has room for so many handlers: the same one goes to all plugins.
        static HANDLER: LazyLock<Handler> = LazyLock::new(|| Handler::new("skew", |_| Ok(())));
        HANDLER.register(plugin)?;
    }

    fn handlers_on_gpus(plugin) {
        static HANDLER: LazyLock<Handler> =
            LazyLock::new(|| Handler::device("skew_gpu", "CUDA").execute(|_| Ok(())));
        HANDLER.register(plugin)?;
    }

    fn user_data(plugin) {
        let kind = UserType::<u32>::register(plugin, "skew.number")?;
        let mut context = plugin.create_execute_context()?;
        kind.add(&mut context, &7)?;
    }

    fn partitioners(plugin) {
        let partitioners: CustomPartitioner = plugin.extension()?;
        partitioners.register("skew", Whole)?;
        let split = "mock whole\nparam f32[2,2]\nout split skew f32[2,2] 0\n";
        let client = client(plugin)?;
        let outputs = compiled(&client, split)?.run(&[&floats(&client)?])?;
        assert_eq!(outputs[0].to_vec::<f32>()?, [1.0, 2.0, 3.0, 4.0]);
    }

    fn partitioners_of_batches(plugin) {
        let partitioners: CustomPartitioner = plugin.extension()?;
        partitioners.register_batch_partitionable("skew")?;
    }

    fn kernels(plugin) {
        let triton: Triton = plugin.extension()?;
        triton.compile(b"module {}", "9.0", KernelOptions::new())?;
    }

    fn callbacks(plugin) {
        let callbacks: Callback = plugin.extension()?;
        let client = client(plugin)?;
        let told = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&told);
        callbacks.on_prefatal(&client, move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        })?;
        callbacks.invoke_prefatal(&client, ErrorCode::INTERNAL, "soon")?;
        assert_eq!(told.load(Ordering::SeqCst), 1);
    }

    fn tpu_arguments(plugin) {
        let tpu: pjrt::tpu_executable::TpuExecutable = plugin.extension()?;
        assert_eq!(tpu.target_arguments(b"x")?.to_vec(), b"arguments:x");
        drop(tpu.hlo_module_with_config(b"x")?);
    }

    fn tpu_environment(plugin) {
        let tpu: pjrt::tpu_executable::TpuExecutable = plugin.extension()?;
        let environment = tpu.set_tpu_compilation_env(b"x")?;
        drop(tpu.tpu_compilation_env_field(&environment, "field")?);
    }

    fn tpu_costs(plugin) {
        let tpu: pjrt::tpu_executable::TpuExecutable = plugin.extension()?;
        drop(tpu.run_hlo_cost_analysis(b"x", &[b"module"])?);
    }

    fn tpu_errors(plugin) {
        let tpu: pjrt::tpu_executable::TpuExecutable = plugin.extension()?;
        tpu.is_predetermined_error(b"x")?;
    }

    fn tpu_placeholders(plugin) {
        let tpu: pjrt::tpu_executable::TpuExecutable = plugin.extension()?;
        tpu.is_cancellation_placeholder_error(b"x")?;
    }
}
