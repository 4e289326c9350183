//! Keeps registrations and compilations apart.
//!
//! Plugins look handlers up while they compile or load a program, and some (0.81 among them) have
//! no lock on that table: a registration at the same time would be a data race. Compilations run
//! beside each other, registrations alone.

use crate::{Error, Result};
use std::cell::Cell;
use std::sync::{Condvar, Mutex, PoisonError};

struct Gate {
    compiling: usize,
    registering: bool,
}

static GATE: Mutex<Gate> = Mutex::new(Gate {
    compiling: 0,
    registering: false,
});
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// How many handlers and compilations this thread is in.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

struct Inside;

impl Inside {
    fn enter() -> Inside {
        let _ = INSIDE.try_with(|inside| inside.set(inside.get().saturating_add(1)));
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.try_with(|inside| inside.set(inside.get().saturating_sub(1)));
    }
}

/// Runs what looks handlers up: every call that compiles or loads a program.
pub fn compiling<T>(body: impl FnOnce() -> T) -> T {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let mut gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
            gate.compiling = gate.compiling.saturating_sub(1);
            CHANGED.notify_all();
        }
    }
    let mut gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    // Those that wait to register do not hold new compilations up: one may be part of another.
    while gate.registering {
        gate = CHANGED.wait(gate).unwrap_or_else(PoisonError::into_inner);
    }
    gate.compiling = gate.compiling.saturating_add(1);
    drop(gate);
    let _leave = Leave;
    let _inside = Inside::enter();
    body()
}

/// Runs a handler, on any thread.
pub(super) fn handling<T>(body: impl FnOnce() -> T) -> T {
    let _inside = Inside::enter();
    body()
}

/// Runs a registration.
pub(super) fn registering<T>(
    function: &'static str,
    body: impl FnOnce() -> Result<T>,
) -> Result<T> {
    struct Leave;
    impl Drop for Leave {
        fn drop(&mut self) {
            let mut gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
            gate.registering = false;
            CHANGED.notify_all();
        }
    }
    if INSIDE.try_with(Cell::get).unwrap_or(0) > 0 {
        return Err(Error::InvalidArgument {
            function,
            argument: "handler",
            problem: "a handler cannot be registered by a handler: register all before the first compilation".to_owned(),
        });
    }
    let mut gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    while gate.registering || gate.compiling > 0 {
        gate = CHANGED.wait(gate).unwrap_or_else(PoisonError::into_inner);
    }
    gate.registering = true;
    drop(gate);
    let _leave = Leave;
    body()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registration_waits_for_compilations_and_refuses_to_run_inside_one() {
        let refused = compiling(|| compiling(|| registering("f", || Ok(()))));
        assert!(matches!(refused, Err(Error::InvalidArgument { .. })));
        let (started, waits) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                compiling(|| {
                    started.send(()).unwrap();
                    ended.recv().unwrap();
                })
            });
            waits.recv().unwrap();
            let other = scope.spawn(|| registering("f", || Ok(())));
            assert!(!other.is_finished());
            end.send(()).unwrap();
            other.join().unwrap().unwrap();
        });
    }
}
