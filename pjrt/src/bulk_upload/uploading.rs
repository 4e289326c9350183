//! An upload that goes on.

use crate::{AsyncTransferManager, Buffer, Error, ErrorCode, Result};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UploadProgress {
    /// Bytes that have arrived.
    pub sent: usize,
    /// Bytes of all arrays.
    pub total: usize,
}

/// Where the thread of an upload waits.
#[derive(Default)]
pub(super) struct Gate {
    turn: Mutex<()>,
    opened: Condvar,
}

impl Gate {
    /// Lets the thread look again.
    pub(super) fn open(&self) {
        drop(lock(&self.turn));
        self.opened.notify_all();
    }
}

/// What the thread of an upload and its caller have in common.
pub(super) struct Shared {
    /// Gone when everything was sent.
    manager: Mutex<Option<AsyncTransferManager>>,
    error: Mutex<Option<Error>>,
    cancelled: AtomicBool,
    gate: Arc<Gate>,
    sent: AtomicUsize,
    total: usize,
    arrays: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn new(manager: AsyncTransferManager, arrays: usize, total: usize) -> Shared {
        Shared {
            manager: Mutex::new(Some(manager)),
            error: Mutex::new(None),
            cancelled: AtomicBool::new(false),
            gate: Arc::default(),
            sent: AtomicUsize::new(0),
            total,
            arrays,
        }
    }

    /// Does something with the manager, unless the upload was cancelled.
    pub(super) fn with<T>(&self, body: impl FnOnce(&mut AsyncTransferManager) -> T) -> Option<T> {
        let mut manager = lock(&self.manager);
        if self.is_cancelled() {
            return None;
        }
        manager.as_mut().map(body)
    }

    /// Lets the manager go, which waits for what is under way.
    pub(super) fn end(&self) {
        let manager = lock(&self.manager).take();
        drop(manager);
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    pub(super) fn gate(&self) -> Arc<Gate> {
        self.gate.clone()
    }

    /// Waits until something is so, which is told by opening the gate, or the upload is cancelled.
    pub(super) fn until(&self, so: impl Fn() -> bool) {
        let mut turn = lock(&self.gate.turn);
        while !so() && !self.is_cancelled() {
            let waited = self.gate.opened.wait(turn);
            turn = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives each array that is not on its way as a whole an error.
    fn cancel(&self) {
        let mut manager = lock(&self.manager);
        if self.cancelled.swap(true, Ordering::SeqCst) {
            return;
        }
        self.gate.open();
        let Some(manager) = manager.as_mut() else {
            return;
        };
        for place in (0..).take(self.arrays) {
            // Those that had their last piece are refused: they get their contents.
            let message = "the upload was cancelled";
            let _ = manager.set_buffer_error(place, ErrorCode::CANCELLED, message);
        }
    }

    /// Counts what has arrived.
    pub(super) fn arrived(&self, bytes: usize) -> UploadProgress {
        self.sent.fetch_add(bytes, Ordering::SeqCst);
        self.progress()
    }

    fn progress(&self) -> UploadProgress {
        UploadProgress {
            sent: self.sent.load(Ordering::SeqCst),
            total: self.total,
        }
    }

    /// Keeps the first error.
    pub(super) fn failed(&self, error: Error) {
        lock(&self.error).get_or_insert(error);
    }
}

/// An upload that goes on. Dropped, it is cancelled.
#[must_use = "dropped, the upload is cancelled"]
pub struct Uploading {
    buffers: Vec<Buffer>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Uploading {
    pub(super) fn new(
        buffers: Vec<Buffer>,
        shared: Arc<Shared>,
        thread: JoinHandle<()>,
    ) -> Uploading {
        Uploading {
            buffers,
            shared,
            thread: Some(thread),
        }
    }

    /// The arrays, in the order in which they were added. Each gets ready when it has its contents,
    /// or an error instead.
    pub fn buffers(&self) -> &[Buffer] {
        &self.buffers
    }

    /// How far it is.
    pub fn progress(&self) -> UploadProgress {
        self.shared.progress()
    }

    /// Everything was sent or given up.
    pub fn is_finished(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Gives up: arrays that are not yet sent as a whole get the error CANCELLED. Nothing is
    /// awaited: pieces that are under way keep their memory until the plugin has done with it, and
    /// what is being read is read to the end.
    pub fn cancel(&self) {
        self.shared.cancel();
    }

    /// Waits until everything is there, and gives the arrays.
    ///
    /// # Errors
    ///
    /// The error of the first array that has one: CANCELLED, DATA_LOSS where its data ended early
    /// or could not be read, INVALID_ARGUMENT where there was too much of it, INTERNAL where the
    /// caller's code panicked; what the plugin reports. For the errors of each array, keep the
    /// arrays with [`Uploading::detach`], and ask them.
    pub fn wait(mut self) -> Result<Vec<Buffer>> {
        if let Some(thread) = self.thread.take() {
            // It catches what panics, and says what went wrong otherwise.
            let _ = thread.join();
        }
        if let Some(error) = lock(&self.shared.error).take() {
            return Err(error);
        }
        for buffer in &self.buffers {
            buffer.ready_event()?.wait()?;
        }
        Ok(std::mem::take(&mut self.buffers))
    }

    /// Gives the arrays, and lets the upload go on until it is done.
    pub fn detach(mut self) -> Vec<Buffer> {
        self.thread = None;
        std::mem::take(&mut self.buffers)
    }
}

impl Drop for Uploading {
    fn drop(&mut self) {
        if self.thread.is_some() {
            self.shared.cancel();
        }
    }
}

impl fmt::Debug for Uploading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uploading")
            .field("buffers", &self.buffers)
            .field("progress", &self.progress())
            .field("cancelled", &self.shared.is_cancelled())
            .finish_non_exhaustive()
    }
}
