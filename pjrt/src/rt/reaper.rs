//! Destruction of objects whose last reference goes away on a thread of the plugin.
//!
//! A plugin that waits for its own threads when a client is destroyed would wait forever if one of
//! them did the destroying. So, inside a callback, destruction is passed on to a thread of ours.

use super::guard;
use std::cell::Cell;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};

type Task = Box<dyn FnOnce() + Send>;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Marks the current thread as the plugin's while `body` runs: everything that a callback does.
pub(crate) fn on_plugin_thread<T>(body: impl FnOnce() -> T) -> T {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_sub(1)));
        }
    }
    let _ = DEPTH.try_with(|depth| depth.set(depth.get().saturating_add(1)));
    let _leave = Leave;
    body()
}

/// Runs a destructor, here or, inside a callback, on the reaper's thread.
pub(crate) fn destroy(task: impl FnOnce() + Send + 'static) {
    let ours = DEPTH.try_with(Cell::get).unwrap_or(0) == 0;
    if ours || guard::off("last_drop_on_plugin_thread") {
        task();
        return;
    }
    // Sending fails only if the thread could not be started: then the object leaks, which is safe.
    let sender = reaper().lock().unwrap_or_else(PoisonError::into_inner);
    let _ = sender.send(Box::new(task));
}

fn reaper() -> &'static Mutex<Sender<Task>> {
    static REAPER: OnceLock<Mutex<Sender<Task>>> = OnceLock::new();
    REAPER.get_or_init(|| {
        let (sender, tasks) = channel::<Task>();
        let body = move || tasks.into_iter().for_each(|task| task());
        let _ = std::thread::Builder::new()
            .name("pjrt-reaper".into())
            .spawn(body);
        Mutex::new(sender)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destruction_inside_a_callback_happens_on_another_thread() {
        let (sender, receiver) = channel();
        let here = std::thread::current().id();
        let other = sender.clone();
        on_plugin_thread(move || {
            destroy(move || {
                let _ = other.send(std::thread::current().id());
            })
        });
        assert_ne!(receiver.recv().unwrap(), here);
        destroy(move || {
            let _ = sender.send(std::thread::current().id());
        });
        assert_eq!(receiver.recv().unwrap(), here);
    }
}
