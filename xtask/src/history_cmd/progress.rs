//! How far a long command is.

use std::io::{IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts steps and prints them: over one line on a terminal, at every tenth otherwise.
pub struct Progress {
    what: &'static str,
    total: usize,
    done: AtomicUsize,
    terminal: bool,
}

impl Progress {
    /// Nothing done yet.
    pub fn new(what: &'static str, total: usize) -> Self {
        Self {
            what,
            total,
            done: AtomicUsize::new(0),
            terminal: std::io::stderr().is_terminal(),
        }
    }

    /// One step is done.
    pub fn step(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let tenth = self.total.div_ceil(10).max(1);
        let (what, total) = (self.what, self.total);
        let mut out = std::io::stderr().lock();
        // Nobody can be told that the terminal is gone.
        let _ = if self.terminal {
            let end = if done == total { "\n" } else { "" };
            write!(out, "\r{what} {done}/{total}{end}")
        } else if done.is_multiple_of(tenth) || done == total {
            writeln!(out, "{what} {done}/{total}")
        } else {
            Ok(())
        };
    }
}
