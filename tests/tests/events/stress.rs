//! Whoever comes first: setting, waiting, watching, polling and dropping in any order.

use super::executors::run;
use super::{LONG, reported};
use pjrt::{ErrorCode, EventFuture, OwnEvent};
use pjrt_tests::mock;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

/// Numbers that look random, the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

const ROUNDS: u64 = 150;
const WATCHERS: u64 = 4;

#[test]
fn every_watcher_of_an_event_gets_its_outcome_once_whoever_comes_first() {
    let plugin = mock(114);
    for round in 0..ROUNDS {
        let mut random = Random(round * 0x9e37_79b9 + 1);
        let own = OwnEvent::create(&plugin).unwrap();
        let fails = random.below(2) == 0;
        let right = move |outcome: pjrt::Result<()>| match outcome {
            Ok(()) => !fails,
            Err(error) => fails && reported(&error) == (ErrorCode::ABORTED, "as told"),
        };
        let start = Barrier::new(usize::try_from(WATCHERS).unwrap() + 1);
        let called = Arc::new(AtomicUsize::new(0));
        let mut expected = 0;
        std::thread::scope(|scope| {
            for _ in 0..WATCHERS {
                let (event, start, called) = (own.event(), &start, called.clone());
                let (kind, pause) = (random.below(5), random.below(200));
                expected += usize::from(kind == 0);
                scope.spawn(move || {
                    start.wait();
                    for _ in 0..pause {
                        std::hint::spin_loop();
                    }
                    match kind {
                        0 => {
                            let told = move |outcome| {
                                assert!(right(outcome));
                                called.fetch_add(1, Ordering::SeqCst);
                            };
                            event.on_ready(told).unwrap();
                        }
                        1 => assert!(right(event.wait())),
                        2 => {
                            let outcome = event.wait_timeout(LONG);
                            assert!(right(outcome.map(|happened| assert!(happened))));
                        }
                        3 => assert!(right(run(EventFuture::new(event)))),
                        _ => {
                            // Given up after a poll.
                            let mut future = EventFuture::new(event);
                            let mut cx = Context::from_waker(Waker::noop());
                            let _ = Pin::new(&mut future).poll(&mut cx);
                        }
                    }
                });
            }
            let pause = random.below(400);
            start.wait();
            for _ in 0..pause {
                std::hint::spin_loop();
            }
            let outcome = if fails {
                Err((ErrorCode::ABORTED, "as told"))
            } else {
                Ok(())
            };
            own.set(outcome).unwrap();
        });
        // Setting calls back before it returns, or registering does.
        assert_eq!(called.load(Ordering::SeqCst), expected, "round {round}");
    }
}
