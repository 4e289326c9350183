//! Renames: one item under two names, as people confirmed.

use super::compute::{is_head, is_table, of, of_struct};
use super::since::Since;
use super::types::*;
use super::view::{OldName, View};
use crate::history::History;

/// What has its old name on one side only.
pub(super) fn renamed(history: &History, old: &View<'_>, new: &View<'_>) -> Vec<Change> {
    let mut found = Vec::new();
    for (names, back) in [
        (old.old.difference(&new.old), false),
        (new.old.difference(&old.old), true),
    ] {
        for name in names {
            let Some((kind, full, module)) = item(name, old, new) else {
                continue;
            };
            let (mut from, mut to) = (name.from.clone(), name.to.clone());
            if name.what == "prefix" {
                let rest = full.strip_prefix(to.as_str()).unwrap_or_default();
                from.push_str(rest);
                to.push_str(rest);
            }
            let values = match back {
                false => (from, to),
                true => (to, from),
            };
            found.push(Change {
                what: What::Renamed,
                kind,
                since: history.first(kind, &full),
                module: module.to_string(),
                class: Class::Compatible,
                values: Some(values),
                note: match name.what.as_str() {
                    "embedded" => "the same layout",
                    "prefix" => "with its values",
                    _ => "the same place",
                },
                header_gone: false,
                functions: Vec::new(),
                methods: Vec::new(),
                name: full,
            });
        }
    }
    // One rename may come of several rules.
    found.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    found.dedup_by(|a, b| a.kind == b.kind && a.name == b.name);
    found
}

/// What was renamed, if both sides have it.
fn item<'v>(name: &OldName, old: &View<'v>, new: &View<'v>) -> Option<(Kind, String, &'v str)> {
    let owner = name.owner.as_str();
    let structure = || {
        let (module, body) = new.structs.get(owner)?;
        let (_, before) = old.structs.get(owner)?;
        Some((*module, *body, *before))
    };
    match name.what.as_str() {
        "field" | "embedded" => {
            let (module, body, before) = structure()?;
            let has =
                |fields: &[crate::history::FieldBody]| fields.iter().any(|f| f.name == name.to);
            if !has(&body.fields) || !has(&before.fields) {
                return None;
            }
            let mut functions = new.functions.iter();
            let held = functions.find(|(_, (_, f))| f.table == owner && f.slot == name.to);
            if let Some((function, (module, body))) = held {
                return Some((of(body), (*function).to_string(), module));
            }
            let kind = match is_table(body) && !is_head(&name.to) {
                true => Kind::Slot,
                false => Kind::Field,
            };
            Some((kind, format!("{owner}.{}", name.to), module))
        }
        "value" => {
            let (module, body) = new.enums.get(owner)?;
            let (_, before) = old.enums.get(owner)?;
            let has = |values: &[(String, i64)]| values.iter().any(|(n, _)| *n == name.to);
            let both = has(&body.values) && has(&before.values);
            both.then(|| (Kind::Value, name.to.clone(), *module))
        }
        _ => {
            // A prefix is noted wherever it is used, too.
            if name.what == "prefix" && !owner.starts_with(&name.to) {
                return None;
            }
            if let Some((module, body)) = new.functions.get(owner) {
                let both = old.functions.contains_key(owner);
                return both.then(|| (of(body), owner.to_string(), *module));
            }
            if let Some((module, body, _)) = structure() {
                return Some((of_struct(body), owner.to_string(), module));
            }
            if let Some((module, _)) = new.enums.get(owner) {
                let both = old.enums.contains_key(owner);
                return both.then(|| (Kind::Enum, owner.to_string(), *module));
            }
            if let Some((module, _)) = new.callbacks.get(owner) {
                let both = old.callbacks.contains_key(owner);
                return both.then(|| (Kind::Callback, owner.to_string(), *module));
            }
            let gone = old.structs.contains_key(owner) || new.structs.contains_key(owner);
            (name.what == "type" && !gone).then(|| (Kind::Type, owner.to_string(), ""))
        }
    }
}
