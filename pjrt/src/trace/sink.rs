//! Where lines go.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

struct Sink {
    writer: Box<dyn Write + Send>,
    /// Lines that it did not take.
    lost: u64,
}

static SINK: Mutex<Option<Sink>> = Mutex::new(None);

/// Whether lines go anywhere.
pub(super) fn is_set() -> bool {
    let sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    sink.is_some()
}

/// Sends lines to another writer, or nowhere.
pub(super) fn set(writer: Option<Box<dyn Write + Send>>) {
    let new = writer.map(|writer| Sink { writer, lost: 0 });
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    let old = std::mem::replace(&mut *sink, new);
    // The writer's own destructor may do anything: not under the lock.
    drop(sink);
    drop(old);
}

/// Writes a line and flushes it.
pub(super) fn write(line: &str) {
    let mut sink = SINK.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(Sink { writer, lost }) = sink.as_mut() else {
        return;
    };
    let text = match *lost {
        0 => line.to_owned(),
        count => format!("lost {count}\n{line}"),
    };
    let write = || {
        writer.write_all(text.as_bytes())?;
        writer.flush()
    };
    match catch_unwind(AssertUnwindSafe(write)) {
        Ok(Ok(())) => *lost = 0,
        Ok(Err(_)) => *lost = lost.saturating_add(1),
        Err(panic) => {
            *lost = lost.saturating_add(1);
            // Dropping what was thrown could panic again.
            std::mem::forget(panic);
        }
    }
}
