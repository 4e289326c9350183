//! Waiting for something that has to be asked for again and again.

use std::time::{Duration, Instant};

/// The first wait. Processes of one program often come within milliseconds of each other.
const SHORTEST: Duration = Duration::from_millis(1);
/// No wait is longer, so this is how late an answer can be.
const LONGEST: Duration = Duration::from_millis(50);

/// Waits that grow, until a time is up.
pub(super) struct Waits {
    deadline: Option<Instant>,
    next: Duration,
}

impl Waits {
    /// Waits for so long in all. A time beyond what the clock can say is no limit.
    pub(super) fn new(timeout: Duration) -> Waits {
        Waits {
            deadline: Instant::now().checked_add(timeout),
            next: SHORTEST,
        }
    }

    /// What is left of the time.
    pub(super) fn rest(&self) -> Duration {
        self.deadline.map_or(Duration::MAX, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }

    /// Waits; says false, without a wait, if the time is up.
    pub(super) fn pause(&mut self) -> bool {
        let rest = self.rest();
        if rest.is_zero() {
            return false;
        }
        std::thread::sleep(self.next.min(rest));
        self.next = self.next.saturating_mul(2).min(LONGEST);
        true
    }
}
