//! What looks like a rename, for people to confirm. Nothing is renamed by guessing.

use super::compat::{same_prefix, same_type, words};
use super::track::{Change, Changes};
use super::types::{EnumBody, StructBody};

/// A line for each thing that vanished while another appeared at its place.
pub(super) fn renames(changes: &Changes, place: &str) -> Vec<String> {
    let mut found = Vec::new();
    for change in &changes.structs {
        if let (Some(old), Some(new)) = (&change.old, &change.new) {
            fields(&change.name, old, new, &mut found);
        }
    }
    for change in &changes.enums {
        if let (Some(old), Some(new)) = (&change.old, &change.new) {
            values(&change.name, old, new, &mut found);
        }
    }
    pairs(&changes.structs, &mut found, |a, b| {
        a.fields.len() == b.fields.len() && same_prefix(a, b)
    });
    pairs(&changes.enums, &mut found, |a, b| a.values == b.values);
    pairs(&changes.functions, &mut found, |a, b| a == b);
    found
        .into_iter()
        .map(|line| format!("{place}: {line}"))
        .collect()
}

fn fields(of: &str, old: &StructBody, new: &StructBody, found: &mut Vec<String>) {
    for a in &old.fields {
        let Some(b) = new.fields.iter().find(|b| b.offset == a.offset) else {
            continue;
        };
        let kept = |s: &StructBody, name: &str| s.fields.iter().any(|f| f.name == name);
        if a.name != b.name && !kept(new, &a.name) && !kept(old, &b.name) && a.size == b.size {
            let same = if same_type(&a.ty, &b.ty) {
                ""
            } else {
                ", of another type"
            };
            found.push(format!("field {of}.{} -> {}{same}", a.name, b.name));
        } else if a.name == b.name && !same_type(&a.ty, &b.ty) {
            let pairs: Vec<_> = words(&a.ty)
                .zip(words(&b.ty))
                .filter(|(a, b)| a != b)
                .collect();
            if let [(a, b)] = pairs.as_slice() {
                found.push(format!("type {a} -> {b} ({of})"));
            }
        }
    }
}

fn values(of: &str, old: &EnumBody, new: &EnumBody, found: &mut Vec<String>) {
    for (name, number) in &old.values {
        let other = new.values.iter().find(|(_, n)| n == number);
        let kept = |e: &EnumBody, name: &str| e.values.iter().any(|(n, _)| n == name);
        if let Some((other, _)) = other
            && other != name
            && !kept(new, name)
            && !kept(old, other)
        {
            found.push(format!("value {of}.{name} -> {other}"));
        }
    }
}

fn pairs<T>(changes: &[Change<T>], found: &mut Vec<String>, same: impl Fn(&T, &T) -> bool) {
    for gone in changes.iter().filter(|c| c.new.is_none()) {
        for fresh in changes.iter().filter(|c| c.old.is_none()) {
            if let (Some(a), Some(b)) = (&gone.old, &fresh.new)
                && same(a, b)
            {
                found.push(format!("type {} -> {}", gone.name, fresh.name));
            }
        }
    }
}
