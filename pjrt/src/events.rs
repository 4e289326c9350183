//! Many events as one.

use crate::{Event, EventFuture, Result};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// Events that are waited for together: each must have happened, and the first one of the list that
/// happened with an error gives the outcome.
///
/// ```
/// # fn check(buffers: &[pjrt::Buffer]) -> pjrt::Result<()> {
/// let ready: pjrt::Result<pjrt::Events> = buffers.iter().map(|buffer| buffer.ready_event()).collect();
/// ready?.wait()
/// # }
/// ```
#[derive(Debug, Default)]
pub struct Events(Vec<Event>);

impl Events {
    /// The events.
    pub fn as_slice(&self) -> &[Event] {
        &self.0
    }

    /// Gives the events back.
    pub fn into_vec(self) -> Vec<Event> {
        self.0
    }

    /// Whether all have happened. Does not wait.
    ///
    /// Calls `PJRT_Event_IsReady`.
    ///
    /// # Errors
    ///
    /// What the plugin reports when it is asked; the events' own errors are not told here.
    pub fn is_ready(&self) -> Result<bool> {
        for event in &self.0 {
            if !event.is_ready()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Waits for all of them.
    ///
    /// Calls `PJRT_Event_Await`.
    ///
    /// # Errors
    ///
    /// The first error of the list, once all have happened.
    pub fn wait(&self) -> Result<()> {
        let mut first = Ok(());
        for event in &self.0 {
            // Each is waited for, whatever became of those before.
            let outcome = event.wait();
            first = first.and(outcome);
        }
        first
    }

    /// Waits for all of them, so long at most. False if the time has passed.
    ///
    /// # Errors
    ///
    /// The first error of the list, once all have happened; as [`Event::wait_timeout`].
    pub fn wait_timeout(&self, timeout: Duration) -> Result<bool> {
        let start = Instant::now();
        let mut first = Ok(true);
        for event in &self.0 {
            match event.wait_timeout(timeout.saturating_sub(start.elapsed())) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => first = first.and(Err(error)),
            }
        }
        first
    }
}

impl FromIterator<Event> for Events {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Events {
        Events(events.into_iter().collect())
    }
}

impl Extend<Event> for Events {
    fn extend<I: IntoIterator<Item = Event>>(&mut self, events: I) {
        self.0.extend(events);
    }
}

/// The outcome of many events, from `await` on [`Events`].
#[derive(Debug)]
pub struct EventsFuture {
    /// Those that are left, the next one last.
    left: Vec<EventFuture>,
    /// None after it was given.
    first: Option<Result<()>>,
}

impl Future for EventsFuture {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        // One after the other: the last to happen ends it in any order.
        while let Some(next) = self.left.last_mut() {
            let Poll::Ready(outcome) = Pin::new(next).poll(cx) else {
                return Poll::Pending;
            };
            self.left.pop();
            let first = self.first.take().unwrap_or(Ok(()));
            self.first = Some(first.and(outcome));
        }
        Poll::Ready(self.first.take().unwrap_or(Ok(())))
    }
}

impl IntoFuture for Events {
    type Output = Result<()>;
    type IntoFuture = EventsFuture;

    fn into_future(self) -> EventsFuture {
        EventsFuture {
            left: self.0.into_iter().rev().map(EventFuture::new).collect(),
            first: None,
        }
    }
}
