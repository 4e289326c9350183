//! What people ask plugins, clients and programs every day, on the mock and on real plugins.

use pjrt::plugin::StableHloVersion;
use pjrt::signature::Donation;
use pjrt::{
    Argument, Client, ClientOptions, CompileOptions, ElementType, Error, ExecuteOptions,
    LoadedExecutable, Plugin, Program,
};
use pjrt_tests::{cpu, mock, plugin};

/// Twice its first argument, in that argument's memory, and its second as it is.
const DOUBLE: &str = "module @double {
  func.func @main(%x: tensor<2x3xf32> {tf.aliasing_output = 0 : i32}, %n: tensor<i32>) -> (tensor<2x3xf32>, tensor<i32>) {
    %0 = stablehlo.add %x, %x : tensor<2x3xf32>
    return %0, %n : tensor<2x3xf32>, tensor<i32>
  }
}";

fn double(client: &Client) -> LoadedExecutable {
    let program = Program::mlir(DOUBLE);
    client.compile(&program, &CompileOptions::new()).unwrap()
}

/// No text of this kind shows an address.
fn shown(value: &dyn std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    assert!(!text.contains("0x"), "{text}");
    text
}

fn v(major: u32, minor: u32, patch: u32) -> StableHloVersion {
    StableHloVersion {
        major,
        minor,
        patch,
    }
}

fn stablehlo(plugin: &Plugin, current: StableHloVersion) {
    let range = plugin.stablehlo_versions().unwrap().unwrap();
    assert_eq!((range.minimum, range.current), (v(0, 9, 0), current));
    assert_eq!(plugin.stablehlo_target().unwrap(), Some(current));
    assert!(range.contains(v(1, 0, 0)) && !range.contains(v(0, 8, 9)));
    assert!(!range.contains(v(99, 0, 0)));
}

#[test]
fn a_plugin_tells_the_versions_of_stablehlo_that_it_reads() {
    stablehlo(&mock(114), v(1, 13, 3));
    if let Some(cpu) = plugin("cpu") {
        stablehlo(&cpu, v(1, 13, 3));
        assert_eq!(
            cpu.stablehlo_target().unwrap().unwrap().to_string(),
            "1.13.3"
        );
    }
    if let Some(tpu) = plugin("tpu") {
        stablehlo(&tpu, v(1, 24, 0));
    }
}

#[test]
fn everything_shows_what_it_is() {
    let Some(plugin) = plugin("cpu") else { return };
    let text = shown(&plugin);
    assert!(text.contains("api_version: 0.81"), "{text}");
    let Some(client) = cpu() else { return };
    let text = shown(&client);
    assert!(
        text.contains("platform: \"cpu\"") && text.contains("devices: 2"),
        "{text}"
    );
    let device = client.devices().unwrap().remove(1);
    let text = shown(&device);
    assert!(
        text.contains("id: 1") && text.contains("TFRT_CPU_1"),
        "{text}"
    );
    let text = shown(&device.default_memory().unwrap());
    assert!(text.contains("kind: \"device\""), "{text}");
    let text = shown(&client.topology_description().unwrap());
    assert!(
        text.contains("platform: \"cpu\"") && text.contains("devices: 2"),
        "{text}"
    );
    let double = double(&client);
    let text = shown(&double);
    assert!(
        text.contains("double") && text.contains("TFRT_CPU_0"),
        "{text}"
    );
    let buffer = client
        .buffer_from_slice_on(&[0i32; 2], &[2, 1], &device)
        .unwrap();
    assert_eq!(shown(&buffer), "Buffer(s32[2,1] on TFRT_CPU_1)");
    let ready = buffer.ready_event().unwrap();
    ready.wait().unwrap();
    assert_eq!(shown(&ready), "Event(done)");
    buffer.delete().unwrap();
    assert_eq!(shown(&buffer), "Buffer(s32[2,1] on TFRT_CPU_1, deleted)");
    assert_eq!(buffer.client().unwrap().devices().unwrap().len(), 2);
    let failed = buffer.ready_event().unwrap();
    let _ = failed.wait();
    assert!(shown(&failed).starts_with("Event(failed: "));
}

#[test]
fn a_plugin_of_the_oldest_version_shows_question_marks_at_worst() {
    let plugin = mock(40);
    assert!(shown(&plugin).contains("api_version: 0.40"));
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    let text = shown(&client);
    assert!(text.contains("platform: \"mock\""), "{text}");
    shown(&client.devices().unwrap());
    let program = Program::mlir("mock one\nparam s32[1]\nout 0\n");
    let program = client.compile(&program, &CompileOptions::new()).unwrap();
    let text = shown(&program);
    assert!(text.contains("replicas: 1"), "{text}");
    let signature = program.signature().unwrap();
    assert_eq!(signature.outputs.len(), 1, "{signature}");
}

#[test]
fn a_program_tells_what_it_takes_and_gives() {
    let Some(client) = cpu() else { return };
    let signature = double(&client).signature().unwrap();
    let parameters = signature.parameters.as_deref().unwrap();
    assert_eq!(parameters.len(), 2);
    assert_eq!(parameters[0].element_type, Some(ElementType::F32));
    assert_eq!(parameters[0].dims.as_deref(), Some(&[2, 3][..]));
    assert_eq!(parameters[0].minor_to_major.as_deref(), Some(&[1, 0][..]));
    assert_ne!(parameters[0].donation, Donation::Unused);
    assert_eq!(parameters[1].donation, Donation::Unused);
    assert_eq!(signature.outputs.len(), 2);
    assert_eq!(signature.outputs[1].element_type, Some(ElementType::S32));
    assert_eq!(
        signature.outputs[0].minor_to_major.as_deref(),
        Some(&[1, 0][..])
    );
    let line = signature.to_string();
    assert!(
        line.contains("f32[2,3]") && line.ends_with("-> (f32[2,3], s32[])"),
        "{line}"
    );
}

#[test]
fn a_program_for_a_tpu_tells_where_its_arrays_are() {
    let Some(tpu) = plugin("tpu") else { return };
    let topology = tpu.create_topology("v5e:1x1", &[]).unwrap();
    let program = Program::mlir(DOUBLE);
    let executable = topology
        .compile(&program, &CompileOptions::new(), None)
        .unwrap();
    let signature = executable.signature().unwrap();
    let parameters = signature.parameters.as_deref().unwrap();
    assert_eq!(parameters[0].memory_kind.as_deref(), Some("device"));
    assert_eq!(signature.outputs[0].memory_kind.as_deref(), Some("device"));
    assert_ne!(parameters[0].donation, Donation::Unused);
    assert!(shown(&executable).contains("double"));
    let text = shown(&topology);
    assert!(
        text.contains("platform: \"tpu\"") && text.contains("devices: 1"),
        "{text}"
    );
}

/// The text of a refusal before the call.
fn refused<T: std::fmt::Debug>(result: pjrt::Result<T>) -> String {
    match result {
        Err(error @ Error::InvalidArgument { .. }) => error.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn an_argument_that_does_not_fit_is_named_with_what_was_expected() {
    let Some(client) = cpu() else { return };
    let double = double(&client);
    let name = double.signature().unwrap().parameters.as_ref().unwrap()[0]
        .name
        .clone();
    let named = format!("parameter 0 (`{}`)", name.unwrap());
    let n = client.buffer_from_slice(&[1i32], &[]).unwrap();
    let x = client.buffer_from_slice(&[0f32; 6], &[2, 3]).unwrap();
    let turned = client.buffer_from_slice(&[0f32; 6], &[3, 2]).unwrap();
    let text = refused(double.run(&[&turned, &n]));
    let expected = format!("{named} is f32[2,3], and device 0 was given f32[3,2]");
    assert!(text.contains(&expected), "{text}");
    let text = refused(double.run(&[&x]));
    assert!(
        text.contains("takes 2 arguments, and 1 were given"),
        "{text}"
    );
    assert!(text.contains("-> (f32[2,3], s32[])"), "{text}");
    let second = client.devices().unwrap().remove(1);
    let far = client
        .buffer_from_slice_on(&[0f32; 6], &[2, 3], &second)
        .unwrap();
    let text = refused(double.run(&[&far, &n]));
    let expected =
        format!("{named} must be on TFRT_CPU_0, and the f32[2,3] that was given is on TFRT_CPU_1");
    assert!(text.contains(&expected), "{text}");
    // Once refused does not mean always: the same buffers go again.
    double.run(&[&x, &n]).unwrap();
    double.run(&[&x, &n]).unwrap();
}

#[test]
fn a_portable_program_wants_its_arguments_on_the_device_that_is_chosen() {
    let Some(client) = cpu() else { return };
    let mut options = CompileOptions::new();
    options = options.replicas(1);
    let program = client.compile(&Program::mlir(DOUBLE), &options).unwrap();
    let devices = client.devices().unwrap();
    let x = client
        .buffer_from_slice_on(&[0f32; 6], &[2, 3], &devices[1])
        .unwrap();
    let n = client
        .buffer_from_slice_on(&[1i32], &[], &devices[1])
        .unwrap();
    let arguments = vec![Argument::Borrow(&x), Argument::Borrow(&n)];
    let text = refused(program.execute_on(&devices[0], arguments, &ExecuteOptions::new()));
    assert!(text.contains("must be on TFRT_CPU_0"), "{text}");
}

#[test]
fn a_program_comes_from_a_file_of_any_form() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, code: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, code).unwrap();
        path
    };
    let text = Program::from_file(write("a.mlir", DOUBLE.as_bytes())).unwrap();
    assert_eq!((text.format(), text.code()), ("mlir", DOUBLE.as_bytes()));
    let bytecode = Program::from_file(write("a.mlirbc", b"ML\xefR\x01")).unwrap();
    assert_eq!(bytecode.format(), "mlir");
    let hlo = Program::from_file(write("a.pb", &[0x0a, 1, b'm'])).unwrap();
    assert_eq!(hlo.format(), "hlo");
    for (name, code, problem) in [
        ("a.hlo", &b"HloModule m\n"[..], "HLO as text"),
        ("none", b"", "it is empty"),
    ] {
        let error = Program::from_file(write(name, code)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(problem) && text.contains(name), "{text}");
    }
    let error = Program::from_file(folder.path().join("missing")).unwrap_err();
    assert!(matches!(error, Error::File { .. }), "{error}");
}

#[test]
fn an_optimised_program_compiles_again_as_hlo() {
    let Some(client) = cpu() else { return };
    let optimised = double(&client)
        .executable()
        .unwrap()
        .optimized_program()
        .unwrap();
    let hlo = optimised.to_hlo().unwrap();
    assert_eq!(hlo.format(), "hlo");
    client.compile(&hlo, &CompileOptions::new()).unwrap();
}

#[test]
fn a_compiler_s_error_comes_whole() {
    let Some(client) = cpu() else { return };
    let program = Program::mlir("func.func @main() {\n  stablehlo.nothing\n}");
    let error = client
        .compile(&program, &CompileOptions::new())
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("stablehlo.nothing") && text.lines().count() > 1,
        "{text}"
    );
}

/// The text of the refusal of these options.
fn options_refused(plugin: &Plugin, options: &ClientOptions) -> String {
    match plugin.create_client(options) {
        Err(error @ Error::InvalidArgument { .. }) => error.to_string(),
        other => panic!("expected a refusal, got {other:?}"),
    }
}

#[test]
fn options_of_the_cpu_plugin_are_checked_before_it_sees_them() {
    let Some(plugin) = plugin("cpu") else { return };
    let three = plugin
        .create_client(&ClientOptions::cpu().device_count(3))
        .unwrap();
    assert_eq!(three.devices().unwrap().len(), 3);
    let by_name = ClientOptions::new().set("cpu_device_count", 1i64);
    let one = plugin.create_client(&by_name).unwrap();
    assert_eq!(one.devices().unwrap().len(), 1);
    // The plugin would end the process.
    let wrong = ClientOptions::new().set("cpu_device_count", "3");
    let text = options_refused(&plugin, &wrong);
    assert!(
        text.contains("must be of type INT64") && text.contains("STRING"),
        "{text}"
    );
    let text = options_refused(&plugin, &ClientOptions::cpu().device_count(0));
    assert!(text.contains("from 1 to 4096, and 0 was given"), "{text}");
    if plugin.known_platform() == Some("cpu") {
        let text = options_refused(&plugin, &ClientOptions::new().set("bogus", true));
        assert!(
            text.contains("it knows asynchronous, cpu_device_count, process_id"),
            "{text}"
        );
        let text = options_refused(&plugin, &ClientOptions::cuda());
        assert!(
            text.contains("for the platform cuda, and the plugin is for cpu"),
            "{text}"
        );
    }
}

#[test]
fn the_tpu_plugin_knows_the_options_that_are_listed_for_it() {
    let Some(plugin) = plugin("tpu") else { return };
    // Without a TPU an option that is known gets as far as the search for one.
    let outcome = |options: &ClientOptions| match plugin.create_client(options) {
        Ok(_) => pjrt::ErrorCode::OK,
        Err(error) => error.code(),
    };
    let none = outcome(&ClientOptions::new());
    assert_ne!(none, pjrt::ErrorCode::INVALID_ARGUMENT);
    assert_eq!(
        outcome(&ClientOptions::tpu().max_inflight_computations(3)),
        none
    );
    assert_eq!(
        outcome(&ClientOptions::tpu().ml_framework_name("tests")),
        none
    );
    assert_eq!(
        outcome(&ClientOptions::tpu().ml_framework_version("1")),
        none
    );
    let insisted = ClientOptions::new().set_unlisted("bogus", true);
    match plugin.create_client(&insisted) {
        Err(Error::Plugin(error)) => assert!(error.message.contains("bogus"), "{error}"),
        other => panic!("expected the plugin's refusal, got {other:?}"),
    }
}

#[test]
fn a_plugin_of_an_unknown_platform_judges_options_by_itself() {
    let plugin = mock(114);
    assert_eq!(plugin.known_platform(), None);
    let two = plugin
        .create_client(&ClientOptions::cpu().device_count(2))
        .unwrap();
    assert_eq!(two.devices().unwrap().len(), 2);
    let text = options_refused(&plugin, &ClientOptions::new().set("cpu_device_count", 2.0));
    assert!(text.contains("must be of type INT64"), "{text}");
    match plugin.create_client(&ClientOptions::new().set("bogus", true)) {
        Err(Error::Plugin(error)) => assert!(error.message.contains("bogus"), "{error}"),
        other => panic!("expected the plugin's refusal, got {other:?}"),
    }
}
