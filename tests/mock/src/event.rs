//! Events: what ends later, on another thread.

use crate::call::{Call, Outcome};
use crate::calls::Calls;
use crate::failure::Failure;
use crate::mock::Inner;
use crate::work;
use pjrt_sys as sys;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

type Waiting = Box<dyn FnOnce(Outcome) + Send>;

/// Something that ends once, with or without an error.
#[derive(Default)]
pub(crate) struct Signal {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    waiting: Vec<Waiting>,
}

impl Signal {
    pub(crate) fn new() -> Arc<Signal> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends it and tells everybody; false if it had ended.
    pub(crate) fn set(&self, outcome: Outcome) -> bool {
        let mut state = self.lock();
        if state.outcome.is_some() {
            return false;
        }
        state.outcome = Some(outcome.clone());
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_all();
        for told in waiting {
            told(outcome.clone());
        }
        true
    }

    pub(crate) fn outcome(&self) -> Option<Outcome> {
        self.lock().outcome.clone()
    }

    pub(crate) fn wait(&self) -> Outcome {
        let mut state = self.lock();
        loop {
            if let Some(outcome) = &state.outcome {
                return outcome.clone();
            }
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Does something when it ends, at once if it has.
    pub(crate) fn then(&self, told: impl FnOnce(Outcome) + Send + 'static) {
        let mut state = self.lock();
        match state.outcome.clone() {
            None => state.waiting.push(Box::new(told)),
            Some(outcome) => {
                drop(state);
                told(outcome);
            }
        }
    }
}

/// What a handle of an event stands for.
pub(crate) struct Event {
    pub(crate) signal: Arc<Signal>,
    /// The caller made it and ends it.
    own: bool,
}

impl Inner {
    /// A handle of an event that ends on another thread, after a job that no call is to do.
    pub(crate) fn event_after(
        self: &Arc<Inner>,
        job: impl FnOnce() -> Outcome + Send + 'static,
    ) -> *mut sys::PJRT_Event {
        let signal = Signal::new();
        let told = signal.clone();
        self.jobs.fetch_add(1, Ordering::SeqCst);
        let inner = self.clone();
        work::after(self.delay, move || {
            told.set(job());
            inner.jobs.fetch_sub(1, Ordering::SeqCst);
        });
        self.give(Arc::new(Event { signal, own: false }))
    }
}

impl Call {
    /// A handle of an event.
    pub(crate) fn event(&self, signal: Arc<Signal>) -> *mut sys::PJRT_Event {
        self.give(Arc::new(Event { signal, own: false }))
    }

    /// A signal that ends on another thread, after a job.
    pub(crate) fn signal_after(
        &self,
        job: impl FnOnce() -> Outcome + Send + 'static,
    ) -> Arc<Signal> {
        let signal = Signal::new();
        let told = signal.clone();
        self.later(move |outcome| {
            told.set(outcome.and_then(|()| job()));
        });
        signal
    }
}

/// A pointer of the caller, on its way to another thread.
#[derive(Clone, Copy)]
pub(crate) struct Sent<T>(T);

impl<T> AsRef<T> for Sent<T> {
    fn as_ref(&self) -> &T {
        &self.0
    }
}

// SAFETY: callers of these C functions let the plugin use their pointers on any thread.
unsafe impl<T> Send for Sent<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Sent<T> {}

impl<T> Sent<T> {
    pub(crate) fn new(pointer: T) -> Sent<T> {
        Sent(pointer)
    }
}

impl<T: Copy> Sent<T> {
    pub(crate) fn get(&self) -> T {
        self.0
    }
}

pub(crate) fn calls(all: &mut Calls) {
    all.add("PJRT_Event_Destroy", destroy);
    all.add("PJRT_Event_IsReady", is_ready);
    all.add("PJRT_Event_Error", error);
    all.add("PJRT_Event_Await", wait);
    all.add("PJRT_Event_OnReady", on_ready);
    all.add("PJRT_Event_Create", create);
    all.add("PJRT_Event_Set", set);
}

fn destroy(call: &Call, args: &mut sys::PJRT_Event_Destroy_Args) -> Outcome {
    call.destroy::<Event>(args.event).map(drop)
}

fn is_ready(call: &Call, args: &mut sys::PJRT_Event_IsReady_Args) -> Outcome {
    args.is_ready = call.get::<Event>(args.event)?.signal.outcome().is_some();
    Ok(())
}

fn error(call: &Call, args: &mut sys::PJRT_Event_Error_Args) -> Outcome {
    match call.get::<Event>(args.event)?.signal.outcome() {
        Some(outcome) => outcome,
        None => Err(call.violation("the event has not ended".to_owned())),
    }
}

fn wait(call: &Call, args: &mut sys::PJRT_Event_Await_Args) -> Outcome {
    call.get::<Event>(args.event)?.signal.wait()
}

fn on_ready(call: &Call, args: &mut sys::PJRT_Event_OnReady_Args) -> Outcome {
    let event = call.get::<Event>(args.event)?;
    let callback = args
        .callback
        .ok_or_else(|| Failure::invalid("no callback"))?;
    let user = Sent::new(args.user_arg);
    let inner = call.inner.clone();
    event.signal.then(move |outcome| {
        let error = match outcome {
            Ok(()) => std::ptr::null_mut(),
            Err(failure) => inner.error(failure),
        };
        // SAFETY: the callback is the caller's, called once; the error is its to destroy.
        unsafe { callback(error, user.get()) };
    });
    Ok(())
}

fn create(call: &Call, args: &mut sys::PJRT_Event_Create_Args) -> Outcome {
    args.event = call.give(Arc::new(Event {
        signal: Signal::new(),
        own: true,
    }));
    Ok(())
}

fn set(call: &Call, args: &mut sys::PJRT_Event_Set_Args) -> Outcome {
    let event = call.get::<Event>(args.event)?;
    if !event.own {
        return Err(call.violation("the event is not the caller's to end".to_owned()));
    }
    call.known("PJRT_Error_Code", args.error_code.0.into())?;
    let outcome = match args.error_code {
        sys::PJRT_Error_Code_OK => Ok(()),
        code => Err(Failure::given(
            code,
            args.error_message,
            args.error_message_size,
        )),
    };
    match event.signal.set(outcome) {
        true => Ok(()),
        false => Err(call.violation("the event has ended before".to_owned())),
    }
}
