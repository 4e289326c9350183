//! The history as text: one line for each state, revision and version, so that a new header is a
//! few new lines.

use serde_json::{Value, json};

use super::minors::Minors;
use super::types::*;

/// Number of the file format.
pub(super) const FORMAT: u32 = 1;

/// The canonical text.
pub fn to_text(history: &History) -> String {
    let h = history;
    let mut out = String::from("{\n");
    out.push_str(&format!("\"format\": {FORMAT},\n"));
    out.push_str("\"command\": \"cargo xtask history build\",\n");
    let s = &h.source;
    out.push_str(&format!(
        "\"source\": {{{}}},\n",
        [
            pair("name", &s.name),
            pair("commit", &s.commit),
            format!("\"commits\": {}", s.commits),
            format!("\"main\": {}", s.main),
            format!("\"unversioned\": {}", s.unversioned),
        ]
        .join(", ")
    ));
    let states = h.states.iter().enumerate();
    let states = states.map(|(i, s)| json!([i, s.commit, s.date, s.minor, s.ffi]).to_string());
    list("states", states.collect(), &mut out);
    list("modules", h.modules.iter().map(module).collect(), &mut out);
    let structs = h.structs.iter().map(|i| structure(h, i));
    list("structs", structs.collect(), &mut out);
    let enums = h.enums.iter().map(|i| enumeration(h, i));
    list("enums", enums.collect(), &mut out);
    let functions = h.functions.iter().map(|i| {
        let minors = minors(h.function_minors(i));
        item(i, minors, |f, _| {
            vec![
                json!(f.table),
                json!(f.slot),
                json!(f.args),
                json!(f.signature.0),
            ]
        })
    });
    list("functions", functions.collect(), &mut out);
    let callbacks = h.callbacks.iter().map(|i| {
        let minors = minors(h.callback_minors(i));
        item(i, minors, |s, _| vec![json!(s.0)])
    });
    list("callbacks", callbacks.collect(), &mut out);
    list("renamed", h.renamed.iter().map(renamed).collect(), &mut out);
    let problems = h.problems.iter().map(|p| {
        let texts = [
            pair("commit", &p.commit),
            pair("path", &p.path),
            pair("message", &p.message),
        ];
        format!("{{{}}}", texts.join(", "))
    });
    list("problems", problems.collect(), &mut out);
    reports(h, &mut out);
    out.push_str("}\n");
    out
}

fn reports(h: &History, out: &mut String) {
    let stale = h.stale().into_iter().map(|s| {
        format!(
            "{{{}, \"table\": {}, \"reported\": {}, \"end\": {}, \"minors\": {}, \"prefix\": {}}}",
            pair("struct", &s.name),
            s.table,
            s.reported,
            s.end,
            json!(s.minors),
            s.prefix
        )
    });
    list("stale", stale.collect(), out);
    let shared = h.shared().into_iter().map(|s| {
        format!(
            "{{{}, \"minor\": {}, \"layouts\": {}, \"sizes\": {}, \"enums\": {}}}",
            pair("module", &s.module),
            s.minor,
            json!(s.layouts),
            json!(s.sizes),
            json!(s.enums)
        )
    });
    list("shared", shared.collect(), out);
    let breaks = h.breaks().into_iter();
    let breaks = breaks.map(|b| json!([b.state, b.name, b.what]).to_string());
    list("breaks", breaks.collect(), out);
    // The last list ends without a comma.
    if out.ends_with(",\n") {
        out.truncate(out.len().saturating_sub(2));
        out.push('\n');
    }
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn pair(key: &str, text: &str) -> String {
    format!("{}: {}", quoted(key), quoted(text))
}

fn list(key: &str, lines: Vec<String>, out: &mut String) {
    out.push_str(&format!("\"{key}\": ["));
    for (index, line) in lines.iter().enumerate() {
        out.push_str(if index == 0 { "\n" } else { ",\n" });
        out.push_str(line);
    }
    out.push_str(if lines.is_empty() { "],\n" } else { "\n],\n" });
}

fn module(module: &Module) -> String {
    let rows = module.revisions.iter().map(|r| match &r.header {
        Presence::Known { digest, version } => json!([r.state, digest, version]),
        Presence::Gone => json!([r.state, "gone"]),
        Presence::Unknown => json!([r.state, "unknown"]),
    });
    let rows: Vec<String> = rows.map(|row| row.to_string()).collect();
    format!(
        "{{{}, {}, \"revisions\": [\n{}\n]}}",
        pair("name", &module.name),
        pair("path", &module.path),
        rows.join(",\n")
    )
}

/// `"since": 40, "safe_since": 41, "layout_since": 41`, and `"removed"` where it is.
fn minors(minors: Option<Minors>) -> String {
    let minors = minors.unwrap_or_default();
    let mut text = format!(
        "\"since\": {}, \"safe_since\": {}, \"layout_since\": {}",
        minors.since,
        json!(minors.safe_since),
        json!(minors.layout_since)
    );
    if let Some(removed) = minors.removed {
        text.push_str(&format!(", \"removed\": {removed}"));
    }
    text
}

/// Parts whose minors are not those of the whole.
fn parts(key: &str, whole: Option<Minors>, parts: &[(&str, Minors)]) -> String {
    let rows: Vec<String> = parts
        .iter()
        .filter(|(_, part)| Some(*part) != whole)
        .map(|(name, part)| {
            let mut row = vec![
                json!(part.since),
                json!(part.safe_since),
                json!(part.layout_since),
            ];
            row.extend(part.removed.map(Value::from));
            format!("{}: {}", quoted(name), Value::from(row))
        })
        .collect();
    match rows.is_empty() {
        true => String::new(),
        false => format!(",\n\"{key}\": {{{}}}", rows.join(", ")),
    }
}

/// `row` gives what follows the state in a version's row, from the body and the one before it.
fn item<T>(item: &Item<T>, summary: String, row: impl Fn(&T, Option<&T>) -> Vec<Value>) -> String {
    let mut last = None;
    let mut rows = Vec::new();
    for version in &item.versions {
        let mut values = vec![json!(version.state)];
        match &version.body {
            Some(body) => {
                values.extend(row(body, last));
                last = Some(body);
            }
            None => values.push(Value::Null),
        }
        rows.push(Value::from(values).to_string());
    }
    format!(
        "{{{}, {}, {summary},\n\"versions\": [\n{}\n]}}",
        pair("name", &item.name),
        pair("module", &item.module),
        rows.join(",\n")
    )
}

fn structure(h: &History, i: &Item<StructBody>) -> String {
    let whole = h.struct_minors(i);
    let summary = minors(whole) + &parts("fields", whole, &h.field_minors(i));
    item(i, summary, |s, last| {
        let before = last.map_or(&[][..], |last| &last.fields);
        let (keep, rest) = tail(before, &s.fields);
        let rest: Vec<Value> = rest
            .iter()
            .map(|f| json!([f.name, f.ty, f.offset, f.size]))
            .collect();
        vec![
            json!(s.kind),
            json!(s.size),
            json!(s.struct_size),
            json!(keep),
            Value::from(rest),
        ]
    })
}

fn enumeration(h: &History, i: &Item<EnumBody>) -> String {
    let whole = h.enum_minors(i);
    let summary = minors(whole) + &parts("values", whole, &h.value_minors(i));
    item(i, summary, |e, last| {
        let before = last.map_or(&[][..], |last| &last.values);
        let (keep, rest) = tail(before, &e.values);
        vec![json!(e.size), json!(keep), json!(rest)]
    })
}

/// How many are as before, and the rest.
fn tail<'t, T: PartialEq>(before: &[T], now: &'t [T]) -> (usize, &'t [T]) {
    let keep = before.iter().zip(now).take_while(|(a, b)| a == b).count();
    (keep, now.get(keep..).unwrap_or_default())
}

fn renamed(renamed: &Renamed) -> String {
    format!(
        "{{{}, {}, {}, \"at\": {}}}",
        pair("what", &renamed.what),
        pair("from", &renamed.from),
        pair("to", &renamed.to),
        json!(renamed.at)
    )
}
