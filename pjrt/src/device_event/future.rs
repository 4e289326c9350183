//! Futures of device events, for any executor.

use super::{DeviceEvent, DeviceTransfer};
use crate::watch::{Waiter, Watch};
use crate::{Error, Result};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

impl DeviceEvent {
    /// Waits for the event, so long at most. True if it has happened with success, false if the
    /// time has passed; the event can be waited for again. [`DeviceEvent::wait`] has no limit.
    ///
    /// Calls `and_then` of the event's table, which is there since PJRT 0.104. An event that never
    /// happens keeps what each such callback needs, a few words and a reference, for good.
    ///
    /// # Errors
    ///
    /// The error that the event happened with; `Unimplemented` if its table cannot call back.
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        match self.watch()?.wait_timeout(timeout) {
            Some(outcome) => outcome.map(|()| true),
            None => Ok(false),
        }
    }

    fn watch(&self) -> Result<Arc<Watch>> {
        let watch: Arc<Watch> = Arc::default();
        watch.register(|callback| self.on_ready(callback))?;
        Ok(watch)
    }
}

/// The outcome of a device event, from `await` on it. Asked again after the end, it gives the
/// outcome again.
pub struct DeviceEventFuture {
    waiter: Waiter,
    event: DeviceEvent,
}

impl Future for DeviceEventFuture {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let DeviceEventFuture { waiter, event } = &mut *self;
        waiter.poll(cx, || event.watch())
    }
}

impl fmt::Debug for DeviceEventFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DeviceEventFuture")
            .field(&self.event)
            .finish()
    }
}

impl IntoFuture for DeviceEvent {
    type Output = Result<()>;
    type IntoFuture = DeviceEventFuture;

    fn into_future(self) -> DeviceEventFuture {
        DeviceEventFuture {
            waiter: Waiter::default(),
            event: self,
        }
    }
}

/// The memory of a [`DeviceTransfer`] that is done, from `await` on it. Dropped before, the memory is
/// freed when the plugin has done with it.
#[derive(Debug)]
pub struct DeviceTransferFuture<T: Send + 'static> {
    done: DeviceEventFuture,
    /// None after the end.
    transfer: Option<DeviceTransfer<T>>,
}

// Nothing in it is pinned.
impl<T: Send + 'static> Unpin for DeviceTransferFuture<T> {}

impl<T: Send + 'static> Future for DeviceTransferFuture<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let over = || Error::InvalidArgument {
            function: super::AND_THEN,
            argument: "future",
            problem: "it was asked again after it gave its value".to_owned(),
        };
        if self.transfer.is_none() {
            return Poll::Ready(Err(over()));
        }
        let done = Pin::new(&mut self.done).poll(cx);
        done.map(|done| {
            let transfer = self.transfer.take().ok_or_else(over)?;
            done.and_then(|()| transfer.into_memory())
        })
    }
}

impl<T: Send + 'static> IntoFuture for DeviceTransfer<T> {
    type Output = Result<T>;
    type IntoFuture = DeviceTransferFuture<T>;

    fn into_future(self) -> DeviceTransferFuture<T> {
        DeviceTransferFuture {
            done: self.event().clone().into_future(),
            transfer: Some(self),
        }
    }
}
