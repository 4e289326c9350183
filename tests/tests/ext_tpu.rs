//! The extensions of TPU topologies and executables, on libtpu without a TPU.

use pjrt::__rt::{Handle, Value};
use pjrt::sys::tpu_topology::PJRT_TpuTopology_SliceConfig;
use pjrt::tpu_executable::TpuExecutable;
use pjrt::tpu_topology::{SliceConfig, TpuTopology};
use pjrt::{Error, ErrorCode, TopologyDescription, Value as Named};
use pjrt_tests::{plugin, tpu};
use std::fmt::Debug;

const DOT: &str = "func.func @main(%x: tensor<64x64xf32>) -> tensor<64x64xf32> {
  %0 = stablehlo.dot %x, %x : (tensor<64x64xf32>, tensor<64x64xf32>) -> tensor<64x64xf32>
  return %0 : tensor<64x64xf32>
}";

/// The extension and a topology; none where libtpu is left out.
fn of(topology: &str) -> Option<(TpuTopology, TopologyDescription)> {
    let topology = tpu::topology(topology)?;
    let plugin = plugin("tpu")?;
    Some((plugin.extension().unwrap(), topology))
}

/// The extension and a serialized program; none where libtpu is left out.
fn program() -> Option<(TpuExecutable, Vec<u8>)> {
    let topology = tpu::topology("v5e:2x2")?;
    let bytes = tpu::compile_for(&topology, DOT).serialize().unwrap();
    Some((plugin("tpu")?.extension().unwrap(), bytes.to_vec()))
}

fn code<T: Debug>(result: pjrt::Result<T>) -> ErrorCode {
    match result {
        Err(Error::Plugin(error)) => error.code,
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

/// What a call was refused for before it was made.
fn refused<T: Debug>(result: pjrt::Result<T>) -> (&'static str, String) {
    match result {
        Err(Error::InvalidArgument {
            argument, problem, ..
        }) => (argument, problem),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn another_plugin_has_no_such_extensions() {
    let Some(plugin) = plugin("cpu") else { return };
    for error in [
        plugin.extension::<TpuTopology>().unwrap_err(),
        plugin.extension::<TpuExecutable>().unwrap_err(),
    ] {
        assert!(matches!(error, Error::NoExtension { .. }), "{error}");
    }
}

#[test]
fn a_topology_counts_its_processes_chips_and_devices() {
    let Some((tpu, v5e)) = of("v5e:4x4") else {
        return;
    };
    let v4 = tpu::topology("v4:2x2x2").unwrap();
    let counts = |topology| {
        [
            tpu.process_count(topology),
            tpu.chips_per_process(topology),
            tpu.chip_count(topology),
            tpu.core_count(topology),
            tpu.core_count_per_chip(topology),
            tpu.core_count_per_process(topology),
            tpu.logical_device_count(topology),
            tpu.logical_device_count_per_chip(topology),
            tpu.logical_device_count_per_process(topology),
        ]
        .map(Result::unwrap)
    };
    assert_eq!(counts(&v5e), [4, 4, 16, 16, 1, 4, 16, 1, 4]);
    assert_eq!(counts(&v4), [2, 4, 8, 16, 2, 8, 16, 2, 8]);
    assert_eq!(v5e.device_descriptions().unwrap().len(), 16);
}

#[test]
fn a_topology_tells_its_bounds_and_links() {
    let Some((tpu, v5e)) = of("v5e:4x4") else {
        return;
    };
    assert_eq!(tpu.chip_bounds(&v5e).unwrap(), [4, 4, 1]);
    assert_eq!(tpu.process_bounds(&v5e).unwrap(), [2, 2, 1]);
    assert_eq!(tpu.chips_per_process_bounds(&v5e).unwrap(), [2, 2, 1]);
    assert!(tpu.is_enhanced_barrier_enabled(&v5e).unwrap());
    assert!(!tpu.has_limited_ici_connectivity(&v5e).unwrap());
    assert!(tpu.is_reachable_over_limited_ici(&v5e, 0, 1).unwrap());
    // The plugin fills the memory up to a NUL and says nothing of the length.
    assert_eq!(tpu.routing_strategy(&v5e).unwrap(), "mesh");
    let v4 = tpu::topology("v4:2x2x2").unwrap();
    let error = tpu.is_reachable_over_limited_ici(&v4, 0, 1);
    assert_eq!(code(error), ErrorCode::INVALID_ARGUMENT);
}

#[test]
fn processes_chips_and_devices_are_found_by_each_other() {
    let Some((tpu, v4)) = of("v4:2x2x2") else {
        return;
    };
    assert_eq!(tpu.process_ids(&v4).unwrap(), [0, 1]);
    for process in tpu.process_ids(&v4).unwrap() {
        assert_eq!(
            tpu.process_coordinates(&v4, process).unwrap(),
            [0, 0, process]
        );
        let devices = tpu.logical_device_ids_on_process(&v4, process).unwrap();
        assert_eq!(devices.len(), 8);
        for (index, device) in devices.into_iter().enumerate() {
            let on_process = tpu.process_of_logical_device(&v4, device).unwrap();
            assert_eq!(on_process.process_id, process);
            assert_eq!(usize::try_from(on_process.index_on_process), Ok(index));
            let on_chip = tpu.chip_of_logical_device(&v4, device).unwrap();
            let chip = &on_chip.chip_coordinates;
            let back = tpu.logical_device_id(&v4, chip, on_chip.device_index_on_chip);
            assert_eq!(back.unwrap(), device);
            let chip = tpu.chip_id(&v4, chip).unwrap();
            let chip = tpu.process_of_chip(&v4, chip).unwrap();
            assert_eq!(chip.process_id, process);
            assert_eq!(chip.index_on_process, on_process.index_on_process / 2);
        }
    }
}

#[test]
fn numbers_out_of_range_are_refused_before_the_call() {
    let Some((tpu, v4)) = of("v4:2x2x2") else {
        return;
    };
    // libtpu ends the process for most of the negative ones.
    for number in [-1, 16, i32::MIN, i32::MAX] {
        for (argument, problem) in [
            refused(tpu.process_of_chip(&v4, number)),
            refused(tpu.process_of_logical_device(&v4, number)),
            refused(tpu.process_coordinates(&v4, number)),
            refused(tpu.chip_of_logical_device(&v4, number)),
            refused(tpu.logical_device_id(&v4, &[0, 0, 0], number)),
            refused(tpu.logical_device_ids_on_process(&v4, number)),
            refused(tpu.is_reachable_over_limited_ici(&v4, number, 0)),
            refused(tpu.is_reachable_over_limited_ici(&v4, 0, number)),
        ] {
            assert!(
                problem.starts_with(&format!("{number} is not in 0..")),
                "{argument}: {problem}"
            );
        }
    }
}

#[test]
fn coordinates_that_no_chip_has_are_the_plugins_error() {
    let Some((tpu, v4)) = of("v4:2x2x2") else {
        return;
    };
    for coordinates in [&[][..], &[0], &[0, 0, 2], &[-1, 0, 0], &[0; 9]] {
        assert_eq!(
            code(tpu.chip_id(&v4, coordinates)),
            ErrorCode::INVALID_ARGUMENT,
            "{coordinates:?}"
        );
        assert_eq!(
            code(tpu.logical_device_id(&v4, coordinates, 0)),
            ErrorCode::INVALID_ARGUMENT,
            "{coordinates:?}"
        );
    }
}

#[test]
fn a_part_of_a_topology_outlives_the_callers_hold_on_the_whole() {
    let Some((tpu, whole)) = of("v5e:4x4") else {
        return;
    };
    assert!(!tpu.is_subslice_topology(&whole).unwrap());
    let part = tpu.subslice(&whole, &[2, 2, 1], &[1, 1, 1]).unwrap();
    drop(whole);
    assert!(tpu.is_subslice_topology(&part).unwrap());
    assert_eq!(tpu.chip_bounds(&part).unwrap(), [2, 2, 1]);
    assert_eq!(part.device_descriptions().unwrap().len(), 4);
    assert!(tpu::compile_for(&part, DOT).num_outputs().unwrap() == 1);
    for bounds in [&[2, 2][..], &[9, 9, 9], &[-2, 2, 1], &[0, 0, 0], &[]] {
        let error = tpu.subslice(&part, bounds, &[1, 1, 1]);
        assert_eq!(code(error), ErrorCode::INVALID_ARGUMENT, "{bounds:?}");
    }
}

#[test]
fn devices_of_the_whole_are_found_in_a_part() {
    let Some((tpu, whole)) = of("v5e:4x4") else {
        return;
    };
    let part = tpu.subslice(&whole, &[2, 2, 1], &[1, 1, 1]).unwrap();
    // The part covers the chips from (2, 1) to (3, 2).
    let found: Vec<i32> = [6, 7, 10, 11]
        .map(|device| tpu.subslice_device_id(&whole, &part, &[2, 1, 0], device))
        .map(Result::unwrap)
        .to_vec();
    assert_eq!(found, [0, 1, 2, 3]);
}

#[test]
fn devices_outside_a_part_are_refused_before_the_call() {
    let Some((tpu, whole)) = of("v5e:4x4") else {
        return;
    };
    let part = tpu.subslice(&whole, &[2, 2, 1], &[1, 1, 1]).unwrap();
    // libtpu ends the process for these.
    for (origin, device) in [([0, 0, 0], 2), ([2, 0, 0], 0), ([9, 9, 9], 0), ([-1; 3], 0)] {
        let (argument, problem) = refused(tpu.subslice_device_id(&whole, &part, &origin, device));
        assert_eq!(argument, "full_device_id");
        assert!(problem.contains("outside the part"), "{problem}");
    }
    for device in [-1, 16] {
        let (argument, _) = refused(tpu.subslice_device_id(&whole, &part, &[0, 0, 0], device));
        assert_eq!(argument, "full_device_id");
    }
    // It reads behind an origin that is too short.
    for origin in [&[][..], &[0, 0], &[0; 7]] {
        let (argument, _) = refused(tpu.subslice_device_id(&whole, &part, origin, 0));
        assert_eq!(argument, "subslice_origin");
    }
    let two_cores = tpu::topology("v4:2x2x1").unwrap();
    let (argument, _) = refused(tpu.subslice_device_id(&two_cores, &part, &[0, 0, 0], 1));
    assert_eq!(argument, "subslice_topology");
}

#[test]
fn host_bounds_can_be_replaced() {
    let Some((tpu, v5e)) = of("v5e:4x4") else {
        return;
    };
    let wide = tpu.replace_host_bounds(&v5e, &[4, 1, 1]).unwrap();
    assert_eq!(tpu.process_bounds(&wide).unwrap(), [4, 1, 1]);
    assert_eq!(tpu.chip_bounds(&wide).unwrap(), [8, 2, 1]);
    for bounds in [&[][..], &[-1, 0, 5], &[0, 0, 0], &[i32::MAX; 3]] {
        let error = tpu.replace_host_bounds(&v5e, bounds);
        assert_eq!(code(error), ErrorCode::INVALID_ARGUMENT, "{bounds:?}");
    }
}

#[test]
fn platforms_list_their_slices() {
    let Some((tpu, _)) = of("v5e:2x2") else {
        return;
    };
    let platform = tpu.default_platform_config("tpuv5e").unwrap();
    assert_eq!((platform.num_chips_per_tray, platform.num_trays), (4, 2));
    let slices = tpu.slice_configs("tpuv5e").unwrap();
    assert_eq!(slices.len(), 8);
    assert_eq!(slices[3], tpu.slice_config("tpuv5e", "4x4").unwrap());
    assert_eq!(
        (&slices[3].dimensions[..], slices[3].twist),
        (&[4, 4][..], false)
    );
    // Two of its dimensions: the rest of the fixed arrays is not in use.
    assert_eq!(slices[3].wrap, [false, false]);
    let twisted = tpu.slice_config("tpuv4", "4x4x8_twisted").unwrap();
    assert_eq!(twisted.dimensions, [4, 4, 8]);
    assert_eq!((&twisted.wrap[..], twisted.twist), (&[true; 3][..], true));
    assert_eq!(tpu.slice_configs("tpuv4").unwrap().len(), 1609);
    for error in [
        code(tpu.slice_configs("v5e")),
        code(tpu.slice_config("", "4x4")),
        code(tpu.slice_config("tpuv5e", "3x3")),
        code(tpu.default_platform_config("v5e")),
    ] {
        assert_eq!(error, ErrorCode::INVALID_ARGUMENT);
    }
}

#[test]
fn a_slice_with_odd_bits_is_read_within_its_arrays() {
    let mut raw = PJRT_TpuTopology_SliceConfig::zeroed();
    raw.dimensions = [1, 2, 3, 4];
    let (wrap, twist) = (&raw mut raw.wrap, &raw mut raw.twist);
    // SAFETY: both point into `raw`; nobody looks at the bytes as truth values.
    unsafe {
        wrap.cast::<u8>().write(2);
        twist.cast::<u8>().write(0x80);
    }
    // SAFETY: the struct is initialised.
    let read = |raw: &mut PJRT_TpuTopology_SliceConfig| unsafe {
        <SliceConfig as Value>::read(&raw const *raw)
    };
    raw.dim_size = 4;
    let slice = read(&mut raw).unwrap();
    assert_eq!(slice.dimensions, [1, 2, 3, 4]);
    assert_eq!(slice.wrap, [true, false, false, false]);
    assert!(slice.twist);
    for length in [5, usize::MAX] {
        raw.dim_size = length;
        let error = read(&mut raw).unwrap_err();
        assert!(matches!(error, Error::InvalidOutput { .. }), "{error}");
    }
}

#[test]
fn a_program_tells_what_it_was_compiled_to() {
    let Some((tpu, program)) = program() else {
        return;
    };
    let target = tpu.target_arguments(&program).unwrap();
    let module = tpu.hlo_module_with_config(&program).unwrap();
    assert!(!target.is_empty() && !module.is_empty());
    assert!(!tpu.compiled_memory_stats(&program).unwrap().is_empty());
    let costs = tpu.run_hlo_cost_analysis(&target, &[&module]).unwrap();
    let flops = costs.values().iter().find_map(|cost| {
        let cost = cost.unwrap();
        (cost.name == "flops").then_some(cost.value)
    });
    // Two for each of 64 x 64 x 64 products.
    assert_eq!(flops, Some(Named::Float(524_288.0)));
}

#[test]
fn bytes_that_are_no_program_are_errors() {
    let Some((tpu, program)) = program() else {
        return;
    };
    let half = &program[..program.len() / 2];
    for (bytes, expected) in [
        (&b""[..], ErrorCode::INVALID_ARGUMENT),
        (b"garbage", ErrorCode::INVALID_ARGUMENT),
        (half, ErrorCode::INTERNAL),
    ] {
        assert_eq!(code(tpu.target_arguments(bytes)), expected);
        assert_eq!(code(tpu.hlo_module_with_config(bytes)), expected);
        assert_eq!(code(tpu.compiled_memory_stats(bytes)), expected);
    }
    let target = tpu.target_arguments(&program).unwrap();
    let module = tpu.hlo_module_with_config(&program).unwrap();
    code(tpu.run_hlo_cost_analysis(&target, &[]));
    code(tpu.run_hlo_cost_analysis(&target, &[b"garbage"]));
    code(tpu.run_hlo_cost_analysis(b"garbage", &[&module]));
}

#[test]
fn a_compilation_environment_is_made_and_read() {
    let Some((tpu, _)) = program() else { return };
    let made = tpu.set_tpu_compilation_env(b"").unwrap();
    let field = |environment: &[u8], name| tpu.tpu_compilation_env_field(environment, name);
    let name = "xla_tpu_enable_latency_hiding_scheduler";
    assert_eq!(&field(&made, name).unwrap()[..], b"true");
    assert_eq!(code(field(&made, "nosuch")), ErrorCode::INVALID_ARGUMENT);
    let error = code(field(b"garbage", name));
    assert_eq!(error, ErrorCode::INTERNAL);
    let error = code(tpu.set_tpu_compilation_env(b"garbage"));
    assert_eq!(error, ErrorCode::INTERNAL);
}

#[test]
fn an_ordinary_status_is_neither_predetermined_nor_a_placeholder() {
    let Some((tpu, _)) = program() else { return };
    for status in [&b""[..], b"\x08\x01\x12\x05hello"] {
        assert!(!tpu.is_predetermined_error(status).unwrap());
        assert!(!tpu.is_cancellation_placeholder_error(status).unwrap());
    }
    let error = code(tpu.is_predetermined_error(b"garbage"));
    assert_eq!(error, ErrorCode::INVALID_ARGUMENT);
    let error = code(tpu.is_cancellation_placeholder_error(b"garbage"));
    assert_eq!(error, ErrorCode::INVALID_ARGUMENT);
}

#[test]
fn a_topology_of_another_plugin_is_refused() {
    let (Some((tpu, v5e)), Some(client)) = (of("v5e:2x2"), pjrt_tests::cpu()) else {
        return;
    };
    let other = client.topology_description().unwrap();
    assert!(!std::ptr::eq(other.api(), v5e.api()));
    for error in [
        tpu.chip_count(&other).unwrap_err(),
        tpu.subslice_device_id(&v5e, &other, &[0, 0, 0], 0)
            .unwrap_err(),
    ] {
        assert!(matches!(error, Error::ForeignHandle { .. }), "{error}");
    }
}
