//! What handlers of custom calls ask of XLA while they run, and calls that end later.

use super::called::{compile, run};
use super::{Scene, Step};
use pjrt::ErrorCode;
use pjrt::ffi::{Error, Handler, UserType};
use std::sync::mpsc::channel;
use std::time::Duration;

pub const ALL: &[Step] = &[
    ("a_handler_ends_later", a_handler_ends_later),
    ("a_handler_fails_later", a_handler_fails_later),
    ("a_handler_has_workers", a_handler_has_workers),
    (
        "a_handler_of_a_device_has_memory",
        a_handler_of_a_device_has_memory,
    ),
    (
        "a_handler_is_refused_what_is_not_there",
        a_handler_is_refused_what_is_not_there,
    ),
    ("attributes_are_given", attributes_are_given),
];

fn a_handler_ends_later(scene: &Scene) {
    let handler = Handler::new("mock_later", |call| {
        let deferred = call.defer()?;
        std::thread::spawn(move || {
            let fill = || {
                let x = deferred.operand::<f32>(0)?;
                deferred.result_mut::<f32>(0)?.copy_from_slice(&x);
                Ok(())
            };
            let outcome = fill();
            deferred.finish(outcome);
        });
        Ok(())
    });
    handler.register(&scene.plugin).unwrap();
    assert_eq!(run(scene, "mock_later").unwrap(), [1.0, 2.0, 3.0, 4.0]);
}

fn a_handler_fails_later(scene: &Scene) {
    let handler = Handler::new("mock_fails_later", |call| {
        let deferred = call.defer()?;
        let torn = Error::new(ErrorCode::DATA_LOSS, "torn");
        std::thread::spawn(move || deferred.finish(Err(torn)));
        Ok(())
    });
    handler.register(&scene.plugin).unwrap();
    let error = run(scene, "mock_fails_later").unwrap_err();
    assert_eq!(error.code(), ErrorCode::DATA_LOSS);
}

fn a_handler_has_workers(scene: &Scene) {
    let handler = Handler::new("mock_workers", |call| {
        assert!(call.thread_count()? > 0);
        assert!(call.extension(77)?.is_none());
        let (sender, receiver) = channel();
        call.schedule(move || sender.send(5.0f32).unwrap())?;
        let came = receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        call.result_mut::<f32>(0)?.fill(came);
        Ok(())
    });
    handler.register(&scene.plugin).unwrap();
    assert_eq!(run(scene, "mock_workers").unwrap(), [5.0; 4]);
}

fn a_handler_of_a_device_has_memory(scene: &Scene) {
    let handler = Handler::device("mock_memory", "CUDA").execute(|call| {
        assert!(call.stream()?.is_null());
        let scratch = call.scratch(100, 64)?;
        assert!(scratch.size() == 100 && scratch.as_ptr().addr() % 64 == 0);
        Ok(())
    });
    handler.register(&scene.plugin).unwrap();
    run(scene, "mock_memory").unwrap();
}

fn a_handler_is_refused_what_is_not_there(scene: &Scene) {
    let numbers = UserType::<u32>::register(&scene.plugin, "mock_nobody_gave").unwrap();
    let handler = Handler::new("mock_refused", move |call| {
        // SAFETY: there is no context, so nothing is given.
        let absent = unsafe { call.user_data(&numbers) }.unwrap_err();
        Err(absent)
    });
    handler.register(&scene.plugin).unwrap();
    let error = run(scene, "mock_refused").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NOT_FOUND, "{error}");
}

fn attributes_are_given(scene: &Scene) {
    let handler = Handler::new("mock_attributes", |call| {
        assert_eq!(call.attributes().len(), 4);
        assert_eq!(call.attr::<&str>("kind")?, "linear");
        let (factor, times) = (call.attr::<f32>("factor")?, call.attr::<i64>("times")?);
        let added = call.attr::<&[i64]>("added")?.iter().sum::<i64>();
        assert!(call.attr::<bool>("factor").is_err() && call.attr::<f32>("none").is_err());
        let x = call.operand::<f32>(0)?;
        let mut y = call.result_mut::<f32>(0)?;
        for (y, x) in y.iter_mut().zip(x.iter()) {
            *y = factor * x * times as f32 + added as f32;
        }
        Ok(())
    });
    handler.register(&scene.plugin).unwrap();
    let line = "out call mock_attributes f32[4] 0 kind=linear factor=0.5 times=4 added=1,2";
    let program = compile(scene, line).unwrap();
    let y = program.run(&[&scene.floats()]).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), [5.0, 7.0, 9.0, 11.0]);
}
