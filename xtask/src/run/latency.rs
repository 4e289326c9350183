//! How long runs took.

use std::fmt;
use std::time::Duration;

/// Times of the runs after the first.
pub struct Latency {
    sorted: Vec<Duration>,
}

impl Latency {
    /// Of these times, in any order.
    pub fn of(mut times: Vec<Duration>) -> Latency {
        times.sort_unstable();
        Latency { sorted: times }
    }

    /// The least time that so many in a hundred of the runs did not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.sorted.len() * percent).div_ceil(100);
        let time = self.sorted.get(rank.saturating_sub(1));
        time.copied().unwrap_or_default()
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "median {}", shown(self.percentile(50)))?;
        for percent in [10, 90, 99] {
            write!(f, ", p{percent} {}", shown(self.percentile(percent)))?;
        }
        write!(f, ", min {}", shown(self.percentile(0)))
    }
}

/// A time with a unit that suits it.
pub fn shown(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1e-3 {
        format!("{:.1} us", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.2} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_measured() {
        let times = (1..=200).rev().map(Duration::from_micros).collect();
        let line = Latency::of(times).to_string();
        assert_eq!(
            line,
            "median 100.0 us, p10 20.0 us, p90 180.0 us, p99 198.0 us, min 1.0 us"
        );
        let one = Latency::of(vec![Duration::from_millis(1500)]).to_string();
        assert!(one.ends_with("p99 1.50 s, min 1.50 s"), "{one}");
    }
}
