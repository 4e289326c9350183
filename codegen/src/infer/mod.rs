//! What can be inferred about a vendor's extension from the facts about its header: a first text of
//! judgements. What cannot be inferred, and would make a call unsound if it were guessed, is a hole;
//! an entry with one is a comment, so that what is there can be built from the first day.

mod doubt;
mod entry;
mod function;
mod names;
mod trial;
mod types;

use crate::diag::{Diagnostic, Diagnostics};
use crate::lower::call;
use crate::model::Model;
use crate::schema::Schema;
use crate::vendor::{File, items};
use entry::Entry;
pub use entry::Hole;
pub use names::{extension_name, is_module, is_type, module_of};
use std::collections::BTreeMap;
use trial::Trial;

/// What is known before.
#[derive(Clone, Copy, Debug)]
pub struct Given<'g> {
    /// Upstream's facts and judgements.
    pub upstream: &'g Model,
    /// The vendor's facts: one header.
    pub vendor: &'g Schema,
    /// What the vendor's header says above the declaration of a name.
    pub comments: &'g BTreeMap<String, String>,
    /// The vendor's judgements so far: name and text, which may be empty.
    pub existing: &'g File,
}

/// What was inferred.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inferred {
    /// Entries, in TOML.
    pub text: String,
    /// What a person must decide, in the order of the text; lines count within it.
    pub holes: Vec<Hole>,
    /// Functions with a generated method.
    pub generated: Vec<String>,
    /// Functions that have a checked call and nothing else.
    pub checked: Vec<String>,
    /// Functions without a struct of arguments, that have a checked call and nothing else.
    pub positional: Vec<String>,
}

/// Infers entries for everything of the vendor's that has none.
///
/// # Errors
///
/// Judgements so far that are at fault with the facts as they are now.
pub fn overlay(given: &Given<'_>) -> Result<Inferred, Diagnostics> {
    let Some(header) = given.vendor.headers.first() else {
        return Ok(Inferred::default());
    };
    let trial = Trial::new(given.upstream, given.vendor, given.existing)?;
    // What is at fault already is told before anything is added.
    let before = trial.model("")?;
    let is_new = |entry: &Entry| !is_in(&given.existing.1, &entry.title);
    let mut entries = types::entries(&trial, &before, header, given);
    entries.retain(is_new);
    let active: String = entries.iter().map(Entry::active).collect();

    let mut found = Inferred::default();
    let table = header.extension.as_ref().map(|e| e.table.as_str());
    let functions = header.functions.iter();
    let functions: Vec<_> = functions
        .filter(|f| Some(f.table.as_str()) == table)
        .filter(|f| !is_in(&given.existing.1, &format!("function.{}", f.name)))
        .collect();
    let mut made = function::entries(&trial, &active, &functions, given.comments)?;
    // What only the generator itself sees.
    loop {
        let all = made.iter().map(|(.., entry)| entry.active());
        let text: String = std::iter::once(active.clone()).chain(all).collect();
        let refused = refused(&trial, &text, given)?;
        let mut held = false;
        for (function, draft, entry) in &mut made {
            let reason = refused
                .iter()
                .find_map(|m| m.strip_prefix(&function.name)?.strip_prefix(": "));
            if let Some(reason) = reason.filter(|_| !entry.held()) {
                *entry = draft.hand_written(reason);
                held = true;
            }
        }
        match refused.first() {
            None => break,
            Some(message) if !held => return Err(own_fault(given, message)),
            Some(_) => {}
        }
    }
    for (function, _, entry) in made {
        let call = call::call(&before, function).is_some();
        let of = match (entry.held(), call) {
            (false, _) => &mut found.generated,
            (true, true) => &mut found.checked,
            (true, false) => &mut found.positional,
        };
        of.push(function.name.clone());
        entries.push(entry);
    }
    for entry in entries {
        entry.write(&mut found.text, &mut found.holes);
    }
    Ok(found)
}

/// What the generator says of judgements; nothing if it makes items of all of them.
fn refused(trial: &Trial, text: &str, given: &Given<'_>) -> Result<Vec<String>, Diagnostics> {
    let model = trial.model(text);
    let model = model.map_err(|faults| own_fault(given, &brief(&faults)))?;
    let made = items::items(&model, &[String::new(), given.existing.0.clone()]);
    let faults = made.err().unwrap_or_default();
    Ok(faults.into_iter().map(|f| f.message).collect())
}

fn own_fault(given: &Given<'_>, message: &str) -> Diagnostics {
    let message = format!("the inferred judgements are refused: {message}");
    Diagnostic::new("V001", &given.existing.0, message)
        .help("this is a fault of the tool: report it with the header")
        .into()
}

/// The first of several faults.
fn brief(faults: &Diagnostics) -> String {
    let first = faults.iter().next();
    first.map_or_else(String::new, |f| f.message.clone())
}

/// Whether a text has an entry, be it as a comment.
fn is_in(text: &str, title: &str) -> bool {
    let title = format!("[{title}]");
    let bare = |line: &str| line.trim_start_matches(['#', ' ']).trim_end() == title;
    text.lines().any(bare)
}
