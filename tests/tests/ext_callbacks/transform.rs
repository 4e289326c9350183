//! Transforms of programs.

use super::{Failure, copied, fake, something};
use pjrt::sys::xla_transform as xt;
use pjrt::xla_transform::{PipelineStage, XlaTransform};
use pjrt::{CallbackError, CompileOptions, ErrorCode, Program};
use pjrt_tests::{plugin, tpu};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A transform that the plugin has: its name, empty for none, and its callbacks.
struct Had(String, *mut xt::PJRT_XlaTransform_Callbacks);

// SAFETY: the callbacks are only there to be called, from any thread.
unsafe impl Send for Had {}

static HAD: Mutex<Vec<Had>> = Mutex::new(Vec::new());
static TRACES: AtomicUsize = AtomicUsize::new(0);

pub fn fill(table: &mut xt::PJRT_Xla_Transform_Extension) {
    table.register_xla_transform = Some(register);
    table.clear_xla_transform = Some(clear);
    table.get_hlo_pass_pipeline_trace = Some(trace);
    table.destroy_hlo_pass_pipeline_trace = Some(destroy);
}

unsafe fn end(callbacks: *mut xt::PJRT_XlaTransform_Callbacks) {
    // SAFETY: as the API says.
    unsafe { (*callbacks).dtor.unwrap()(callbacks) };
}

/// Refuses a stage that it does not know, and ends the registration then, as XLA does.
unsafe extern "C" fn register(args: *mut xt::PJRT_Register_Xla_Transform_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe {
        let args = &*args;
        assert_eq!((*args.callbacks).version, 1);
        let name = String::from_utf8(copied(args.name, args.name_size)).unwrap();
        assert_eq!(name.is_empty(), args.name.is_null());
        if args.stage.0 > 1 {
            end(args.callbacks);
            return something();
        }
        HAD.lock().unwrap().push(Had(name, args.callbacks));
    }
    null_mut()
}

unsafe extern "C" fn clear(args: *mut xt::PJRT_Clear_Xla_Transform_Args) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe {
        let args = &mut *args;
        let name = String::from_utf8(copied(args.name, args.name_size)).unwrap();
        let mut had = HAD.lock().unwrap();
        let found = had.iter().position(|Had(n, c)| match name.is_empty() {
            true => *c == args.callbacks,
            false => *n == name,
        });
        if let Some(found) = found {
            let Had(_, callbacks) = had.remove(found);
            drop(had);
            end(callbacks);
            args.cleared = true;
        }
    }
    null_mut()
}

/// Repeats the module; nothing for an empty one.
unsafe extern "C" fn trace(
    args: *mut xt::PJRT_Xla_Transform_Get_Hlo_Pass_Pipeline_Trace_Args,
) -> Failure {
    // SAFETY: the crate gives whole args.
    unsafe {
        let args = &mut *args;
        let bytes = copied(args.hlo_module.data, args.hlo_module.size);
        if bytes == b"null" {
            args.trace.serialized_trace_size = 4;
            return null_mut();
        }
        let bytes = Box::leak(bytes.into_boxed_slice());
        args.trace.serialized_trace = bytes.as_ptr().cast();
        args.trace.serialized_trace_size = bytes.len();
    }
    null_mut()
}

unsafe extern "C" fn destroy(
    args: *mut xt::PJRT_Xla_Transform_Destroy_Hlo_Pass_Pipeline_Trace_Args,
) {
    // SAFETY: the crate gives whole args, and a trace of `trace`'s.
    assert!(!unsafe { (*args).trace }.is_null());
    TRACES.fetch_add(1, Ordering::SeqCst);
}

/// The callbacks under a name.
fn callbacks(name: &str) -> usize {
    let had = HAD.lock().unwrap();
    let found = had.iter().find(|Had(n, _)| n == name).unwrap();
    found.1.expose_provenance()
}

/// What a transform answers: the module, or none; or the code and text of an error.
type Answer = Result<Option<Vec<u8>>, (u32, Vec<u8>)>;

/// Calls a transform as XLA does, from a thread of its own.
fn call(callbacks: usize, version: i64, module: Option<&'static [u8]>, size: usize) -> Answer {
    let body = move || unsafe {
        // SAFETY: this is how a plugin calls; the answer is read before it is freed, once.
        let callbacks: *mut xt::PJRT_XlaTransform_Callbacks =
            std::ptr::with_exposed_provenance_mut(callbacks);
        let mut args = xt::PJRT_XlaTransform_Args::zeroed();
        args.struct_size = size;
        args.header.api_version = version;
        args.hlo_module.data = module.map_or(std::ptr::null(), <[u8]>::as_ptr).cast();
        args.hlo_module.size = module.map_or(7, <[u8]>::len);
        (*callbacks).transform_hlo_module.unwrap()(callbacks, &raw mut args);
        let answer = if args.header.has_error {
            let text = args.header.error_msg;
            Err((args.header.code.0, copied(text.data, text.size)))
        } else {
            let text = args.transformed_hlo_module;
            Ok(args.changed.then(|| copied(text.data, text.size)))
        };
        if let Some(free) = args.header.cleanup_fn {
            free(args.header.data);
        }
        answer
    };
    std::thread::spawn(body).join().unwrap()
}

const WHOLE: usize = xt::PJRT_XlaTransform_Args_STRUCT_SIZE;

fn xla() -> XlaTransform {
    fake().extension().unwrap()
}

#[test]
fn a_transform_changes_a_module_or_leaves_it() {
    let transform = |module: &[u8]| match module {
        b"same" => Ok(None),
        b"bad" => Err(CallbackError::new(ErrorCode::DATA_LOSS, "not this one")),
        b"panic" => panic!("a transform that fails"),
        other => Ok(Some(other.iter().rev().copied().collect())),
    };
    let stage = PipelineStage::PRE_SCHEDULER;
    let registration = xla().register("reverse", stage, transform).unwrap();
    let callbacks = callbacks("reverse");
    let call = |module| call(callbacks, 1, Some(module), WHOLE);
    assert_eq!(call(b"abc"), Ok(Some(b"cba".to_vec())));
    assert_eq!(call(b""), Ok(Some(Vec::new())));
    assert_eq!(call(b"same"), Ok(None));
    let loss = ErrorCode::DATA_LOSS.as_raw().0;
    assert_eq!(call(b"bad"), Err((loss, b"not this one".to_vec())));
    let (code, text) = call(b"panic").unwrap_err();
    assert_eq!(code, ErrorCode::INTERNAL.as_raw().0);
    assert!(
        String::from_utf8(text)
            .unwrap()
            .contains("a transform that fails")
    );
    assert_eq!(registration.stage(), stage);
    assert!(registration.clear().unwrap());
}

#[test]
fn what_a_transform_cannot_read_is_an_error() {
    let registration = xla()
        .register("strict", PipelineStage::POST_SCHEDULER, |_| Ok(None))
        .unwrap();
    let callbacks = callbacks("strict");
    let invalid = call(callbacks, 1, None, WHOLE).unwrap_err();
    assert_eq!(invalid.0, ErrorCode::INTERNAL.as_raw().0);
    let newer = call(callbacks, 2, Some(b"a"), WHOLE).unwrap_err();
    assert_eq!(newer.0, ErrorCode::UNIMPLEMENTED.as_raw().0);
    // Without room for an answer there is none.
    assert_eq!(call(callbacks, 1, None, WHOLE - 1), Ok(None));
    assert!(registration.clear().unwrap());
}

#[test]
fn a_transform_goes_when_it_is_cleared_and_late_calls_find_none() {
    let alive = Arc::new(());
    let inside = alive.clone();
    let transform = move |_: &[u8]| {
        let _ = &inside;
        Ok(None)
    };
    let stage = PipelineStage::PRE_SCHEDULER;
    let registration = xla().register("late", stage, transform.clone()).unwrap();
    let callbacks = callbacks("late");
    drop(transform);
    assert_eq!(
        (
            call(callbacks, 1, Some(b"a"), WHOLE),
            Arc::strong_count(&alive)
        ),
        (Ok(None), 2)
    );
    assert!(registration.clear().unwrap());
    assert_eq!(Arc::strong_count(&alive), 1);
    let (code, _) = call(callbacks, 1, Some(b"a"), WHOLE).unwrap_err();
    assert_eq!(code, ErrorCode::INTERNAL.as_raw().0);
    // One without a name is known by its callbacks.
    let nameless = xla().register("", stage, |_| Ok(None)).unwrap();
    let other = xla().register("", stage, |_| Ok(Some(Vec::new()))).unwrap();
    assert!(nameless.clear().unwrap());
    let left = super::transform::callbacks("");
    assert_eq!(call(left, 1, Some(b"a"), WHOLE), Ok(Some(Vec::new())));
    assert!(other.clear().unwrap());
}

#[test]
fn a_refused_transform_is_freed_once() {
    let alive = Arc::new(());
    let inside = alive.clone();
    let stage = PipelineStage::from_raw(xt::PJRT_XlaTransform_PipelineStage(9));
    let transform = move |_: &[u8]| {
        let _ = &inside;
        Ok(None)
    };
    assert!(xla().register("refused", stage, transform).is_err());
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn a_trace_is_copied_and_freed() {
    let before = TRACES.load(Ordering::SeqCst);
    assert_eq!(xla().pass_pipeline_trace(b"module").unwrap(), b"module");
    assert!(xla().pass_pipeline_trace(b"null").is_err());
    assert_eq!(TRACES.load(Ordering::SeqCst), before + 2);
}

#[test]
fn libtpu_gives_every_program_to_a_transform() {
    let Some(topology) = tpu::topology("v5e:2x2") else {
        return;
    };
    let xla = plugin("tpu").unwrap().extension::<XlaTransform>().unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inside = seen.clone();
    let name = b"seen_by_a_transform";
    let transform = move |module: &[u8]| {
        if module.windows(name.len()).any(|part| part == name) {
            inside.lock().unwrap().push(module.to_vec());
        }
        Ok(None)
    };
    let registration = xla
        .register("sees", PipelineStage::PRE_SCHEDULER, transform)
        .unwrap();
    let program =
        "module @seen_by_a_transform { func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %0 = stablehlo.add %x, %x : tensor<4xf32>
      return %0 : tensor<4xf32>
    } }";
    tpu::compile_for(&topology, program);
    let count = seen.lock().unwrap().len();
    assert!(count > 0, "libtpu calls no transform");
    assert!(registration.clear().unwrap());
    tpu::compile_for(&topology, program);
    let module = seen.lock().unwrap()[0].clone();
    // Without a TPU it has no compiler to ask; with one there is a trace.
    if let Err(error) = xla.pass_pipeline_trace(&module) {
        assert_eq!(error.code(), ErrorCode::NOT_FOUND, "{error}");
    }
    let error = xla.pass_pipeline_trace(b"\xff\xff").unwrap_err();
    assert_eq!(error.code(), ErrorCode::INVALID_ARGUMENT, "{error}");
    assert_eq!(
        (seen.lock().unwrap().len(), Arc::strong_count(&seen)),
        (count, 1)
    );
}

#[test]
fn libtpu_compiles_nothing_that_a_transform_fails() {
    let Some(topology) = tpu::topology("v5e:2x2") else {
        return;
    };
    let xla = plugin("tpu").unwrap().extension::<XlaTransform>().unwrap();
    let holds = |module: &[u8], name: &[u8]| module.windows(name.len()).any(|part| part == name);
    let transform = move |module: &[u8]| match module {
        module if holds(module, b"fails_in_a_transform") => {
            Err(CallbackError::new(ErrorCode::DATA_LOSS, "not this one"))
        }
        module if holds(module, b"panics_in_a_transform") => panic!("a transform that fails"),
        module if holds(module, b"broken_by_a_transform") => Ok(Some(b"\xff".to_vec())),
        _ => Ok(None),
    };
    let stage = PipelineStage::PRE_SCHEDULER;
    let registration = xla.register("fails", stage, transform).unwrap();
    let compile = |name: &str| {
        let text = format!(
            "module @{name} {{ func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {{
              return %x : tensor<4xf32>
            }} }}"
        );
        topology.compile(&Program::mlir(text), &CompileOptions::new(), None)
    };
    for (name, text) in [
        ("fails_in_a_transform", "not this one"),
        ("panics_in_a_transform", "a transform that fails"),
        ("broken_by_a_transform", "transformed HLO module"),
    ] {
        let error = compile(name).unwrap_err();
        assert_eq!(error.code(), ErrorCode::INTERNAL, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
    compile("left_by_a_transform").unwrap();
    assert!(registration.clear().unwrap());
    compile("fails_in_a_transform").unwrap();
}
