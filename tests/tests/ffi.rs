//! Custom calls in Rust, run by the real CPU plugin (PJRT 0.81, XLA FFI 0.2).
//!
//! A plugin never forgets a handler, so each test has names of its own.

use pjrt::ffi::{self, Handler, UserType};
use pjrt::{
    Buffer, Client, CompileOptions, Error, ErrorCode, LoadedExecutable, PluginError, Program,
};
use pjrt_tests::{cpu, plugin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};

/// A module that calls `name` with one `f32[4]` and gives its one `f32[4]`.
fn unary(name: &str, attributes: &str) -> String {
    format!(
        "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {{
           %y = stablehlo.custom_call @{name}(%x) {{api_version = 4 : i32, backend_config = {{{attributes}}}}} : (tensor<4xf32>) -> tensor<4xf32>
           return %y : tensor<4xf32>
         }}"
    )
}

fn compile(client: &Client, module: &str) -> pjrt::Result<LoadedExecutable> {
    client.compile(&Program::mlir(module), &CompileOptions::new())
}

fn four(client: &Client) -> Buffer {
    client
        .buffer_from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[4])
        .unwrap()
}

/// Runs `unary` and reads its output: errors of handlers show in either.
fn run(client: &Client, name: &str, attributes: &str) -> pjrt::Result<Vec<f32>> {
    let executable = compile(client, &unary(name, attributes))?;
    executable.run(&[&four(client)])?[0].to_vec()
}

/// The client, with the handler registered.
fn with(handler: Handler) -> Option<Client> {
    let client = cpu()?;
    handler.register(&plugin("cpu")?).unwrap();
    Some(client)
}

fn plugin_error<T: std::fmt::Debug>(result: pjrt::Result<T>) -> PluginError {
    match result {
        Err(Error::Plugin(error)) => *error,
        other => panic!("expected an error of the plugin, got {other:?}"),
    }
}

#[test]
fn a_handler_multiplies_by_an_attribute() {
    let handler = Handler::new("scale", |call| {
        let factor: f32 = call.attr("factor")?;
        let x = call.operand::<f32>(0)?;
        let mut y = call.result_mut::<f32>(0)?;
        assert_eq!((x.dims(), y.dims()), (&[4][..], &[4][..]));
        for (y, x) in y.iter_mut().zip(x.iter()) {
            *y = factor * x;
        }
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    for factor in [10.0, -0.5] {
        let y = run(&client, "scale", &format!("factor = {factor:?} : f32")).unwrap();
        assert_eq!(y, [1.0, 2.0, 3.0, 4.0].map(|x: f32| x * factor));
    }
}

#[test]
fn two_operands_and_two_results_have_their_own_types() {
    let handler = Handler::new("divide", |call| {
        assert_eq!((call.operand_count(), call.result_count()), (2, 2));
        let (a, b) = (call.operand::<i32>(0)?, call.operand::<i32>(1)?);
        let mut quotient = call.result_mut::<f64>(0)?;
        let mut rest = call.result_mut::<i32>(1)?;
        assert_eq!(quotient.dims(), [2, 2]);
        for (i, (a, b)) in a.iter().zip(b.iter()).enumerate() {
            quotient[i] = f64::from(*a) / f64::from(*b);
            rest[i] = a % b;
        }
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let module = "func.func @main(%a: tensor<2x2xi32>, %b: tensor<2x2xi32>) -> (tensor<2x2xf64>, tensor<2x2xi32>) {
        %r:2 = stablehlo.custom_call @divide(%a, %b) {api_version = 4 : i32} : (tensor<2x2xi32>, tensor<2x2xi32>) -> (tensor<2x2xf64>, tensor<2x2xi32>)
        return %r#0, %r#1 : tensor<2x2xf64>, tensor<2x2xi32>
      }";
    let a = client
        .buffer_from_slice(&[7i32, -7, 9, 1], &[2, 2])
        .unwrap();
    let b = client.buffer_from_slice(&[2i32, 2, 3, 4], &[2, 2]).unwrap();
    let outputs = compile(&client, module).unwrap().run(&[&a, &b]).unwrap();
    assert_eq!(outputs[0].to_vec::<f64>().unwrap(), [3.5, -3.5, 3.0, 0.25]);
    assert_eq!(outputs[1].to_vec::<i32>().unwrap(), [1, -1, 0, 1]);
}

#[test]
fn scalars_and_empty_arrays_are_slices_too() {
    let handler = Handler::new("shapes", |call| {
        let (scalar, empty) = (call.operand::<i64>(0)?, call.operand::<f32>(1)?);
        assert_eq!((scalar.dims(), &scalar[..]), (&[][..], &[42][..]));
        assert_eq!((empty.dims(), empty.len()), (&[0, 3][..], 0));
        call.result_mut::<i64>(0)?.copy_from_slice(&scalar);
        assert!(call.result_mut::<f32>(1)?.is_empty());
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let module = "func.func @main(%a: tensor<i64>, %b: tensor<0x3xf32>) -> (tensor<i64>, tensor<0x3xf32>) {
        %r:2 = stablehlo.custom_call @shapes(%a, %b) {api_version = 4 : i32} : (tensor<i64>, tensor<0x3xf32>) -> (tensor<i64>, tensor<0x3xf32>)
        return %r#0, %r#1 : tensor<i64>, tensor<0x3xf32>
      }";
    let a = client.buffer_from_slice(&[42i64], &[]).unwrap();
    let b = client.buffer_from_slice(&[0.0f32; 0], &[0, 3]).unwrap();
    let outputs = compile(&client, module).unwrap().run(&[&a, &b]).unwrap();
    assert_eq!(outputs[0].to_vec::<i64>().unwrap(), [42]);
    assert!(outputs[1].to_vec::<f32>().unwrap().is_empty());
}

#[test]
fn attributes_of_every_kind_arrive() {
    let handler = Handler::new("attributes", |call| {
        assert_eq!(
            (call.attr::<i8>("a")?, call.attr::<i16>("b")?),
            (-1i8, -2i16)
        );
        assert_eq!((call.attr::<i32>("c")?, call.attr::<i64>("d")?), (-3, -4));
        assert_eq!(
            (call.attr::<u8>("e")?, call.attr::<u64>("f")?),
            (200, u64::MAX)
        );
        assert_eq!(
            (call.attr::<f32>("g")?, call.attr::<f64>("h")?),
            (0.5, -0.25)
        );
        assert_eq!(
            (call.attr::<bool>("i")?, call.attr::<bool>("j")?),
            (true, false)
        );
        assert_eq!(call.attr::<&str>("k")?, "grüß dich");
        assert_eq!(call.attr::<&[i64]>("l")?, [1, 2, 3]);
        assert_eq!(call.attr::<&[f32]>("m")?, [1.5, 2.5]);
        assert!(call.attr::<&[i32]>("n")?.is_empty());
        let inner: ffi::Attributes<'_> = call.attr("o")?;
        assert_eq!(
            (inner.len(), inner.get::<i32>("x")?, inner.contains("y")),
            (1, 7, false)
        );
        assert_eq!(call.attributes().names().concat(), "abcdefghijklmno");
        call.result_mut::<f32>(0)?
            .copy_from_slice(&call.operand::<f32>(0)?);
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let attributes = "a = -1 : i8, b = -2 : i16, c = -3 : i32, d = -4 : i64, e = 200 : ui8, \
        f = 18446744073709551615 : ui64, g = 0.5 : f32, h = -0.25 : f64, i = true, j = false, \
        k = \"grüß dich\", l = array<i64: 1, 2, 3>, m = array<f32: 1.5, 2.5>, n = array<i32>, \
        o = {x = 7 : i32}";
    assert_eq!(
        run(&client, "attributes", attributes).unwrap(),
        [1.0, 2.0, 3.0, 4.0]
    );
}

#[test]
fn an_error_becomes_that_of_the_run_with_code_and_message() {
    let handler = Handler::new("refuse", |_| {
        Err(ffi::Error::new(
            ErrorCode::RESOURCE_EXHAUSTED,
            "no more \0 paper",
        ))
    });
    let Some(client) = with(handler) else { return };
    let error = plugin_error(run(&client, "refuse", ""));
    assert_eq!(error.code, ErrorCode::RESOURCE_EXHAUSTED);
    assert!(
        error.message.contains("refuse: no more \u{fffd} paper"),
        "{}",
        error.message
    );
}

#[test]
fn an_error_without_a_code_is_still_an_error() {
    let handler = Handler::new("refuse_ok", |_| Err(ffi::Error::new(ErrorCode::OK, "hm")));
    let Some(client) = with(handler) else { return };
    assert_eq!(
        plugin_error(run(&client, "refuse_ok", "")).code,
        ErrorCode::UNKNOWN
    );
}

#[test]
fn a_panic_becomes_an_internal_error_and_the_process_lives() {
    let handler = Handler::new("panic", |call| {
        if call.attr::<bool>("odd")? {
            std::panic::panic_any(call.handler().len());
        }
        panic!("the sky is {}", "falling")
    });
    let Some(client) = with(handler) else { return };
    for (odd, text) in [
        (false, "panic: the handler panicked: the sky is falling"),
        (true, "no text"),
    ] {
        let error = plugin_error(run(&client, "panic", &format!("odd = {odd}")));
        assert_eq!(error.code, ErrorCode::INTERNAL);
        assert!(error.message.contains(text), "{}", error.message);
    }
}

#[test]
fn another_type_than_the_modules_is_refused_with_operand_expected_and_found() {
    let handler = Handler::new("wrong_type", |call| {
        call.operand::<i32>(0)?;
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let error = plugin_error(run(&client, "wrong_type", ""));
    assert_eq!(error.code, ErrorCode::INVALID_ARGUMENT);
    assert!(
        error
            .message
            .contains("operand 0 is f32[4], and elements of s32 were expected"),
        "{}",
        error.message
    );
}

#[test]
fn arrays_and_attributes_that_are_not_there_are_refused_with_those_that_are() {
    let handler = Handler::new("missing", |call| {
        match call.attr::<i64>("ask")? {
            0 => drop(call.operand::<f32>(1)?),
            1 => drop(call.result_mut::<f32>(7)?),
            2 => drop(call.attr::<f32>("factor")?),
            _ => drop(call.attr::<&str>("ask")?),
        }
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    for (ask, text) in [
        (0, "operand 1 was expected, and the call has 1 operands"),
        (1, "result 7 was expected, and the call has 1 results"),
        (
            2,
            "`factor`, a scalar of f32, was expected, and is not among those given: ask",
        ),
        (
            3,
            "`ask` is a scalar of s64, and a string of UTF-8 was expected",
        ),
    ] {
        let error = plugin_error(run(&client, "missing", &format!("ask = {ask} : i64")));
        assert_eq!(error.code, ErrorCode::INVALID_ARGUMENT);
        assert!(error.message.contains(text), "{}", error.message);
    }
}

#[test]
fn a_name_that_nobody_registered_fails_at_compilation() {
    let Some(client) = cpu() else { return };
    let error = plugin_error(compile(&client, &unary("nobody", "")));
    assert_eq!(error.function, "PJRT_Client_Compile");
    assert_eq!(error.code, ErrorCode::NOT_FOUND);
}

#[test]
fn a_closure_keeps_what_it_captured() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let inner = seen.clone();
    let handler = Handler::new("capture", move |call| {
        let x = call.operand::<f32>(0)?;
        inner.lock().unwrap().extend_from_slice(&x);
        call.result_mut::<f32>(0)?.copy_from_slice(&x);
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    run(&client, "capture", "").unwrap();
    run(&client, "capture", "").unwrap();
    assert_eq!(
        *seen.lock().unwrap(),
        [1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]
    );
}

#[test]
fn many_threads_call_one_handler() {
    let calls = Arc::new(AtomicUsize::new(0));
    let inner = calls.clone();
    let handler = Handler::new("count", move |call| {
        inner.fetch_add(1, Ordering::Relaxed);
        call.result_mut::<f32>(0)?
            .copy_from_slice(&call.operand::<f32>(0)?);
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let executable = compile(&client, &unary("count", "")).unwrap();
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                for _ in 0..50 {
                    let y = executable.run(&[&four(&client)]).unwrap();
                    assert_eq!(y[0].to_vec::<f32>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
                }
            });
        }
    });
    assert_eq!(calls.load(Ordering::Relaxed), 200);
}

#[test]
fn a_name_is_registered_once() {
    let Some(plugin) = plugin("cpu") else { return };
    let first = Handler::new("once", |_| Ok(()));
    first.register(&plugin).unwrap();
    // The same handler is no other one.
    first.register(&plugin).unwrap();
    first.clone().register(&plugin).unwrap();
    for other in [
        Handler::new("once", |_| Ok(())),
        Handler::device("once", "cpu").execute(|_| Ok(())),
    ] {
        let error = other.register(&plugin).unwrap_err();
        assert!(
            matches!(
                &error,
                Error::InvalidArgument {
                    argument: "target_name",
                    ..
                }
            ),
            "{error}"
        );
    }
    assert!(Handler::new("", |_| Ok(())).register(&plugin).is_err());
}

#[test]
fn a_name_that_others_took_is_refused_although_the_plugin_says_nothing() {
    unsafe extern "C" fn theirs(frame: *mut pjrt_sys::ffi_api::XLA_FFI_CallFrame) -> *mut () {
        // SAFETY: the plugin asks for the metadata at registration, and calls for nothing else
        // here.
        unsafe {
            let extension = (*frame).extension_start;
            let extension = extension.cast::<pjrt_sys::ffi_api::XLA_FFI_Metadata_Extension>();
            (*(*extension).metadata).api_version.minor_version = 1;
        }
        std::ptr::null_mut()
    }
    let Some(plugin) = plugin("cpu") else { return };
    let api = pjrt::__rt::OnPlugin::api(&plugin);
    let table = api.extension::<pjrt::raw::ffi::Table>().unwrap();
    let (name, platform) = ("theirs", "Host");
    let input = pjrt::raw::ffi::FfiRegisterHandlerIn::new(
        name.as_ptr().cast(),
        name.len(),
        theirs as *mut std::ffi::c_void,
        platform.as_ptr().cast(),
        platform.len(),
        pjrt_sys::ffi::PJRT_FFI_Handler_TraitsBits(0),
    );
    // SAFETY: the strings live through the call, and the function as long as the process.
    unsafe { pjrt::raw::ffi::ffi_register_handler(table, input) }.unwrap();
    let error = Handler::new(name, |_| Ok(()))
        .register(&plugin)
        .unwrap_err();
    assert!(error.to_string().contains("Duplicate"), "{error}");
}

#[test]
fn a_handler_may_not_register_another() {
    let handler = Handler::new("registers", |_| {
        let plugin = plugin("cpu").ok_or_else(|| ffi::Error::internal("no plugin"))?;
        Handler::new("registered", |_| Ok(())).register(&plugin)?;
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let error = plugin_error(run(&client, "registers", ""));
    assert_eq!(error.code, ErrorCode::INVALID_ARGUMENT);
}

#[test]
fn one_array_is_not_borrowed_for_writing_twice() {
    let handler = Handler::new("twice", |call| {
        let x = call.operand::<f32>(0)?;
        let again = call.operand::<f32>(0)?;
        assert_eq!(*x, *again);
        let mut y = call.result_mut::<f32>(0)?;
        let error = call.result_mut::<f32>(0).err().expect("a second borrow");
        assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION);
        y.fill(0.0);
        drop(y);
        call.result_mut::<f32>(0)?.copy_from_slice(&x);
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    assert_eq!(run(&client, "twice", "").unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn an_operand_and_a_result_in_the_same_memory_are_not_borrowed_together() {
    let handler = Handler::new("in_place", |call| {
        let x = call.operand::<f32>(0)?;
        let error = call.result_mut::<f32>(0).err().expect("shared memory");
        assert_eq!(error.code(), ErrorCode::FAILED_PRECONDITION);
        assert!(
            error
                .message()
                .contains("result 0 shares memory with operand 0")
        );
        drop(x);
        let mut y = call.result_mut::<f32>(0)?;
        assert!(call.operand::<f32>(0).is_err());
        // The result holds the operand's elements.
        y.iter_mut().for_each(|y| *y *= 2.0);
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let module = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
        %a = stablehlo.add %x, %x : tensor<4xf32>
        %y = stablehlo.custom_call @in_place(%a) {api_version = 4 : i32, output_operand_aliases = [#stablehlo.output_operand_alias<output_tuple_indices = [], operand_index = 0, operand_tuple_indices = []>]} : (tensor<4xf32>) -> tensor<4xf32>
        return %y : tensor<4xf32>
      }";
    let outputs = compile(&client, module).unwrap().run(&[&four(&client)]);
    assert_eq!(
        outputs.unwrap()[0].to_vec::<f32>().unwrap(),
        [4.0, 8.0, 12.0, 16.0]
    );
}

#[test]
fn a_state_is_made_for_each_call_site_and_dropped_with_the_program() {
    struct Table(Vec<f32>, Arc<AtomicUsize>);
    impl Drop for Table {
        fn drop(&mut self) {
            self.1.fetch_add(1, Ordering::SeqCst);
        }
    }
    let (made, dropped) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (made_inside, dropped_inside) = (made.clone(), dropped.clone());
    let handler = Handler::builder("add_table")
        .instantiate(move |call| {
            made_inside.fetch_add(1, Ordering::SeqCst);
            assert_eq!(call.stage(), ffi::Stage::INSTANTIATE);
            let table = call.attr::<&[f32]>("table")?.to_vec();
            Ok(Table(table, dropped_inside.clone()))
        })
        .execute(|call, table: &Table| {
            let x = call.operand::<f32>(0)?;
            let mut y = call.result_mut::<f32>(0)?;
            for ((y, x), t) in y.iter_mut().zip(x.iter()).zip(&table.0) {
                *y = x + t;
            }
            Ok(())
        });
    let Some(client) = with(handler) else { return };
    let module = "func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
        %a = stablehlo.custom_call @add_table(%x) {api_version = 4 : i32, backend_config = {table = array<f32: 1.0, 2.0, 3.0, 4.0>}} : (tensor<4xf32>) -> tensor<4xf32>
        %b = stablehlo.custom_call @add_table(%a) {api_version = 4 : i32, backend_config = {table = array<f32: 100.0, 200.0, 300.0, 400.0>}} : (tensor<4xf32>) -> tensor<4xf32>
        return %b : tensor<4xf32>
      }";
    let executable = compile(&client, module).unwrap();
    assert_eq!(made.load(Ordering::SeqCst), 2);
    for _ in 0..3 {
        let y = executable.run(&[&four(&client)]).unwrap();
        assert_eq!(y[0].to_vec::<f32>().unwrap(), [102.0, 204.0, 306.0, 408.0]);
    }
    assert_eq!(dropped.load(Ordering::SeqCst), 0);
    drop(executable);
    assert_eq!(
        (made.load(Ordering::SeqCst), dropped.load(Ordering::SeqCst)),
        (2, 2)
    );
}

#[test]
fn an_instantiation_that_fails_or_panics_fails_the_compilation() {
    let handler = Handler::builder("no_state")
        .instantiate(|call| {
            if call.attr::<bool>("panic")? {
                panic!("no state today");
            }
            Err::<(), _>(ffi::Error::new(ErrorCode::UNAVAILABLE, "later"))
        })
        .execute(|_, ()| Ok(()));
    let Some(client) = with(handler) else { return };
    for (panic, code, text) in [
        (false, ErrorCode::UNAVAILABLE, "no_state: later"),
        (true, ErrorCode::INTERNAL, "no state today"),
    ] {
        let error = plugin_error(compile(
            &client,
            &unary("no_state", &format!("panic = {panic}")),
        ));
        assert_eq!((error.function, error.code), ("PJRT_Client_Compile", code));
        assert!(error.message.contains(text), "{}", error.message);
    }
}

#[test]
fn a_deferred_call_is_waited_for() {
    let handler = Handler::new("later", |call| {
        let deferred = call.defer()?;
        std::thread::spawn(move || {
            std::thread::yield_now();
            let fill = || {
                let x = deferred.operand::<f32>(0)?;
                for (y, x) in deferred.result_mut::<f32>(0)?.iter_mut().zip(x.iter()) {
                    *y = -x;
                }
                Ok(())
            };
            let result = fill();
            deferred.finish(result);
        });
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let executable = compile(&client, &unary("later", "")).unwrap();
    for _ in 0..50 {
        let y = executable.run(&[&four(&client)]).unwrap();
        assert_eq!(y[0].to_vec::<f32>().unwrap(), [-1.0, -2.0, -3.0, -4.0]);
    }
}

#[test]
fn xlas_own_threads_finish_a_deferred_call() {
    let handler = Handler::new("pool", |call| {
        assert!(call.thread_count()? > 0);
        call.defer_to_pool(|deferred| {
            let x = deferred.operand::<f32>(0)?;
            assert!(x.iter().all(|x| *x < 4.0), "too much");
            deferred.result_mut::<f32>(0)?.copy_from_slice(&x);
            Ok(())
        })
    });
    let Some(client) = with(handler) else { return };
    let executable = compile(&client, &unary("pool", "")).unwrap();
    let small = client.buffer_from_slice(&[0.5f32; 4], &[4]).unwrap();
    let y = executable.run(&[&small]).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), [0.5; 4]);
    let outputs = executable.run(&[&four(&client)]);
    let error = plugin_error(outputs.and_then(|y| y[0].to_vec::<f32>()));
    assert_eq!(error.code, ErrorCode::INTERNAL);
    assert!(error.message.contains("too much"), "{}", error.message);
}

#[test]
fn a_deferred_call_that_is_dropped_or_whose_handler_fails_ends_with_an_error() {
    let handler = Handler::new("dropped", |call| {
        let how: i64 = call.attr("how")?;
        let deferred = call.defer()?;
        match how {
            // Before the handler returns, and after.
            0 => drop(deferred),
            1 => drop(std::thread::spawn(move || drop(deferred))),
            2 => {
                deferred.finish(Ok(()));
                return Err(ffi::Error::new(ErrorCode::ABORTED, "second thoughts"));
            }
            _ => {
                std::thread::spawn(move || deferred.finish(Ok(())));
                panic!("second thoughts")
            }
        }
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    for (how, code, text) in [
        (0, ErrorCode::CANCELLED, "dropped unfinished"),
        (1, ErrorCode::CANCELLED, "dropped unfinished"),
        (2, ErrorCode::ABORTED, "second thoughts"),
        (3, ErrorCode::INTERNAL, "second thoughts"),
    ] {
        let error = plugin_error(run(&client, "dropped", &format!("how = {how} : i64")));
        assert_eq!(error.code, code, "{how}");
        assert!(error.message.contains(text), "{}", error.message);
    }
}

#[test]
fn a_call_tells_of_its_run() {
    let handler = Handler::new("context", |call| {
        assert_eq!(call.handler(), "context");
        assert_eq!(call.stage(), ffi::Stage::EXECUTE);
        let mut y = call.result_mut::<f32>(0)?;
        y.fill(call.device_ordinal()? as f32);
        call.run_id()?;
        let (sender, receiver) = std::sync::mpsc::channel();
        call.schedule(move || {
            let _ = sender.send(1);
        })?;
        // The task may have to wait for this thread: it is only asked for.
        drop(receiver);
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    assert_eq!(run(&client, "context", "").unwrap(), [0.0; 4]);
}

#[test]
fn a_value_of_the_runs_context_reaches_the_handler() {
    let Some(plugin) = plugin("cpu") else { return };
    let numbers: UserType<Vec<f32>> = UserType::register(&plugin, "numbers").unwrap();
    let texts: UserType<String> = UserType::register(&plugin, "texts").unwrap();
    assert!(UserType::<u8>::register(&plugin, "numbers").is_err());
    let handler = Handler::new("user_data", move |call| {
        // SAFETY: the only program that calls this handler is run with a context below.
        let (given, missing) = unsafe { (call.user_data(&numbers)?, call.user_data(&texts)) };
        assert!(missing.is_err());
        call.result_mut::<f32>(0)?.copy_from_slice(given);
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    let mut context = plugin.create_execute_context().unwrap();
    static NUMBERS: std::sync::LazyLock<Vec<f32>> =
        std::sync::LazyLock::new(|| vec![9.0, 8.0, 7.0, 6.0]);
    numbers.add(&mut context, &NUMBERS).unwrap();
    assert!(numbers.add(&mut context, &NUMBERS).is_err());
    let executable = compile(&client, &unary("user_data", "")).unwrap();
    let y = run_with_context(&executable, &four(&client), &context);
    assert_eq!(y.unwrap().to_vec::<f32>().unwrap(), [9.0, 8.0, 7.0, 6.0]);
}

/// Runs a program with one input and output.
fn run_with_context(
    executable: &LoadedExecutable,
    x: &Buffer,
    context: &pjrt::ExecuteContext,
) -> pjrt::Result<Buffer> {
    use pjrt::__rt::{self, Handle};
    let api = executable.api();
    let mut options = pjrt::raw::ExecuteOptions::unset();
    options.context = context.as_raw();
    let options = options.lower(api)?;
    let (arguments, mut results) = ([x.as_raw()], [std::ptr::null_mut()]);
    let (argument_list, result_list) = (arguments.as_ptr(), results.as_mut_ptr());
    let input = pjrt::raw::LoadedExecutableExecuteIn::new(
        executable.as_raw(),
        (&raw const options).cast_mut(),
        &raw const argument_list,
        1,
        1,
        &raw const result_list,
        std::ptr::null_mut(),
        std::ptr::null_mut(),
    );
    let place = __rt::Place {
        function: "PJRT_LoadedExecutable_Execute",
        field: "output_lists",
    };
    // SAFETY: one device, one input that is no longer used, room for the one output, which is new
    // and belongs to the client of the input.
    unsafe {
        pjrt::raw::loaded_executable_execute(api, input)?;
        __rt::owned(api, results[0], __rt::owner_of(x), place)
    }
}

#[test]
fn the_extension_says_whether_a_plugin_takes_handlers() {
    let Some(plugin) = plugin("cpu") else { return };
    let extension = plugin.extension::<ffi::Ffi>().unwrap();
    assert!(extension.takes_handlers());
    extension
        .register(&Handler::new("by_extension", |_| Ok(())))
        .unwrap();
    assert!(matches!(
        plugin.extension::<ffi::GpuCustomCall>(),
        Err(Error::NoExtension { .. })
    ));
}
