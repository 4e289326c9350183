//! A small crate with an overlay of its own over the real facts, and its ledger.

use pjrt_codegen::coverage::{self, Ledger, Verdict};
use pjrt_codegen::model::{Model, Versions};
use pjrt_codegen::schema::{self, Schema};
use std::path::{Path, PathBuf};

pub const OVERLAY: &str = r#"
[handle.PJRT_Event]
rust = "Event"
share = "unique"
destroy = "PJRT_Event_Destroy"
threads = "send+sync"
doc = "An event."
why = "one owner"

[enum.PJRT_ProcessState]
rust = "ProcessState"
doc = "A state."

[function.PJRT_Event_Destroy]
safe = "generated"
drop = true
doc = "Ends it."
why = "owned"

[function.PJRT_Event_IsReady]
safe = "generated"
doc = "Whether it happened."
why = "asks"

[function.PJRT_Event_Await]
safe = "hand-written"
path = "pjrt::event::Event::wait"
returns = "status"
doc = "Waits."
why = "waits"
"#;

pub const LIB: &str = "mod event; pub mod raw; pub use event::Event;";
pub const RAW: &str = "pjrt_macros::generate!(calls core);";
pub const EVENT: &str = r#"
use crate::raw;
pjrt_macros::generate!(handle PJRT_Event);
impl Event {
    pub fn wait(&self) -> Result<()> {
        self.wait_raw()
    }
    fn wait_raw(&self) -> Result<()> {
        let out = unsafe { raw::event_await(self.api(), raw::EventAwaitIn::new(self.as_raw())) }?;
        out.status.map_or(Ok(()), Err)
    }
}
"#;

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

pub fn facts() -> Schema {
    let text = std::fs::read_to_string(xtask::paths::schema()).unwrap();
    schema::load("schema", &text).unwrap()
}

pub fn model(facts: Schema, overlay: &str) -> Model {
    let files = [("overlay.toml".to_owned(), overlay.to_owned())];
    Model::merge(facts, Vec::new(), &files, Versions::default()).unwrap()
}

/// The ledger of a crate with these sources beside `lib.rs` and `raw`.
pub fn ledger_of(model: &Model, sources: &[(&str, &str)], skipped: &str, called: &str) -> Ledger {
    let mut files = vec![("pjrt/src/raw/mod.rs".to_owned(), RAW.to_owned())];
    if sources.iter().all(|(name, _)| *name != "lib.rs") {
        files.push(("pjrt/src/lib.rs".to_owned(), LIB.to_owned()));
    }
    let own = sources.iter();
    files.extend(own.map(|(name, text)| (format!("pjrt/src/{name}"), (*text).to_owned())));
    coverage::ledger(model, &files, skipped, called).unwrap()
}

pub fn ledger(overlay: &str, event: &str) -> Ledger {
    ledger_of(&model(facts(), overlay), &[("event.rs", event)], "", "")
}

pub fn verdict<'l>(ledger: &'l Ledger, name: &str) -> &'l Verdict {
    let mut items = ledger.items.iter().filter(|i| i.name == name);
    &items
        .next()
        .unwrap_or_else(|| panic!("no item `{name}`"))
        .verdict
}

pub fn generated(at: &str) -> Verdict {
    Verdict::Generated(at.into())
}

pub fn hand_written(at: &str) -> Verdict {
    Verdict::HandWritten(at.into())
}

pub fn missing(verdict: &Verdict) -> &str {
    match verdict {
        Verdict::Undecided(missing) => missing,
        decided => panic!("decided: {decided:?}"),
    }
}

/// The one line about an item.
pub fn problem(ledger: &Ledger, name: &str) -> String {
    let all = coverage::problems(ledger).into_iter();
    let about: Vec<String> = all.filter(|p| p.contains(&format!(" {name}"))).collect();
    assert_eq!(about.len(), 1, "{name}: {about:?}");
    about[0].clone()
}
