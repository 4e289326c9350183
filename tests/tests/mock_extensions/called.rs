//! Custom calls that programs make, and what befalls a client that fails.

use super::{Scene, Step};
use pjrt::callback::Callback;
use pjrt::ffi::{self, Handler, UserType};
use pjrt::sys::gpu;
use pjrt::{Argument, CompileOptions, ErrorCode, ExecuteOptions, LoadedExecutable, Program};
use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

pub const ALL: &[Step] = &[
    ("a_handler_computes", a_handler_computes),
    ("a_handler_fails", a_handler_fails),
    (
        "a_state_lives_with_its_program",
        a_state_lives_with_its_program,
    ),
    ("a_handler_asks_of_its_run", a_handler_asks_of_its_run),
    (
        "a_handler_for_devices_has_stages",
        a_handler_for_devices_has_stages,
    ),
    (
        "a_function_of_the_first_api_has_no_frame",
        a_function_of_the_first_api_has_no_frame,
    ),
    ("a_failing_run_is_told_of", a_failing_run_is_told_of),
];

/// How long a callback may take.
const SOON: Duration = Duration::from_secs(10);

pub fn compile(scene: &Scene, text: &str) -> pjrt::Result<LoadedExecutable> {
    let text = format!("mock calls\nparam f32[4]\n{text}\n");
    let program = Program::mlir(text);
    scene.client.compile(&program, &CompileOptions::new())
}

pub fn run(scene: &Scene, name: &str) -> pjrt::Result<Vec<f32>> {
    let program = compile(scene, &format!("out call {name} f32[4] 0"))?;
    program.run(&[&scene.floats()])?[0].to_vec()
}

fn a_handler_computes(scene: &Scene) {
    let handler = Handler::new("mock_double", |call| {
        let x = call.operand::<f32>(0)?;
        assert_eq!((call.operand_count(), x.dims()), (1, &[4][..]));
        let mut y = call.result_mut::<f32>(0)?;
        y.iter_mut().zip(x.iter()).for_each(|(y, x)| *y = 2.0 * x);
        Ok(())
    });
    handler.register(&scene.plugin).unwrap();
    assert_eq!(run(scene, "mock_double").unwrap(), [2.0, 4.0, 6.0, 8.0]);
}

fn a_handler_fails(scene: &Scene) {
    let handler = Handler::new("mock_refuse", |_| {
        Err(ffi::Error::new(ErrorCode::RESOURCE_EXHAUSTED, "no paper"))
    });
    handler.register(&scene.plugin).unwrap();
    let error = run(scene, "mock_refuse").unwrap_err();
    assert_eq!(error.code(), ErrorCode::RESOURCE_EXHAUSTED);
    assert!(error.to_string().contains("no paper"), "{error}");
    let error = compile(scene, "out call mock_nobody f32[4] 0").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NOT_FOUND);
}

struct Factor(f32, Arc<AtomicUsize>);

impl Drop for Factor {
    fn drop(&mut self) {
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

fn a_state_lives_with_its_program(scene: &Scene) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let inside = dropped.clone();
    let handler = Handler::builder("mock_scale")
        .instantiate(move |_| Ok(Factor(3.0, inside.clone())))
        .execute(|call, factor: &Factor| {
            let x = call.operand::<f32>(0)?;
            let mut y = call.result_mut::<f32>(0)?;
            y.iter_mut()
                .zip(x.iter())
                .for_each(|(y, x)| *y = factor.0 * x);
            Ok(())
        });
    handler.register(&scene.plugin).unwrap();
    let program = compile(scene, "out call mock_scale f32[4] 0").unwrap();
    for _ in 0..2 {
        let outputs = program.run(&[&scene.floats()]).unwrap();
        assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [3.0, 6.0, 9.0, 12.0]);
    }
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
}

fn a_handler_asks_of_its_run(scene: &Scene) {
    let texts = UserType::<Vec<f32>>::register(&scene.plugin, "mock_texts").unwrap();
    let handler = Handler::new("mock_asks", move |call| {
        assert_eq!(call.device_ordinal()?, 0);
        call.run_id()?;
        // SAFETY: the only program that calls this handler is run with a context below.
        let given = unsafe { call.user_data(&texts) }?;
        call.result_mut::<f32>(0)?.copy_from_slice(given);
        Ok(())
    });
    handler.register(&scene.plugin).unwrap();
    static GIVEN: std::sync::LazyLock<Vec<f32>> = std::sync::LazyLock::new(|| vec![7.0; 4]);
    let mut context = scene.plugin.create_execute_context().unwrap();
    texts.add(&mut context, &GIVEN).unwrap();
    let program = compile(scene, "out call mock_asks f32[4] 0").unwrap();
    let floats = scene.floats();
    let options = ExecuteOptions::new().context(Arc::new(context));
    let arguments = vec![vec![Argument::Borrow(&floats)]];
    let mut runs = program.execute(arguments, &options).unwrap();
    let outputs = runs.remove(0).outputs;
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [7.0; 4]);
}

fn a_handler_for_devices_has_stages(scene: &Scene) {
    let (sender, stages) = channel();
    let sender = Arc::new(std::sync::Mutex::new(sender));
    let say = move |what: &'static str| {
        let sender = sender.clone();
        move || sender.lock().unwrap().send(what).unwrap()
    };
    let (prepared, ready, ran) = (say("prepare"), say("initialize"), say("execute"));
    let handler = Handler::device("mock_stages", "CUDA")
        .prepare(move |_| {
            prepared();
            Ok(())
        })
        .initialize(move |_| {
            ready();
            Ok(())
        })
        .execute(move |_| {
            ran();
            Ok(())
        });
    handler.register(&scene.plugin).unwrap();
    run(scene, "mock_stages").unwrap();
    let said: Vec<_> = stages.try_iter().collect();
    assert_eq!(said, ["prepare", "initialize", "execute"]);
}

/// Multiplies four numbers by the number of letters of its text.
unsafe extern "C" fn by_length(
    stream: *mut c_void,
    arrays: *const *mut c_void,
    _: *const c_char,
    length: usize,
) {
    assert!(stream.is_null());
    for i in 0..4 {
        // SAFETY: an operand and a result of four numbers each, as the only program says.
        unsafe {
            let (x, y) = (*arrays, *arrays.add(1));
            let x = x.cast::<f32>().add(i).read();
            y.cast::<f32>().add(i).write(x * length as f32);
        }
    }
}

fn a_function_of_the_first_api_has_no_frame(scene: &Scene) {
    let name = b"mock_by_length";
    let mut args = gpu::PJRT_Gpu_Register_Custom_Call_Args::zeroed();
    args.struct_size = gpu::PJRT_Gpu_Register_Custom_Call_Args_STRUCT_SIZE;
    (args.function_name, args.function_name_size) = (name.as_ptr().cast(), name.len());
    args.handler_execute = by_length as *mut c_void;
    // SAFETY: the table and its nodes live as long as the plugin. That of this number is the
    // extension; the arguments are whole, and their function is one of the first API.
    let error = unsafe {
        let mut node = (*scene.mock.api()).extension_start;
        while (*node).type_ != pjrt::sys::PJRT_Extension_Type_Gpu_Custom_Call {
            node = (*node).next;
        }
        let table: *const gpu::PJRT_Gpu_Custom_Call = node.cast();
        (*table).custom_call.unwrap()(&raw mut args)
    };
    assert!(error.is_null());
    let line = "out call mock_by_length f32[4] 0 opaque=three";
    let program = compile(scene, line).unwrap();
    let outputs = program.run(&[&scene.floats()]).unwrap();
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [5.0, 10.0, 15.0, 20.0]);
}

fn a_failing_run_is_told_of(scene: &Scene) {
    let callback: Callback = scene.plugin.extension().unwrap();
    let (sender, heard) = channel();
    let sender = std::sync::Mutex::new(sender);
    callback
        .on_prefatal(&scene.client, move |error| {
            let said = format!("{} {}", error.code, error.message);
            sender.lock().unwrap().send(said).unwrap();
        })
        .unwrap();
    let program = compile(scene, "out 0\nfail 15 torn").unwrap();
    let outputs = program.run(&[&scene.floats()]).unwrap();
    assert!(outputs[0].to_vec::<f32>().is_err());
    assert_eq!(heard.recv_timeout(SOON).unwrap(), "DATA_LOSS torn");
}
