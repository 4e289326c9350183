//! Custom calls in Rust, run by the real CPU plugin (PJRT 0.81, XLA FFI 0.2).
//!
//! A plugin never forgets a handler, so each test has names of its own.

#[path = "ffi/beyond.rs"]
mod beyond;
#[path = "ffi/registration.rs"]
mod registration;

use pjrt::ffi::{self, Handler};
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
