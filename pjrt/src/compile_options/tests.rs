use super::*;
use crate::Error;

fn refused<T: std::fmt::Debug>(result: Result<T>) -> InvalidOptions {
    match result {
        Err(Error::Options(problem)) => *problem,
        other => panic!("{other:?}"),
    }
}

fn again(options: &CompileOptions) -> CompileOptions {
    CompileOptions::from_bytes(&options.to_bytes()).unwrap()
}

#[test]
fn replicas_and_partitions_are_always_sent() {
    let sent = |options: CompileOptions| {
        let build = again(&options).message.executable_build_options.unwrap();
        (
            build.num_replicas,
            build.num_partitions,
            build.device_ordinal,
        )
    };
    assert_eq!(sent(CompileOptions::new()), (1, 1, -1));
    assert_eq!(sent(CompileOptions::new().replicas(300)), (300, 1, -1));
    assert_eq!(
        sent(CompileOptions::new().replicas(0).partitions(0)),
        (1, 1, -1)
    );
}

#[test]
fn options_without_replicas_are_refused_before_a_plugin_sees_them() {
    for bytes in [
        &[][..],
        &[0x1a, 0],
        &[0x1a, 2, 0x20, 1],
        &[0x1a, 2, 0x28, 1],
    ] {
        let options = CompileOptions::from_bytes(bytes).unwrap();
        assert_eq!(options.to_bytes(), bytes);
        assert!(
            matches!(refused(options.check()), InvalidOptions::Counts { .. }),
            "{bytes:?}"
        );
    }
    CompileOptions::from_bytes(&[0x1a, 4, 0x20, 1, 0x28, 1])
        .unwrap()
        .check()
        .unwrap();
}

#[test]
fn every_setting_arrives_in_the_message() {
    let assignment = DeviceAssignment::new(2, 1, [1, 0]).unwrap();
    let options = CompileOptions::new()
        .device_assignment(&assignment)
        .spmd_partitioning(true)
        .shardy(true)
        .propagate_sharding_to_outputs([true])
        .propagate_sharding_to_parameters([false, true])
        .tupled_arguments(true)
        .argument_layouts([ShapeProto::default()])
        .result_layout(ShapeProto::default())
        .profile_version(7)
        .multi_slice_config(*b"xy");
    options.check().unwrap();
    let read = again(&options);
    assert_eq!(read, options);
    let message = read.proto();
    let build = message.executable_build_options.as_ref().unwrap();
    assert_eq!((build.num_replicas, build.num_partitions), (2, 1));
    assert!(build.use_spmd_partitioning && build.use_shardy_partitioner);
    assert_eq!(build.allow_spmd_sharding_propagation_to_output, [true]);
    assert_eq!(
        build.allow_spmd_sharding_propagation_to_parameters,
        [false, true]
    );
    assert_eq!(build.result_layout, Some(ShapeProto::default()));
    assert_eq!(build.device_assignment, Some(assignment.to_proto()));
    assert!(message.parameter_is_tupled_arguments);
    assert_eq!(message.argument_layouts.len(), 1);
    assert_eq!(
        (
            message.profile_version,
            &message.serialized_multi_slice_config[..]
        ),
        (7, &b"xy"[..])
    );
    assert!(
        again(&CompileOptions::new().portable(true))
            .proto()
            .compile_portable_executable
    );
}

#[test]
fn options_by_name_have_types() {
    let options = CompileOptions::new()
        .option("xla_dump_to", "/somewhere")
        .and_then(|o| o.option("xla_dump_hlo_as_text", true))
        .and_then(|o| o.option("xla_backend_optimization_level", 2))
        .and_then(|o| o.option("xla_gpu_autotune_gemm_rtol", 0.0))
        .unwrap()
        .raw_option("xla_of_tomorrow", 1.5);
    let held = |name: &str| {
        again(&options).proto().env_option_overrides[name]
            .value
            .clone()
            .unwrap()
    };
    let text = |text: &str| OptionOverrideProtoValue::StringField(text.to_owned());
    assert_eq!(held("xla_dump_to"), text("/somewhere"));
    assert_eq!(
        held("xla_dump_hlo_as_text"),
        OptionOverrideProtoValue::BoolField(true)
    );
    assert_eq!(
        held("xla_backend_optimization_level"),
        OptionOverrideProtoValue::IntField(2)
    );
    assert_eq!(held("xla_gpu_autotune_gemm_rtol"), text("0"));
    assert_eq!(
        held("xla_of_tomorrow"),
        OptionOverrideProtoValue::DoubleField(1.5)
    );
}

#[test]
fn a_wrong_name_or_type_is_told_with_what_is_right() {
    let problem = refused(CompileOptions::new().option("xla_dump_too", "x"));
    assert!(matches!(
        problem,
        InvalidOptions::UnknownOption {
            nearest: Some("xla_dump_to"),
            ..
        }
    ));
    let text = problem.to_string();
    assert!(
        text.contains("did you mean `xla_dump_to`?") && text.contains("raw_option"),
        "{text}"
    );
    for (name, value) in [
        ("xla_dump_to", OptionValue::Bool(true)),
        ("xla_dump_hlo_as_text", OptionValue::Text("True".to_owned())),
        ("xla_backend_optimization_level", OptionValue::Int(1 << 40)),
        ("xla_gpu_enable_command_buffer", OptionValue::Int(1)),
    ] {
        let problem = refused(CompileOptions::new().option(name, value.clone()));
        let InvalidOptions::WrongType {
            given, expected, ..
        } = problem
        else {
            panic!("{name}: {problem:?}");
        };
        assert!(given == value && !expected.is_empty());
    }
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let assignment = DeviceAssignment::new(1, 2, [0, 1]).unwrap();
    let options = CompileOptions::new().device_assignment(&assignment);
    options.check().unwrap();
    assert_eq!(
        refused(options.clone().replicas(2).check()),
        InvalidOptions::Assignment {
            options: (2, 2),
            assignment: (1, 2)
        }
    );
    assert_eq!(
        refused(options.portable(true).check()),
        InvalidOptions::Portable
    );
    let portable = CompileOptions::new().portable(true);
    portable.check().unwrap();
    assert_eq!(
        refused(portable.replicas(2).check()),
        InvalidOptions::Portable
    );
}

#[test]
fn an_assignment_survives_its_message() {
    let assignment = DeviceAssignment::new(2, 3, [5, 4, 3, 2, 1, 0]).unwrap();
    assert_eq!(assignment.device(0, 2), Some(3));
    assert_eq!(assignment.device(1, 0), Some(2));
    assert_eq!(
        (assignment.device(2, 0), assignment.device(0, 3)),
        (None, None)
    );
    assert_eq!(assignment.logical_id(1), Some((1, 1)));
    assert_eq!(assignment.logical_id(6), None);
    let message = assignment.to_proto();
    assert_eq!(message.computation_devices[0].replica_device_ids, [5, 2]);
    assert_eq!(
        DeviceAssignment::from_bytes(&assignment.to_bytes()).unwrap(),
        assignment
    );
}

#[test]
fn an_assignment_that_does_not_fit_is_refused() {
    let new = |r, p, ids: &[i32]| refused(DeviceAssignment::new(r, p, ids));
    assert!(matches!(new(0, 1, &[]), InvalidOptions::Counts { .. }));
    assert!(matches!(
        new(2, 2, &[0, 1, 2]),
        InvalidOptions::DeviceCount { devices: 3, .. }
    ));
    assert!(matches!(
        new(u32::MAX, u32::MAX, &[0]),
        InvalidOptions::DeviceCount { .. }
    ));
    assert_eq!(
        new(1, 3, &[4, 2, 4]),
        InvalidOptions::DuplicateDevice { device: 4 }
    );
    assert_eq!(new(1, 2, &[4, -2]), InvalidOptions::DeviceId { id: -2 });
    let mut message = DeviceAssignment::new(1, 1, [0]).unwrap().to_proto();
    message.computation_devices[0].replica_device_ids[0] = 1 << 40;
    let problem = refused(DeviceAssignment::from_proto(&message));
    assert_eq!(problem, InvalidOptions::DeviceId { id: 1 << 40 });
    message.replica_count = -1;
    assert!(matches!(
        refused(DeviceAssignment::from_proto(&message)),
        InvalidOptions::Counts { .. }
    ));
    message.replica_count = 2;
    assert!(matches!(
        DeviceAssignment::from_proto(&message),
        Err(Error::Decode(_))
    ));
}

/// What jaxlib 0.7.2 wrote for these: two replicas on the devices 1 and 0, Shardy, and an option of
/// each type.
fn of_jaxlib() -> Vec<u8> {
    let text: String = include_str!("jaxlib-0.7.2.hex").lines().collect();
    let digits = text.as_bytes().as_chunks::<2>().0;
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16);
    digits.iter().map(|pair| byte(pair).unwrap()).collect()
}

#[test]
fn what_jaxlib_writes_is_read_and_nothing_is_lost() {
    let bytes = of_jaxlib();
    let options = CompileOptions::from_bytes(&bytes).unwrap();
    options.check().unwrap();
    let message = options.proto();
    let build = message.executable_build_options.as_ref().unwrap();
    assert_eq!((build.num_replicas, build.num_partitions), (2, 1));
    let assignment = build.device_assignment.as_ref().unwrap();
    let assignment = DeviceAssignment::from_proto(assignment).unwrap();
    assert_eq!(assignment.devices(), [1, 0]);
    // The debug options, which have no type here.
    assert!(build.unknown_fields().len() > 500);
    // Records change places, and none is longer or shorter.
    let written = options.to_bytes();
    assert_eq!(written.len(), bytes.len());
    assert_eq!(CompileOptions::from_bytes(&written).unwrap(), options);

    let same = CompileOptions::new()
        .device_assignment(&assignment)
        .shardy(true)
        .option("xla_dump_to", "d")
        .and_then(|o| o.option("xla_dump_hlo_as_text", true))
        .and_then(|o| o.option("xla_backend_optimization_level", 2))
        .unwrap()
        .raw_option("r", 0.5);
    let without_debug = {
        let mut message = same.proto().clone();
        let build = message.executable_build_options.as_mut().unwrap();
        crate::proto::keep_unknown(build, build_of(&options).unknown_fields());
        message
    };
    assert_eq!(&without_debug, options.proto());
}

fn build_of(options: &CompileOptions) -> &ExecutableBuildOptionsProto {
    options.proto().executable_build_options.as_ref().unwrap()
}
