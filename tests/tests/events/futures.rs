//! Futures of events, copies and runs, on the mock.

use super::executors::{Bell, run};
use super::{SHORT, array, client, failing, reported};
use ::futures::executor::LocalPool;
use ::futures::task::LocalSpawnExt;
use pjrt::{CompileOptions, Error, EventFuture, ExecuteOptions, OwnEvent, Program, TransferFuture};
use pjrt_mock::{Fault, Mock};
use pjrt_tests::{Mocked, mock, mocked};
use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const ADD: &str = "mock sum\nparam f32[2]\nparam f32[2]\nout add 0 1\n";

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// A plugin that takes a little time.
fn slow() -> Mocked {
    mocked(Mock::builder().delay(SHORT))
}

#[test]
fn a_copy_gives_its_bytes_to_any_executor() {
    let plugin = slow();
    let client = client(&plugin);
    let array = array(&client);
    let bytes: Vec<u8> = [1.0f32, 2.0].iter().flat_map(|x| x.to_ne_bytes()).collect();
    let copy = || async {
        array.ready_event()?.await?;
        array.copy_raw_to_host(0, 8)?.await
    };
    assert_eq!(run(copy()).unwrap(), bytes);
    assert_eq!(pollster::block_on(copy()).unwrap(), bytes);
    assert_eq!(LocalPool::new().run_until(copy()).unwrap(), bytes);
}

#[test]
fn many_tasks_of_a_pool_wait_at_once() {
    let plugin = slow();
    let client = client(&plugin);
    let done = Rc::new(RefCell::new(Vec::new()));
    let mut pool = LocalPool::new();
    for number in 0..20i32 {
        let (client, done) = (client.clone(), done.clone());
        let task = async move {
            let array = client.buffer_from_slice(&[number], &[1]).unwrap();
            array.ready_event().unwrap().await.unwrap();
            let bytes = array.copy_raw_to_host(0, 4).unwrap().await.unwrap();
            done.borrow_mut().push(bytes);
        };
        pool.spawner().spawn_local(task).unwrap();
    }
    pool.run();
    let mut all = done.take();
    all.sort_unstable();
    let expected: Vec<Vec<u8>> = (0..20i32).map(|n| n.to_ne_bytes().to_vec()).collect();
    assert_eq!(all, expected);
}

#[test]
fn a_run_gives_its_outputs() {
    let plugin = slow();
    let client = client(&plugin);
    let program = Program::mlir(ADD);
    let sum = client.compile(&program, &CompileOptions::new()).unwrap();
    let a = array(&client);
    let start = || {
        let lists = vec![vec![(&a).into(), (&a).into()]];
        let mut runs = sum.execute(lists, &ExecuteOptions::new()).unwrap();
        runs.pop().unwrap()
    };
    let outputs = run(start().into_future()).unwrap();
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [2.0, 4.0]);
    let outputs = pollster::block_on(start().into_future()).unwrap();
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [2.0, 4.0]);
    // Dropped before the end, half way and at once.
    let mut begun = start().into_future();
    let _ = poll(&mut begun, Waker::noop());
    drop(begun);
    drop(start().into_future());
}

#[test]
fn the_last_waker_is_the_one_that_is_woken_and_a_dropped_future_wakes_nobody() {
    let plugin = mock(114);
    let own = OwnEvent::create(&plugin).unwrap();
    let event = own.event();
    let [first, second, dropped, other] = [(); 4].map(|()| Arc::new(Bell::default()));
    let mut future = EventFuture::new(event.clone());
    assert!(poll(&mut future, &first.waker()).is_pending());
    assert!(poll(&mut future, &second.waker()).is_pending());
    let mut cancelled = EventFuture::new(event.clone());
    assert!(poll(&mut cancelled, &dropped.waker()).is_pending());
    let mut third = EventFuture::new(&*event);
    assert!(poll(&mut third, &other.waker()).is_pending());
    drop(cancelled);
    // Nobody keeps the wakers that do not count.
    assert_eq!(Arc::strong_count(&first), 1);
    assert_eq!(Arc::strong_count(&dropped), 1);
    assert_eq!(Arc::strong_count(&second), 2);
    own.set(Ok(())).unwrap();
    second.wait(0);
    other.wait(0);
    assert_eq!((first.rung(), dropped.rung()), (0, 0));
    assert_eq!((second.rung(), other.rung()), (1, 1));
    for _ in 0..2 {
        assert!(matches!(
            poll(&mut future, Waker::noop()),
            Poll::Ready(Ok(()))
        ));
    }
    // One callback serves all futures of the event.
    assert_eq!(plugin.mock.calls("PJRT_Event_OnReady"), 1);
}

#[test]
fn a_waker_that_panics_does_not_keep_others_asleep() {
    struct Fails;
    impl std::task::Wake for Fails {
        fn wake(self: Arc<Self>) {
            panic!("a waker that fails");
        }
    }
    let plugin = mock(114);
    let own = OwnEvent::create(&plugin).unwrap();
    let (event, bell) = (own.event(), Arc::new(Bell::default()));
    let mut one = EventFuture::new(event.clone());
    let mut two = EventFuture::new(event);
    assert!(poll(&mut one, &Waker::from(Arc::new(Fails))).is_pending());
    assert!(poll(&mut two, &bell.waker()).is_pending());
    own.set(Ok(())).unwrap();
    bell.wait(0);
}

#[test]
fn the_error_of_what_was_awaited_is_the_outcome() {
    let plugin = failing();
    let client = client(&plugin);
    let array = array(&client);
    let outcome = run(async { array.ready_event()?.await });
    assert_eq!(reported(&outcome.unwrap_err()).1, "bits fell off");
    let copied = run(async { array.copy_raw_to_host(0, 8)?.await });
    assert_eq!(reported(&copied.unwrap_err()).1, "bits fell off");
}

#[test]
fn a_copy_that_nobody_awaits_any_more_keeps_its_memory_until_it_is_over() {
    let plugin = slow();
    let client = client(&plugin);
    let array = array(&client);
    array.ready_event().unwrap().wait().unwrap();
    let mut future: TransferFuture<Vec<u8>> = array.copy_raw_to_host(0, 8).unwrap().into_future();
    let _ = poll(&mut future, Waker::noop());
    // The plugin writes into the memory after this.
    drop(future);
    let mut future = array.copy_raw_to_host(0, 8).unwrap().into_future();
    while poll(&mut future, Waker::noop()).is_pending() {
        std::thread::yield_now();
    }
    let again = poll(&mut future, Waker::noop());
    assert!(
        matches!(again, Poll::Ready(Err(Error::InvalidArgument { .. }))),
        "{again:?}"
    );
}

#[test]
fn a_future_of_what_never_happens_can_be_dropped() {
    let plugin = mock(114);
    let client = client(&plugin);
    let array = array(&client);
    array.ready_event().unwrap().wait().unwrap();
    plugin.mock.fault("PJRT_Buffer_CopyRawToHost", Fault::Never);
    let bell = Arc::new(Bell::default());
    let mut future = array.copy_raw_to_host(0, 8).unwrap().into_future();
    assert!(poll(&mut future, &bell.waker()).is_pending());
    drop(future);
    assert_eq!((bell.rung(), Arc::strong_count(&bell)), (0, 1));
}

#[test]
fn device_events_and_their_transfers_can_be_awaited() {
    let plugin = slow();
    let client = client(&plugin);
    let array = array(&client);
    array.ready_event().unwrap().wait().unwrap();
    let raws: pjrt::raw_buffer::RawBuffers = plugin.extension().unwrap();
    let raw = raws.alias_of(&array).unwrap();
    let event = raw.ready_event().unwrap();
    assert!(event.wait_timeout(super::LONG).unwrap());
    run(event.clone().into_future()).unwrap();
    pollster::block_on(event.into_future()).unwrap();
    // The callbacks' references go on another thread, and the mock's event goes with its array.
    let calls = |name: &str| {
        let table = "PJRT_DeviceEvent_FunctionTable";
        plugin.mock.calls(&format!("{table}.{name}"))
    };
    let start = std::time::Instant::now();
    while calls("inc_ref") != calls("dec_ref") && start.elapsed() < super::LONG {
        std::thread::yield_now();
    }
    assert_eq!(calls("inc_ref"), calls("dec_ref"));
}
