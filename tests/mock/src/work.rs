//! Work on other threads.

use std::thread;
use std::time::Duration;

/// Runs a job on a thread of its own, after a while. A job may wait for others.
pub(crate) fn after(delay: Duration, job: impl FnOnce() + Send + 'static) {
    let started = thread::Builder::new()
        .name("pjrt-mock".to_owned())
        .spawn(move || {
            if !delay.is_zero() {
                thread::sleep(delay);
            }
            job();
        });
    if let Err(error) = started {
        panic!("cannot start a thread: {error}");
    }
}
