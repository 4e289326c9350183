//! `vendor check`: whether a crate's facts and judgements hold, and what has no verdict.

use std::path::Path;

use pjrt_codegen::lower::call;
use pjrt_codegen::overlay::Safe;
use pjrt_codegen::vendor::{self, items};

use super::{module_in, names, read, upstream};
use crate::outcome::Outcome;

/// Runs the command: false while a function has no verdict.
///
/// # Errors
///
/// Files at fault.
pub fn check(folder: &Path) -> Outcome {
    let module = module_in(folder)?;
    let [json, toml, history] = names(&module);
    let file = |name: &String| read(&folder.join(name)).map(|text| (name.clone(), text));
    let recorded = match folder.join(&history).is_file() {
        true => Some(file(&history)?),
        false => None,
    };
    let upstream = upstream()?;
    let model = vendor::model(&upstream, &file(&json)?, &[file(&toml)?], recorded.as_ref())?;
    items::items(&model, &["pjrt".to_owned(), toml.clone()])?;
    let (mut generated, mut by_hand, mut open) = (0, 0, 0);
    let header = model.header(&module);
    let table = header
        .and_then(|h| h.extension.as_ref())
        .map(|e| e.table.as_str());
    let functions = header.into_iter().flat_map(|h| &h.functions);
    for function in functions.filter(|f| Some(f.table.as_str()) == table) {
        match model.entry(&function.name).and_then(|e| e.safe.as_ref()) {
            Some(Safe::Generated) => generated += 1,
            Some(Safe::HandWritten(_)) => by_hand += 1,
            None => {
                open += 1;
                let has = match call::call(&model, function) {
                    Some(_) => "a checked call only",
                    None => "a checked call of its plain signature only",
                };
                println!("{}: no verdict in {toml}; {has}", function.name);
            }
        }
    }
    println!("{generated} generated, {by_hand} hand-written, {open} without a verdict");
    Ok(open == 0)
}
