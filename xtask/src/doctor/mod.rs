//! What of a machine is ready. Nothing here needs `pjrt` or libclang, except for a look at the
//! plugins, which another process takes.

pub mod libclang;
pub mod machine;
pub mod plugins;
pub mod python;
pub mod shown;
pub mod suites;
pub mod tools;

use machine::Machine;
use serde_json::{Value, json};

/// How it stands with one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is there and works.
    Ready,
    /// It is not there, and is fetched when it is needed.
    Fetched,
    /// It is not there.
    Missing,
    /// It is there and does not work.
    Broken,
    /// These tests do not run.
    Skipped,
}

impl State {
    /// The word that is shown.
    pub fn word(self) -> &'static str {
        match self {
            State::Ready => "ok",
            State::Fetched => "fetched",
            State::Missing => "missing",
            State::Broken => "broken",
            State::Skipped => "skipped",
        }
    }

    /// Whether one can do with it.
    pub fn is_good(self) -> bool {
        matches!(self, State::Ready | State::Fetched)
    }
}

/// One thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it belongs to: `machine`, `plugins` or `tests`.
    pub part: String,
    /// What it is called.
    pub name: String,
    /// How it stands with it.
    pub state: State,
    /// The README's two commands need it.
    pub needed: bool,
    /// What was found.
    pub found: String,
    /// What mends it, where it is not ready.
    pub next: Option<String>,
}

impl Row {
    /// A thing of the machine that is ready.
    pub fn ready(name: &str, found: impl Into<String>) -> Row {
        Row {
            part: "machine".to_owned(),
            name: name.to_owned(),
            state: State::Ready,
            needed: false,
            found: found.into(),
            next: None,
        }
    }

    /// A thing of the machine that is not ready, and what mends it.
    pub fn lacking(name: &str, state: State, found: impl Into<String>, next: &str) -> Row {
        Row {
            state,
            next: Some(next.to_owned()),
            ..Row::ready(name, found)
        }
    }

    /// The same, needed by the README's two commands.
    #[must_use]
    pub fn needed(mut self) -> Row {
        self.needed = true;
        self
    }

    /// The same, of another part.
    #[must_use]
    pub fn of(mut self, part: &str) -> Row {
        self.part = part.to_owned();
        self
    }

    /// As JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "part": self.part,
            "name": self.name,
            "state": self.state.word(),
            "needed": self.needed,
            "found": self.found,
            "next": self.next,
        })
    }

    /// What [`Row::to_json`] gives.
    pub fn from_json(value: &Value) -> Option<Row> {
        let text = |key: &str| value.get(key)?.as_str().map(str::to_owned);
        let word = text("state")?;
        let states = [
            State::Ready,
            State::Fetched,
            State::Missing,
            State::Broken,
            State::Skipped,
        ];
        Some(Row {
            part: text("part")?,
            name: text("name")?,
            state: states.into_iter().find(|state| state.word() == word)?,
            needed: value.get("needed")?.as_bool()?,
            found: text("found")?,
            next: text("next"),
        })
    }
}

/// Everything that is looked at.
pub fn rows(machine: &Machine, with_plugins: bool) -> Vec<Row> {
    let mut rows = tools::rust(machine);
    rows.extend(python::rows(machine));
    let pip = good(&rows, "pip");
    rows.push(libclang::row(machine, pip));
    rows.extend(tools::others(machine));
    if with_plugins {
        let found = plugins::from_outside(machine);
        // What would be fetched is not, without pip.
        rows.extend(found.into_iter().map(|row| match row.state {
            State::Fetched if !pip => Row {
                state: State::Missing,
                next: Some("mend `python` and `pip` above".to_owned()),
                ..row
            },
            _ => row,
        }));
    }
    let suites = suites::rows(machine, &rows);
    rows.extend(suites);
    rows
}

/// Whether one can do with a thing of that name.
pub fn good(rows: &[Row], name: &str) -> bool {
    rows.iter()
        .any(|row| row.name == name && row.state.is_good())
}

/// Whether everything that is needed is there.
pub fn is_ready(rows: &[Row]) -> bool {
    rows.iter().all(|row| !row.needed || row.state.is_good())
}
