//! The report for programs.

use serde_json::{Map, Value, json};

use super::types::*;

/// `from`, `to` and `since` are minors, a list for each sort of change.
pub fn json(diff: &Diff) -> Value {
    let semver = diff.semver();
    let mut out = Map::new();
    out.insert("from".to_string(), json!(diff.old.minor));
    out.insert("to".to_string(), json!(diff.new.minor));
    out.insert("old".to_string(), side(&diff.old));
    out.insert("new".to_string(), side(&diff.new));
    let class = diff.class().map_or("none", Class::word);
    out.insert("class".to_string(), json!(class));
    out.insert(
        "semver".to_string(),
        json!({
            "level": semver.level.word(),
            "reason": semver.reason,
            "because": semver.because,
        }),
    );
    out.insert("notes".to_string(), json!(diff.notes));
    for what in What::ALL {
        let changes: Vec<Value> = diff.of(what).map(change).collect();
        out.insert(what.word().to_string(), Value::from(changes));
    }
    Value::Object(out)
}

fn side(side: &Side) -> Value {
    match &side.commit {
        Some(commit) => json!({ "minor": side.minor, "commit": commit, "date": side.place }),
        None => json!({ "minor": side.minor, "path": side.place }),
    }
}

fn change(change: &Change) -> Value {
    let mut out = Map::new();
    out.insert("kind".to_string(), json!(change.kind.word()));
    out.insert("name".to_string(), json!(change.name));
    out.insert("module".to_string(), json!(change.module));
    out.insert("since".to_string(), json!(change.since));
    out.insert("class".to_string(), json!(change.class.word()));
    if let Some((before, after)) = &change.values {
        out.insert("before".to_string(), json!(before));
        out.insert("after".to_string(), json!(after));
    }
    if !change.note.is_empty() {
        out.insert("note".to_string(), json!(change.note));
    }
    if !change.functions.is_empty() {
        out.insert("functions".to_string(), json!(change.functions));
    }
    if !change.methods.is_empty() {
        out.insert("methods".to_string(), json!(change.methods));
    }
    Value::Object(out)
}
