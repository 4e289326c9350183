//! The trace of all calls: on the mock, which counts calls by itself, on the CPU plugin, and by the
//! environment of other processes.

#[path = "trace/environment.rs"]
mod environment;
#[path = "trace/lines.rs"]
mod lines;
#[path = "trace/spans.rs"]
mod spans;

use lines::{Line, Traced};
use pjrt::{Client, ClientOptions, CompileOptions, ErrorCode, Plugin, Program};
use pjrt_mock::{Failure, Fault};
use pjrt_tests::mock;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

const ADD: &str = "mock sum\nparam f32[2]\nparam f32[2]\nout add 0 1\n";

/// What programs do all day.
fn work(plugin: &Plugin, program: &str) -> Client {
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    let sum = client
        .compile(&Program::mlir(program), &CompileOptions::new())
        .unwrap();
    let a = client.buffer_from_slice(&[1.0f32, 2.0], &[2]).unwrap();
    for _ in 0..3 {
        let outputs = sum.run(&[&a, &a]).unwrap();
        assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [2.0, 4.0]);
    }
    client
}

#[test]
fn every_call_of_the_mock_has_a_line_and_no_line_is_without_a_call() {
    for minor in [40, 70, 114] {
        let trace = Traced::start();
        let plugin = mock(minor);
        drop(work(&plugin, ADD));
        assert!(plugin.mock.report().is_clean());
        let lines = trace.stop();
        let mut functions: Vec<&str> = lines.iter().map(|line| line.function.as_str()).collect();
        functions.sort_unstable();
        functions.dedup();
        for function in &functions {
            let counted = lines.iter().filter(|line| line.function == *function);
            assert_eq!(
                u64::try_from(counted.count()).unwrap(),
                plugin.mock.calls(function),
                "{function} at minor {minor}"
            );
        }
        for function in [
            "PJRT_Plugin_Initialize",
            "PJRT_Client_Create",
            "PJRT_LoadedExecutable_Execute",
            "PJRT_Event_Destroy",
            "PJRT_Buffer_Destroy",
            "PJRT_LoadedExecutable_Destroy",
            "PJRT_Client_Destroy",
        ] {
            assert!(functions.contains(&function), "{functions:?}");
        }
        assert!(lines.iter().all(|line| line.code == "OK"), "{lines:?}");
        assert!(lines.iter().all(|line| line.plugin == plugin.name()));
    }
}

#[test]
fn the_size_is_the_one_that_the_plugin_is_sent() {
    for (minor, size) in [(40, "72"), (61, "88"), (114, "88")] {
        let trace = Traced::start();
        let plugin = mock(minor);
        drop(plugin.create_client(&ClientOptions::new()).unwrap());
        let lines = trace.stop();
        assert_eq!(lines::one(&lines, "PJRT_Client_Create").size, size);
    }
}

#[test]
fn a_call_that_fails_has_the_code_of_its_error() {
    let trace = Traced::start();
    let failure = Failure::new(
        pjrt::sys::PJRT_Error_Code_RESOURCE_EXHAUSTED,
        "all is taken",
    );
    let plugin = mock(114);
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    plugin
        .mock
        .fault("PJRT_Client_BufferFromHostBuffer", Fault::Error(failure));
    let error = client.buffer_from_slice(&[1.0f32], &[1]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::RESOURCE_EXHAUSTED);
    drop(client);
    let lines = trace.stop();
    let line = lines::one(&lines, "PJRT_Client_BufferFromHostBuffer");
    assert_eq!((line.code.as_str(), line.depth), ("RESOURCE_EXHAUSTED", 0));
    assert_eq!(lines::count(&lines, "PJRT_Error_Destroy"), 1);
}

#[test]
fn calls_of_a_callback_that_runs_during_a_call_are_one_deeper() {
    let trace = Traced::start();
    let plugin = mock(114);
    let event = pjrt::OwnEvent::create(&plugin).unwrap();
    let watched = event.event();
    event.set(Err((ErrorCode::ABORTED, "no more"))).unwrap();
    // It happened, so the callback runs at once, and reads its error.
    watched
        .on_ready(|outcome| assert!(outcome.is_err()))
        .unwrap();
    drop(watched);
    let lines = trace.stop();
    let outer = lines::one(&lines, "PJRT_Event_OnReady");
    let inner = lines::one(&lines, "PJRT_Error_Message");
    assert_eq!((outer.depth, inner.depth), (0, 1));
    assert_eq!(outer.thread, inner.thread);
    assert!(outer.began <= inner.began && outer.ns >= inner.ns);
}

#[test]
fn functions_of_an_objects_own_table_are_seen() {
    let trace = Traced::start();
    let plugin = mock(114);
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    let a = client.buffer_from_slice(&[1.0f32, 2.0], &[2]).unwrap();
    a.ready_event().unwrap().wait().unwrap();
    let raws: pjrt::raw_buffer::RawBuffers = plugin.extension().unwrap();
    let raw = raws.alias_of(&a).unwrap();
    let event = raw.ready_event().unwrap();
    event.state().unwrap();
    drop(event.clone());
    drop(event);
    drop((raw, a, client));
    let lines = trace.stop();
    let table = "PJRT_DeviceEvent_FunctionTable.";
    assert_eq!(lines::count(&lines, &format!("{table}get_state")), 1);
    // The one that it was given by, and the clone.
    assert_eq!(lines::count(&lines, &format!("{table}inc_ref")), 2);
    assert_eq!(lines::count(&lines, &format!("{table}dec_ref")), 2);
    let state = lines::one(&lines, &format!("{table}get_state"));
    assert_eq!(state.size, "-");
}

#[test]
fn lines_of_many_threads_are_whole() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 50;
    let trace = Traced::start();
    let plugin = mock(114);
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..ROUNDS {
                    client.platform_name().unwrap();
                }
            });
        }
    });
    drop(client);
    // Each line was read whole, or this would have panicked.
    let lines = trace.stop();
    let name = "PJRT_Client_PlatformName";
    assert_eq!(lines::count(&lines, name), THREADS * ROUNDS);
    let mut threads: Vec<u64> = lines
        .iter()
        .filter(|line| line.function == name)
        .map(|line| line.thread)
        .collect();
    threads.sort_unstable();
    threads.dedup();
    assert_eq!(threads.len(), THREADS);
}

#[test]
fn lines_before_calls_are_there_when_asked_for() {
    let trace = Traced::start();
    pjrt::trace::begin_lines(true);
    let plugin = mock(114);
    drop(plugin.create_client(&ClientOptions::new()).unwrap());
    pjrt::trace::begin_lines(false);
    let all = trace.all();
    let begun: Vec<&Line> = all.iter().filter(|line| line.begins).collect();
    assert_eq!(begun.len() * 2, all.len());
    assert_eq!(begun[0].function, "PJRT_Plugin_Initialize");
    assert!(all[0].begins && !all[1].begins);
}

#[test]
fn nothing_is_written_after_the_end() {
    let trace = Traced::start();
    let plugin = mock(114);
    let before = trace.all().len();
    pjrt::trace::stop();
    drop(plugin.create_client(&ClientOptions::new()).unwrap());
    assert!(before > 0);
    assert_eq!(trace.all().len(), before);
}

/// Fails, panics, calls a plugin, then writes.
struct Odd {
    times: usize,
    plugin: Client,
    into: Arc<Mutex<Vec<u8>>>,
}

impl Write for Odd {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.times += 1;
        match self.times {
            1 => return Err(io::Error::other("full")),
            2 => panic!("as it was told"),
            _ => self.plugin.platform_name().unwrap(),
        };
        self.into.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn lines_that_a_writer_does_not_take_are_counted_and_its_own_calls_are_not_seen() {
    let trace = Traced::start();
    let plugin = mock(114);
    let client = plugin.create_client(&ClientOptions::new()).unwrap();
    let into = Arc::new(Mutex::new(Vec::new()));
    pjrt::trace::to_writer(Odd {
        times: 0,
        plugin: client.clone(),
        into: into.clone(),
    });
    for _ in 0..4 {
        client.platform_version().unwrap();
    }
    pjrt::trace::stop();
    drop(trace);
    let text = String::from_utf8(into.lock().unwrap().clone()).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("lost 2"));
    let rest: Vec<Line> = lines.map(Line::read).collect();
    assert_eq!(rest.len(), 2);
    assert_eq!(lines::count(&rest, "PJRT_Client_PlatformVersion"), 2);
}

#[test]
fn a_file_gets_lines_behind_those_it_has() {
    let _trace = Traced::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trace.txt");
    std::fs::write(&file, "before\n").unwrap();
    pjrt::trace::to_file(&file).unwrap();
    let plugin = mock(114);
    let text = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "before");
    assert_eq!(Line::read(lines[1]).function, "PJRT_Plugin_Initialize");
    assert!(pjrt::trace::to_file(folder.path()).is_err());
    // What was traced before goes on.
    drop(plugin.create_client(&ClientOptions::new()).unwrap());
    assert!(std::fs::read_to_string(&file).unwrap().len() > text.len());
}

#[test]
fn calls_on_the_cpu_plugin_are_seen() {
    let trace = Traced::start();
    let Some(plugin) = pjrt_tests::plugin("cpu") else {
        return;
    };
    let add = "func.func @main(%x: tensor<2xf32>, %y: tensor<2xf32>) -> tensor<2xf32> {
        %0 = stablehlo.add %x, %y : tensor<2xf32>
        return %0 : tensor<2xf32>
    }";
    let client = work(&plugin, add);
    let bad = client.compile(&Program::mlir("nonsense"), &CompileOptions::new());
    let code = bad.unwrap_err().code();
    drop(client);
    let lines = trace.stop();
    assert_eq!(lines::count(&lines, "PJRT_LoadedExecutable_Execute"), 3);
    assert_eq!(
        lines::count(&lines, "PJRT_Client_Create"),
        lines::count(&lines, "PJRT_Client_Destroy")
    );
    let codes: Vec<&str> = lines
        .iter()
        .filter(|line| line.function == "PJRT_Client_Compile")
        .map(|line| line.code.as_str())
        .collect();
    assert_eq!(codes, ["OK", &code.to_string()]);
    assert!(lines.iter().all(|line| line.plugin == plugin.name()));
}
