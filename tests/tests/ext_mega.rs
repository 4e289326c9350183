//! Extensions on the real plugins: shardings, memory descriptions, ABI versions, slices, Megascale
//! and executable metadata. libtpu needs no TPU for what is asked of it here.

use pjrt::abi_version::AbiVersion;
use pjrt::executable_metadata::ExecutableMetadata;
use pjrt::megascale::Megascale;
use pjrt::memory_descriptions::MemoryDescriptions;
use pjrt::shardings::Shardings;
use pjrt::{Error, ErrorCode, Plugin};
use pjrt_tests::tpu::{compile_for, compile_with, topology};
use pjrt_tests::{cpu, plugin};
use std::sync::Arc;

const ADD: &str = "func.func @main(%x: tensor<8x128xf32>) -> tensor<8x128xf32> {
  %0 = stablehlo.add %x, %x : tensor<8x128xf32>
  return %0 : tensor<8x128xf32>
}";

const SPLIT: &str = "module @split attributes {mhlo.num_partitions = 2 : i32} {
  func.func @main(%x: tensor<8x128xf32> {mhlo.sharding = \"{devices=[2,1]0,1}\"})
      -> (tensor<8x128xf32> {mhlo.sharding = \"{devices=[2,1]0,1}\"}) {
    %0 = stablehlo.add %x, %x : tensor<8x128xf32>
    return %0 : tensor<8x128xf32>
  }
}";

/// `executable_build_options` (3) with one replica (4), two partitions (5), split by the compiler (6).
const SPLIT_OPTIONS: &[u8] = &[3 << 3 | 2, 6, 4 << 3, 1, 5 << 3, 2, 6 << 3, 1];

fn tpu() -> Option<Plugin> {
    plugin("tpu")
}

/// The code of the error that a call must give.
fn code<T: std::fmt::Debug>(result: pjrt::Result<T>) -> ErrorCode {
    match result {
        Err(Error::Plugin(error)) => error.code,
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

#[test]
fn a_program_on_one_partition_has_no_shardings() {
    let Some(topology) = topology("v5e:2x2") else {
        return;
    };
    let shardings = tpu().unwrap().extension::<Shardings>().unwrap();
    let executable = compile_for(&topology, ADD);
    assert_eq!(shardings.parameter_shardings(&executable).unwrap(), None);
    assert_eq!(shardings.output_shardings(&executable).unwrap(), None);
}

#[test]
fn a_split_program_has_a_sharding_for_each_parameter_and_output() {
    let Some(topology) = topology("v5e:2x2") else {
        return;
    };
    let shardings = tpu().unwrap().extension::<Shardings>().unwrap();
    let executable = compile_with(&topology, SPLIT, SPLIT_OPTIONS);
    let parameters = shardings.parameter_shardings(&executable).unwrap().unwrap();
    let outputs = shardings.output_shardings(&executable).unwrap().unwrap();
    assert_eq!((parameters.len(), outputs.len()), (1, 1));
    assert!(!parameters[0].is_empty());
    assert_eq!(parameters, outputs);
}

#[test]
fn the_memories_of_a_tpu_are_described_without_one() {
    let Some(topology) = topology("v5e:2x2") else {
        return;
    };
    let extension = tpu().unwrap().extension::<MemoryDescriptions>().unwrap();
    let device = topology.device_descriptions().unwrap().remove(0);
    drop(topology);
    let described = extension.of(&device).unwrap();
    drop(device);
    let kinds: Vec<_> = described
        .memories
        .iter()
        .map(|memory| memory.kind().unwrap().kind.to_owned())
        .collect();
    let mut sorted = kinds.clone();
    sorted.sort();
    assert_eq!(sorted, ["device", "pinned_host", "unpinned_host"]);
    let default = described.default_index.expect("a TPU has a default memory");
    assert_eq!(kinds[default], "device");
}

#[test]
fn the_cpu_plugin_describes_no_memories_and_no_default() {
    let Some(client) = cpu() else { return };
    let plugin = plugin("cpu").unwrap();
    let extension = plugin.extension::<MemoryDescriptions>().unwrap();
    let device = client.devices().unwrap().remove(0);
    let described = extension.of(&device.description().unwrap()).unwrap();
    assert!(described.memories.is_empty());
    assert_eq!(described.default_index, None);
}

#[test]
fn a_handle_of_another_plugin_is_refused_before_the_call() {
    let (Some(client), Some(tpu)) = (cpu(), tpu()) else {
        return;
    };
    let extension = tpu.extension::<MemoryDescriptions>().unwrap();
    let device = client.devices().unwrap().remove(0);
    let error = extension.of(&device.description().unwrap()).unwrap_err();
    assert!(matches!(error, Error::ForeignHandle { .. }), "{error}");
}

#[test]
fn a_programs_abi_version_is_written_and_read_back() {
    let Some(topology) = topology("v5e:2x2") else {
        return;
    };
    let extension = tpu().unwrap().extension::<AbiVersion>().unwrap();
    let version = extension
        .of_executable(&compile_for(&topology, ADD))
        .unwrap();
    let bytes = version.to_proto().unwrap();
    let again = extension.executable_from_proto(&bytes).unwrap();
    assert_eq!(again.platform_id().unwrap(), version.platform_id().unwrap());
    assert_eq!(*again.to_proto().unwrap(), *bytes);
    assert_eq!(
        code(extension.executable_from_proto(b"\xff")),
        ErrorCode::INVALID_ARGUMENT
    );
}

#[test]
fn a_runtimes_abi_version_of_no_platform_is_refused() {
    let Some(tpu) = tpu() else { return };
    let extension = tpu.extension::<AbiVersion>().unwrap();
    assert_eq!(
        code(extension.runtime_from_proto(b"")),
        ErrorCode::UNIMPLEMENTED
    );
    // A program's version and a runtime's have the platform in the same place.
    assert_eq!(
        code(extension.runtime_from_proto(b"\xff")),
        ErrorCode::INVALID_ARGUMENT
    );
}

fn megascale() -> Option<Megascale> {
    Some(tpu()?.extension().unwrap())
}

/// A serialized `MegaScaleRuntimeError` with a type, a message and a host.
fn runtime_error(kind: u8, message: &str) -> Vec<u8> {
    let mut bytes = vec![
        1 << 3,
        kind,
        2 << 3 | 2,
        u8::try_from(message.len()).unwrap(),
    ];
    bytes.extend(message.as_bytes());
    bytes.extend([6 << 3 | 2, 4]);
    bytes.extend(b"host");
    bytes
}

#[test]
fn a_configuration_for_two_slices_says_so_and_outlives_its_topology() {
    let (Some(megascale), Some(topology)) = (megascale(), topology("v5e:2x2")) else {
        return;
    };
    let config = megascale.aot_config(&topology, 2).unwrap();
    drop(topology);
    assert_eq!(config.num_slices().unwrap(), 2);
    assert_eq!(config.slice_id().unwrap(), 0);
    let devices = config.num_devices_per_slice().unwrap();
    assert_eq!(devices.slice_ids.len(), devices.num_devices.len());
    let mut slices = devices.slice_ids.clone();
    slices.sort_unstable();
    assert_eq!(slices, [0, 1]);
    assert_eq!(devices.num_devices, [4, 4]);
    assert!(!config.serialize().unwrap().is_empty());
    assert_eq!(config.clone().num_slices().unwrap(), 2);
}

#[test]
fn devices_are_numbered_across_slices_and_back() {
    let Some(megascale) = megascale() else { return };
    let id = megascale.megascale_id(1, 3).unwrap();
    assert_eq!(id, 200_003);
    let device = megascale.device_id(id).unwrap();
    assert_eq!((device.slice_id, device.per_slice_device_id), (1, 3));
    assert_eq!(code(megascale.device_id(-5)), ErrorCode::OUT_OF_RANGE);
}

#[test]
fn a_context_without_a_client_has_no_port_and_makes_configurations() {
    let (Some(megascale), Some(topology)) = (megascale(), topology("v5e:2x2")) else {
        return;
    };
    let context = megascale.default_client_context().unwrap();
    assert_eq!(
        code(context.megascale_port()),
        ErrorCode::FAILED_PRECONDITION
    );
    // The header of 0.114 has a smaller struct than this plugin.
    assert_eq!(code(context.initialize()), ErrorCode::INVALID_ARGUMENT);
    let unblocked = context.unblock_pending_work(1, 10);
    assert_eq!(code(unblocked), ErrorCode::FAILED_PRECONDITION);
    let config = context
        .multi_slice_config(&topology, 1, 0, 0, b"", b"")
        .unwrap();
    drop((context, topology));
    assert_eq!(
        (config.num_slices().unwrap(), config.slice_id().unwrap()),
        (1, 0)
    );
    assert!(!config.serialize().unwrap().is_empty());
}

#[test]
fn collectives_of_one_process_outlive_their_context() {
    let Some(megascale) = megascale() else { return };
    let context = megascale.default_client_context().unwrap();
    let collectives = context
        .collectives(&[b"localhost:1"], Some(&[0]), Some(&[0]), 1, None)
        .unwrap();
    drop(context);
    drop(collectives.clone());
    let context = megascale.default_client_context().unwrap();
    drop(context.collectives(&[b"localhost:1"], None, None, 1, Some(b"")));
    drop(context.collectives(&[], None, None, 0, None));
}

#[test]
fn bytes_that_are_no_message_are_refused() {
    let (Some(megascale), Some(topology)) = (megascale(), topology("v5e:2x2")) else {
        return;
    };
    let context = megascale.default_client_context().unwrap();
    let refused = context.multi_slice_config(&topology, 1, 0, 0, b"\xff", b"");
    assert_eq!(code(refused), ErrorCode::INTERNAL);
    let refused = context.multi_slice_config(&topology, 2, 5, 0, b"", b"");
    assert_eq!(code(refused), ErrorCode::INVALID_ARGUMENT);
    let refused = megascale.aot_config(&topology, 0);
    assert_eq!(code(refused), ErrorCode::INVALID_ARGUMENT);
}

#[test]
fn an_error_handler_gets_errors_until_its_name_is_unregistered() {
    let Some(megascale) = megascale() else { return };
    let alive = Arc::new(());
    let inside = alive.clone();
    megascale
        .register_error_handler("first", move |_| drop(inside.clone()))
        .unwrap();
    assert_eq!(Arc::strong_count(&alive), 2);
    megascale.unregister_error_handler("first").unwrap();
    // The closure went with its registration.
    assert_eq!(Arc::strong_count(&alive), 1);
    let again = megascale.unregister_error_handler("first");
    assert_eq!(code(again), ErrorCode::NOT_FOUND);
}

#[test]
fn a_name_that_is_registered_again_frees_its_first_handler() {
    let Some(megascale) = megascale() else { return };
    let (first, second) = (Arc::new(()), Arc::new(()));
    for alive in [&first, &second] {
        let inside = alive.clone();
        megascale
            .register_error_handler("twice", move |_| drop(inside.clone()))
            .unwrap();
    }
    assert_eq!(
        (Arc::strong_count(&first), Arc::strong_count(&second)),
        (1, 2)
    );
    megascale.unregister_error_handler("twice").unwrap();
    assert_eq!(
        (Arc::strong_count(&first), Arc::strong_count(&second)),
        (1, 1)
    );
}

#[test]
fn an_aggregator_counts_errors_and_gives_a_digest_that_outlives_it() {
    let Some(megascale) = megascale() else { return };
    let aggregator = megascale.error_aggregator("test").unwrap();
    assert_eq!(aggregator.size().unwrap(), 0);
    aggregator
        .add_error("worker", &runtime_error(2, "it broke"))
        .unwrap();
    assert_eq!(aggregator.size().unwrap(), 1);
    assert!(aggregator.is_active().unwrap());
    let digest = aggregator.process_and_shutdown().unwrap();
    assert!(!aggregator.is_active().unwrap());
    let refused = aggregator.add_error("worker", b"\xff");
    assert_eq!(code(refused), ErrorCode::INTERNAL);
    aggregator.log_error_digest(&digest).unwrap();
    drop(aggregator);
    drop(digest);
}

#[test]
fn the_first_runtime_error_is_new_and_comes_as_bytes() {
    let Some(megascale) = megascale() else { return };
    let error = megascale
        .runtime_error(2, 0, ErrorCode::INTERNAL, "no way", 7, Some(1))
        .unwrap();
    assert!(error.is_new);
    assert!(
        error.error.windows(6).any(|w| w == b"no way"),
        "{:?}",
        &*error.error
    );
    let other = megascale
        .runtime_error(2, 0, ErrorCode::INTERNAL, "another", 7, None)
        .unwrap();
    assert!(!other.is_new);
    assert_eq!(*other.error, *error.error);
}

#[test]
fn addresses_of_this_machine_are_listed() {
    let Some(megascale) = megascale() else { return };
    let all = megascale
        .interface_addresses("port", -1, &[], true, false)
        .unwrap();
    assert!(all.iter().all(|address| !address.is_empty()));
    let none = megascale.interface_addresses("port", -1, &["nosuch"], false, false);
    assert_eq!(code(none), ErrorCode::NOT_FOUND);
}

#[test]
fn metadata_of_a_program_come_as_bytes_that_need_no_executable() {
    let Some(topology) = topology("v5e:2x2") else {
        return;
    };
    let extension = tpu().unwrap().extension::<ExecutableMetadata>().unwrap();
    let metadata = extension.of(&compile_for(&topology, ADD)).unwrap();
    drop(topology);
    assert!(metadata.bytes().unwrap().len() > 100);
    assert!(format!("{metadata:?}").contains("PJRT_ExecutableMetadata"));
}
