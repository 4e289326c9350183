//! What goes beyond the call: states, calls that end later, XLA's threads, the run's context.

use super::{compile, four, plugin_error, run, unary, with};
use pjrt::ffi::{self, Handler, UserType};
use pjrt::{Buffer, Client, ErrorCode, ExecuteOptions};
use pjrt_tests::plugin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
    let options = ExecuteOptions::new().context(Arc::new(context));
    let y = run_with(&client, "user_data", &options);
    assert_eq!(y.to_vec::<f32>().unwrap(), [9.0, 8.0, 7.0, 6.0]);
}

/// Starts a program that calls a handler.
fn run_with(client: &Client, handler: &str, options: &ExecuteOptions) -> Buffer {
    let executable = compile(client, &unary(handler, "")).unwrap();
    let x = four(client);
    let mut runs = executable
        .execute(vec![vec![(&x).into()]], options)
        .unwrap();
    runs.remove(0).outputs.remove(0)
}

#[test]
fn the_number_of_a_launch_is_what_the_handler_sees() {
    let handler = Handler::new("launch", |call| {
        let run = call.run_id()?;
        call.result_mut::<f32>(0)?.fill(run as f32);
        Ok(())
    });
    let Some(client) = with(handler) else { return };
    for launch in [77, 78] {
        let options = ExecuteOptions::new()
            .launch_id(launch)
            .call_location("beyond.rs:1");
        let y = run_with(&client, "launch", &options);
        assert_eq!(y.to_vec::<f32>().unwrap(), [launch as f32; 4]);
    }
}
