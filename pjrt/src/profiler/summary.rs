//! What a recording says, in numbers.
//!
//! The message is read where it lies, and only what is counted is kept: recordings are large.

use crate::proto::{Fault, Value, each};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

/// What a recording says, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// Where something was recorded: devices, the host, and what is derived from them.
    pub planes: Vec<PlaneSummary>,
    /// Errors of the recorders.
    pub errors: Vec<String>,
    /// Their warnings.
    pub warnings: Vec<String>,
}

/// A plane of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlaneSummary {
    /// Its name, such as `/host:CPU`.
    pub name: String,
    /// Lines: threads, streams or what else events happen on.
    pub lines: Vec<LineSummary>,
    /// Kinds of events, those that took the longest in all first.
    pub events: Vec<EventSummary>,
    /// How many kinds there are.
    pub kinds: usize,
}

/// A line of a plane.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LineSummary {
    /// Its name.
    pub name: String,
    /// How many events it has.
    pub events: u64,
}

/// A kind of events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventSummary {
    /// Its name; its number where it has none.
    pub name: String,
    /// How often it happened.
    pub count: u64,
    /// How long it took in all, those that happened inside of it included.
    pub total: Duration,
}

/// What events of one kind add up to: how often, and picoseconds.
type Totals = HashMap<u64, (u64, u128)>;

fn text(value: Value<'_>, slot: &mut String) {
    if let Value::Bytes(bytes) = value {
        *slot = String::from_utf8_lossy(bytes).into_owned();
    }
}

impl Summary {
    /// Counts what is in the message.
    pub(super) fn of(bytes: &[u8]) -> Result<Summary, Fault> {
        let mut summary = Summary::default();
        each(bytes, &mut |number, value| {
            let Value::Bytes(inside) = value else {
                return Ok(());
            };
            let said = || String::from_utf8_lossy(inside).into_owned();
            match number {
                1 => summary.planes.push(plane(inside)?),
                2 => summary.errors.push(said()),
                3 => summary.warnings.push(said()),
                _ => {}
            }
            Ok(())
        })?;
        Ok(summary)
    }

    /// The same, with fewer kinds of events.
    pub(super) fn shortened(&self, top: usize) -> Summary {
        let shortened = |plane: &PlaneSummary| PlaneSummary {
            name: plane.name.clone(),
            lines: plane.lines.clone(),
            events: plane.events.iter().take(top).cloned().collect(),
            kinds: plane.kinds,
        };
        Summary {
            planes: self.planes.iter().map(shortened).collect(),
            errors: self.errors.clone(),
            warnings: self.warnings.clone(),
        }
    }
}

fn plane(bytes: &[u8]) -> Result<PlaneSummary, Fault> {
    let mut plane = PlaneSummary::default();
    let (mut totals, mut names) = (Totals::new(), HashMap::new());
    each(bytes, &mut |number, value| {
        match (number, value) {
            (2, value) => text(value, &mut plane.name),
            (3, Value::Bytes(inside)) => plane.lines.push(line(inside, &mut totals)?),
            (4, Value::Bytes(inside)) => {
                let (id, name) = kind(inside)?;
                names.insert(id, name);
            }
            _ => {}
        }
        Ok(())
    })?;
    let mut kinds: Vec<_> = totals.into_iter().collect();
    // The longest first, and always in the same order.
    kinds.sort_by_key(|(id, (_, time))| (std::cmp::Reverse(*time), *id));
    plane.kinds = kinds.len();
    let named = |(id, (count, picoseconds)): (u64, (u64, u128))| EventSummary {
        name: match names.remove(&id) {
            Some(name) if !name.is_empty() => name,
            _ => format!("event {}", id.cast_signed()),
        },
        count,
        total: Duration::from_nanos(u64::try_from(picoseconds / 1000).unwrap_or(u64::MAX)),
    };
    plane.events = kinds.into_iter().map(named).collect();
    Ok(plane)
}

/// Counts a line, and adds its events up.
fn line(bytes: &[u8], totals: &mut Totals) -> Result<LineSummary, Fault> {
    let mut line = LineSummary::default();
    let mut display = String::new();
    each(bytes, &mut |number, value| {
        match (number, value) {
            (2, value) => text(value, &mut line.name),
            (11, value) => text(value, &mut display),
            (4, Value::Bytes(inside)) => {
                // An event that is told of once may stand for several.
                let (mut id, mut time, mut count) = (0, 0, 1);
                each(inside, &mut |number, value| {
                    match (number, value) {
                        (1, Value::Int(value)) => id = value,
                        (3, Value::Int(value)) => time = value,
                        (5, Value::Int(value)) => count = value,
                        _ => {}
                    }
                    Ok(())
                })?;
                // Both are signed; less than nothing is nothing.
                let positive = |value: u64| u64::try_from(value.cast_signed()).unwrap_or(0);
                let total = totals.entry(id).or_default();
                total.0 = total.0.saturating_add(positive(count));
                total.1 = total.1.saturating_add(positive(time).into());
                line.events = line.events.saturating_add(1);
            }
            _ => {}
        }
        Ok(())
    })?;
    if !display.is_empty() {
        line.name = display;
    }
    Ok(line)
}

/// An entry of the map of kinds: its number and its name, the one for people if it has one.
fn kind(bytes: &[u8]) -> Result<(u64, String), Fault> {
    let (mut id, mut name, mut display) = (0, String::new(), String::new());
    each(bytes, &mut |number, value| {
        match (number, value) {
            (1, Value::Int(value)) => id = value,
            (2, Value::Bytes(inside)) => each(inside, &mut |number, value| {
                match number {
                    2 => text(value, &mut name),
                    4 => text(value, &mut display),
                    _ => {}
                }
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    })?;
    let name = if display.is_empty() { name } else { display };
    Ok((id, name))
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.planes.is_empty() {
            writeln!(f, "nothing was recorded")?;
        }
        for plane in &self.planes {
            let events: u64 = plane.lines.iter().map(|line| line.events).sum();
            writeln!(
                f,
                "{}: {events} events of {} kinds on {} lines",
                plane.name,
                plane.kinds,
                plane.lines.len()
            )?;
            for event in &plane.events {
                let time = format!("{:?}", event.total);
                writeln!(f, "  {time:>14}  {:>8} x  {}", event.count, event.name)?;
            }
        }
        for error in &self.errors {
            writeln!(f, "error: {error}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "warning: {warning}")?;
        }
        Ok(())
    }
}
