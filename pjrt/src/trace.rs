//! Every call on a plugin, written down.
//!
//! If the environment variable `PJRT_TRACE` names a file when the first plugin is loaded, each C
//! call of this crate appends a line to it; [`to_file`] and [`to_writer`] do the same from within
//! the program, which then decides alone. A line is written when the call has returned, whole and
//! at once, also where many threads write:
//!
//! ```text
//! call 0.002134551 thread=1 depth=0 PJRT_Client_Create size=88 ns=48211907 code=OK plugin=/opt/pjrt_c_api_cpu_plugin.so
//! ```
//!
//! ```
//! # pjrt_doc::ready("cpu");
//! let file = std::env::temp_dir().join(format!("trace-{}", std::process::id()));
//! pjrt::trace::to_file(&file).expect("a file that can be written");
//! pjrt::Plugin::find("cpu")?.create_client(&pjrt::ClientOptions::new())?;
//! pjrt::trace::stop();
//! let lines = std::fs::read_to_string(&file).expect("the file");
//! assert!(lines.lines().any(|line| line.contains(" PJRT_Client_Create size=")));
//! # std::fs::remove_file(&file).expect("the file");
//! # Ok::<(), pjrt::Error>(())
//! ```
//!
//! | word | what it says |
//! |---|---|
//! | `call` | what the line is: `call`, or `begin` (see below) |
//! | `0.002134551` | when the call began, in seconds since the trace did |
//! | `thread=1` | the thread, numbered in the order of their first traced calls |
//! | `depth=0` | how many other traced calls run on the thread: a callback calls back |
//! | `PJRT_Client_Create` | the function; those of an object's own table have the table's name and a dot before theirs |
//! | `size=88` | the `struct_size` that was sent, in bytes; `-` for arguments without one |
//! | `ns=48211907` | how long the call took, in nanoseconds |
//! | `code=OK` | what came back: `OK`, the name of an error's code, or `ERROR` where the code is not asked |
//! | `plugin=` | the file that the plugin was loaded from: the rest of the line, control characters escaped |
//!
//! An error's code, message and payloads are read by calls of their own, whose lines come before
//! that of the call which failed; destructors are calls like all others. Functions of the tables of
//! plugins, extensions and objects are seen; what a plugin hands out for one object (to free its
//! bytes, to complete a promise) is not in a table and is not.
//!
//! A call that ends the process has no line. With `PJRT_TRACE_BEGIN=1`, or [`begin_lines`], another
//! line is written before each call, the last of which then is the culprit's:
//!
//! ```text
//! begin 0.002134551 thread=1 depth=0 PJRT_Client_Create size=88 plugin=/opt/pjrt_c_api_cpu_plugin.so
//! ```
//!
//! With the feature `tracing`, [`to_tracing`] makes each call a span of the crate `tracing`, with the
//! outcome as an event in it.
//!
//! Calls that the watching itself makes, such as those of a writer that uses a plugin, are not seen.
//! Nothing is written for a call that was refused before it was made. While nobody watches, a call
//! costs one relaxed atomic load more than the plugin's own work.

mod line;
mod sink;
#[cfg(feature = "tracing")]
mod spans;

use crate::ErrorCode;
use crate::plugin::LoadError;
use crate::rt::Traced;
use std::cell::Cell;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Instant;

/// The variable that names the file.
const VARIABLE: &str = "PJRT_TRACE";
/// The variable that asks for lines before calls.
const BEGIN: &str = "PJRT_TRACE_BEGIN";

/// Who watches calls, as bits: 0 is nobody.
pub(crate) static WATCHED: AtomicU8 = AtomicU8::new(0);
const LINES: u8 = 1;
#[cfg(feature = "tracing")]
const SPANS: u8 = 2;

/// Whether there are lines before calls too.
static BEGINS: AtomicU8 = AtomicU8::new(0);

/// Appends a line for each call from now on to a file, which is made if it is not there. Ends
/// another trace to a file or writer.
///
/// # Errors
///
/// The file cannot be opened to write; what was traced before goes on.
pub fn to_file(path: impl AsRef<Path>) -> io::Result<()> {
    // Not buffered, and the system appends each line as a whole: what was written is there however
    // the process ends, and several processes may share the file.
    let mut options = std::fs::OpenOptions::new();
    let file = options.create(true).append(true).open(path)?;
    to_writer(file);
    Ok(())
}

/// Gives a line for each call from now on to a writer, in one piece, and flushes it. Ends another
/// trace to a file or writer.
///
/// The writer is used by one thread at a time: that of the call, which may be a thread of the
/// plugin. Lines that it does not take are lost; the next line that it takes is preceded by one
/// that tells their number: `lost 3`.
pub fn to_writer(writer: impl Write + Send + 'static) {
    sink::set(Some(Box::new(writer)));
    WATCHED.fetch_or(LINES, Ordering::Relaxed);
}

/// Also writes a line before each call, or no longer.
pub fn begin_lines(yes: bool) {
    BEGINS.store(yes.into(), Ordering::Relaxed);
}

/// Ends a trace to a file or writer; the writer is dropped.
pub fn stop() {
    WATCHED.fetch_and(!LINES, Ordering::Relaxed);
    sink::set(None);
}

/// Makes a span and an event of the crate `tracing` for each call, or no longer: of the level
/// TRACE, for the target `pjrt::trace`.
///
/// The span `pjrt` has the fields `function`, `size` and `plugin`, and encloses what happens on the
/// thread during the call; the event in it has `code` and `ns`.
#[cfg(feature = "tracing")]
pub fn to_tracing(yes: bool) {
    if yes {
        WATCHED.fetch_or(SPANS, Ordering::Relaxed);
    } else {
        WATCHED.fetch_and(!SPANS, Ordering::Relaxed);
    }
}

/// Does what the environment asks for, once, unless the program has decided already.
pub(crate) fn from_environment() -> Result<(), LoadError> {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if *done {
        return Ok(());
    }
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    if set(BEGIN).is_some_and(|value| value != OsStr::new("0")) {
        begin_lines(true);
    }
    if let Some(path) = set(VARIABLE).filter(|_| !sink::is_set()) {
        to_file(&path).map_err(|error| LoadError::Trace {
            variable: VARIABLE,
            path: path.into(),
            cause: error.to_string(),
        })?;
    }
    *done = true;
    Ok(())
}

/// What is known of a thread.
struct Here {
    number: u64,
    /// How many traced calls run.
    depth: Cell<u32>,
    /// The watchers run: calls that they make are not traced.
    watching: Cell<bool>,
}

thread_local! {
    static HERE: Here = {
        static LAST: AtomicU64 = AtomicU64::new(0);
        Here {
            number: LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1),
            depth: const { Cell::new(0) },
            watching: const { Cell::new(false) },
        }
    };
}

/// Nanoseconds since the first call that was traced; never 0.
fn now() -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let since = START.get_or_init(Instant::now).elapsed();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX).max(1)
}

/// Runs what watches, which must not watch itself. A panic in it ends it.
fn watch(body: impl FnOnce()) {
    let _ = HERE.try_with(|here| here.watching.set(true));
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    let _ = HERE.try_with(|here| here.watching.set(false));
    if let Err(panic) = caught {
        // Dropping what was thrown could panic again.
        std::mem::forget(panic);
    }
}

/// Begins a call that is watched; not where a watcher makes it, and not on a thread that ends.
pub(crate) fn begin(plugin: &str, function: &'static str, size: usize) -> Traced {
    let off = Traced { began: 0, size: 0 };
    let entered = HERE.try_with(|here| {
        let depth = here.depth.get();
        if here.watching.get() {
            return None;
        }
        here.depth.set(depth.saturating_add(1));
        Some((here.number, depth))
    });
    let Ok(Some((thread, depth))) = entered else {
        return off;
    };
    let call = line::Call {
        began: now(),
        thread,
        depth,
        function,
        size,
        plugin,
    };
    let lines = WATCHED.load(Ordering::Relaxed) & LINES != 0;
    watch(|| {
        if lines && BEGINS.load(Ordering::Relaxed) != 0 {
            sink::write(&call.begin());
        }
        #[cfg(feature = "tracing")]
        spans::begin(function, size, plugin);
    });
    // The watchers' own time is not the plugin's.
    Traced { began: now(), size }
}

/// Leaves a call that was begun: gives how long it took.
pub(crate) fn leave(traced: Traced) -> u64 {
    if traced.began == 0 {
        return 0;
    }
    let took = now().saturating_sub(traced.began);
    let leave = |here: &Here| here.depth.set(here.depth.get().saturating_sub(1));
    let _ = HERE.try_with(leave);
    took
}

/// Tells of a call that was left; no code is a failure whose code is not known.
pub(crate) fn end(
    plugin: &str,
    function: &'static str,
    traced: Traced,
    took: u64,
    code: Option<ErrorCode>,
) {
    if traced.began == 0 {
        return;
    }
    let here = HERE.try_with(|here| (here.number, here.depth.get()));
    let (thread, depth) = here.unwrap_or_default();
    let call = line::Call {
        began: traced.began,
        thread,
        depth,
        function,
        size: traced.size,
        plugin,
    };
    watch(|| {
        if WATCHED.load(Ordering::Relaxed) & LINES != 0 {
            sink::write(&call.end(took, code));
        }
        #[cfg(feature = "tracing")]
        spans::end(took, code);
    });
}
