//! Futures of what a plugin finishes later, for any executor.
//!
//! Awaiting asks the plugin to call back (`PJRT_Event_OnReady`), which wakes the task from a thread
//! of the plugin's; no thread and no timer of this crate has part in it. A future that is dropped
//! before its end just stops waiting: the work goes on, and its memory stays until it is over.
//!
//! ```
//! # fn check(buffer: &pjrt::Buffer) -> impl Future<Output = pjrt::Result<Vec<u8>>> {
//! async move {
//!     buffer.ready_event()?.await?;
//!     let length = buffer.on_device_size()?;
//!     buffer.copy_raw_to_host(0, length)?.await
//! }
//! # }
//! ```

use crate::watch::Waiter;
use crate::{Buffer, Error, Event, Execution, Result, Transfer};
use std::borrow::Borrow;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The outcome of an event, from `await` on an [`Event`] or a reference to one.
///
/// Asked again after the end, it gives the outcome again.
pub struct EventFuture<E: Borrow<Event> + Unpin = Event> {
    waiter: Waiter,
    event: E,
}

impl<E: Borrow<Event> + Unpin> EventFuture<E> {
    /// A future of an event that is held in any way, such as in an `Arc`, for a task that outlives
    /// this function.
    pub fn new(event: E) -> EventFuture<E> {
        EventFuture {
            waiter: Waiter::default(),
            event,
        }
    }
}

impl<E: Borrow<Event> + Unpin> Future for EventFuture<E> {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let EventFuture { waiter, event } = &mut *self;
        waiter.poll(cx, || (*event).borrow().watch())
    }
}

impl<E: Borrow<Event> + Unpin> fmt::Debug for EventFuture<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("EventFuture")
            .field(self.event.borrow())
            .finish()
    }
}

impl IntoFuture for Event {
    type Output = Result<()>;
    type IntoFuture = EventFuture;

    fn into_future(self) -> EventFuture {
        EventFuture::new(self)
    }
}

impl<'e> IntoFuture for &'e Event {
    type Output = Result<()>;
    type IntoFuture = EventFuture<&'e Event>;

    fn into_future(self) -> EventFuture<&'e Event> {
        EventFuture::new(self)
    }
}

/// The memory of a [`Transfer`] that is done, from `await` on it. Dropped before, the memory is
/// freed when the plugin has done with it.
#[derive(Debug)]
pub struct TransferFuture<T: Send + 'static> {
    waiter: Hidden,
    /// None after the end.
    transfer: Option<Transfer<T>>,
}

// Nothing in it is pinned.
impl<T: Send + 'static> Unpin for TransferFuture<T> {}

/// A place in a queue shows nothing.
#[derive(Default)]
struct Hidden(Waiter);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

#[cold]
fn over() -> Error {
    Error::InvalidArgument {
        function: "PJRT_Event_OnReady",
        argument: "future",
        problem: "it was asked again after it gave its value".to_owned(),
    }
}

impl<T: Send + 'static> Future for TransferFuture<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let TransferFuture { waiter, transfer } = &mut *self;
        let Some(pending) = transfer else {
            return Poll::Ready(Err(over()));
        };
        let outcome = waiter.0.poll(cx, || pending.event().watch());
        outcome.map(|outcome| {
            let transfer = transfer.take().ok_or_else(over)?;
            outcome.and_then(|()| transfer.into_memory())
        })
    }
}

impl<T: Send + 'static> IntoFuture for Transfer<T> {
    type Output = Result<T>;
    type IntoFuture = TransferFuture<T>;

    fn into_future(self) -> TransferFuture<T> {
        TransferFuture {
            waiter: Hidden::default(),
            transfer: Some(self),
        }
    }
}

/// The outputs of a run that is over, from `await` on an [`Execution`]. Dropped before, the run goes
/// on and its outputs are given up.
#[derive(Debug)]
pub struct ExecutionFuture {
    done: EventFuture,
    outputs: Vec<Buffer>,
}

impl Future for ExecutionFuture {
    type Output = Result<Vec<Buffer>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Vec<Buffer>>> {
        let done = Pin::new(&mut self.done).poll(cx);
        done.map(|done| done.map(|()| std::mem::take(&mut self.outputs)))
    }
}

impl IntoFuture for Execution {
    type Output = Result<Vec<Buffer>>;
    type IntoFuture = ExecutionFuture;

    fn into_future(self) -> ExecutionFuture {
        ExecutionFuture {
            done: self.done.into_future(),
            outputs: self.outputs,
        }
    }
}
