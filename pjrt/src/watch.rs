//! Waiting for an outcome that a plugin calls back with: threads by time, tasks by wakers.

use crate::{Error, Result};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// An outcome that will be told, and who waits for it. There is one callback however many wait,
/// again and again.
#[derive(Default)]
pub(crate) struct Watch {
    state: Mutex<State>,
    told: Condvar,
    /// Whether the plugin has the callback.
    registered: Mutex<bool>,
}

#[derive(Default)]
struct State {
    outcome: Option<Result<()>>,
    waiting: Vec<(u64, Waker)>,
    last: u64,
}

impl State {
    fn outcome(&self) -> Option<Result<()>> {
        self.outcome.as_ref().map(|outcome| match outcome {
            Ok(()) => Ok(()),
            Err(error) => Err(again(error)),
        })
    }
}

/// The same error once more.
fn again(error: &Error) -> Error {
    match *error {
        Error::Plugin(ref error) => Error::Plugin(error.clone()),
        Error::Unimplemented {
            function,
            since,
            plugin_version,
        } => Error::Unimplemented {
            function,
            since,
            plugin_version,
        },
        // What is left is about a plugin's answer to the question for the outcome.
        ref other => Error::InvalidOutput {
            function: other.function().unwrap_or("PJRT_Event_OnReady"),
            field: "error",
            problem: match *other {
                Error::InvalidOutput { problem, .. } => problem,
                _ => "an outcome that cannot be read",
            },
        },
    }
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the plugin the callback, unless it has it. The callback may run before this returns:
    /// nobody is woken then, for nobody waits before.
    pub(crate) fn register(
        self: &Arc<Self>,
        on_ready: impl FnOnce(Box<dyn FnOnce(Result<()>) + Send>) -> Result<()>,
    ) -> Result<()> {
        let mut registered = self
            .registered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !*registered {
            let watch = self.clone();
            on_ready(Box::new(move |outcome| watch.tell(outcome)))?;
            *registered = true;
        }
        Ok(())
    }

    fn tell(&self, outcome: Result<()>) {
        let mut state = self.lock();
        state.outcome = Some(outcome);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.told.notify_all();
        for (_, waker) in waiting {
            // One that panics must not keep the others asleep.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                // Dropping what was thrown could panic again.
                std::mem::forget(panic);
            }
        }
    }

    /// Waits so long at most; none if the time has passed.
    pub(crate) fn wait_timeout(&self, timeout: Duration) -> Option<Result<()>> {
        let open = |state: &mut State| state.outcome.is_none();
        let waited = self.told.wait_timeout_while(self.lock(), timeout, open);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.outcome()
    }
}

/// A task's place among those that wait; it is given up when this is dropped.
#[derive(Default)]
pub(crate) struct Waiter {
    watch: Option<Arc<Watch>>,
    number: Option<u64>,
}

impl Waiter {
    /// Asks for the outcome; until it is there, the waker of the last time is the one that counts.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        registered: impl FnOnce() -> Result<Arc<Watch>>,
    ) -> Poll<Result<()>> {
        let watch = match &self.watch {
            Some(watch) => watch,
            None => match registered() {
                Ok(watch) => self.watch.insert(watch),
                Err(error) => return Poll::Ready(Err(error)),
            },
        };
        // A waker's own code does not run under the lock.
        let waker = cx.waker().clone();
        let mut state = watch.lock();
        if let Some(outcome) = state.outcome() {
            drop(state);
            return Poll::Ready(outcome);
        }
        let number = self.number;
        let place = state
            .waiting
            .iter_mut()
            .find(|(known, _)| Some(*known) == number);
        let old = match place {
            Some((_, place)) => Some(std::mem::replace(place, waker)),
            None => {
                state.last = state.last.wrapping_add(1);
                let number = state.last;
                self.number = Some(number);
                state.waiting.push((number, waker));
                None
            }
        };
        drop(state);
        drop(old);
        Poll::Pending
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let (Some(watch), Some(number)) = (&self.watch, self.number) else {
            return;
        };
        let mut state = watch.lock();
        let place = state.waiting.iter().position(|(known, _)| *known == number);
        let old = place.map(|index| state.waiting.swap_remove(index));
        drop(state);
        drop(old);
    }
}
