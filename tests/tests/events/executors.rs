//! A small executor of our own: what a future may count on, and no more.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};

/// Counts how often it is woken, and lets a thread sleep until then.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<usize>,
    changed: Condvar,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        *self.rung.lock().unwrap() += 1;
        self.changed.notify_all();
    }
}

impl Bell {
    pub fn rung(&self) -> usize {
        *self.rung.lock().unwrap()
    }

    pub fn waker(self: &Arc<Self>) -> Waker {
        self.clone().into()
    }

    /// Sleeps until it has rung more often than that.
    pub fn wait(&self, before: usize) {
        let rung = self.rung.lock().unwrap();
        let still = self
            .changed
            .wait_timeout_while(rung, super::LONG, |rung| *rung <= before);
        assert!(!still.unwrap().1.timed_out(), "nobody rang");
    }
}

/// Runs a future on this thread, with another waker at every poll: only the last may be rung.
pub fn run<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        let bell = Arc::new(Bell::default());
        if let Poll::Ready(value) = future
            .as_mut()
            .poll(&mut Context::from_waker(&bell.waker()))
        {
            return value;
        }
        bell.wait(0);
    }
}
