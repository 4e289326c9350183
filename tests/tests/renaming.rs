//! Nothing in the generator hangs on a name: with every name of the C headers and of the overlay
//! replaced by a made-up one, it writes the same code under the other names.
//!
//! What stays is spelling that means something, the same for all names; [`words`] lists it.

#[path = "renaming/facts.rs"]
mod facts;
#[path = "renaming/judgements.rs"]
mod judgements;
#[path = "renaming/words.rs"]
mod words;

use pjrt_codegen::derived;
use pjrt_codegen::emit::{c_header, witness};
use pjrt_codegen::expand::Invocation;
use pjrt_codegen::model::gates::Gates;
use pjrt_codegen::model::{self, Model, Versions};
use pjrt_codegen::overlay;
use pjrt_codegen::schema::Header;
use std::path::Path;
use words::Renaming;

/// The whole real model.
fn real() -> Model {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(derived::MODEL);
    model::from_json(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// The model with all names replaced, checked like any other.
fn renamed(model: &Model, to: &Renaming) -> Model {
    let facts = facts::rename(&model.facts, to);
    let judgements = judgements::rename(&model.judgements, to);
    let files = ["renamed".to_owned()];
    let entries = overlay::from_tree(&judgements, &files, &[&facts])
        .unwrap_or_else(|faults| panic!("{faults}"));
    let name = |name: &String| {
        let parts: Vec<String> = name.split('.').map(|part| to.name(part)).collect();
        parts.join(".")
    };
    let known = &model.versions;
    let since = known.since.iter().map(|(item, minor)| (name(item), *minor));
    let rows = known
        .gates
        .rows
        .iter()
        .map(|(item, rows)| (name(item), rows.clone()));
    let values = known
        .gates
        .values
        .iter()
        .map(|(of, late)| (name(of), late.clone()));
    let versions = Versions {
        since: since.collect(),
        gates: Gates {
            rows: rows.collect(),
            values: values.collect(),
        },
        ..Versions::default()
    };
    Model::new(facts, entries, judgements, versions)
}

/// Everything that the macro can be asked for, by the names of the facts and the overlay.
fn invocations(model: &Model) -> Vec<Invocation> {
    let each = |kind: &str, names: Vec<&String>| -> Vec<Invocation> {
        let kind = kind.to_owned();
        let of = |name: &String| Invocation {
            kind: kind.clone(),
            name: name.clone(),
        };
        names.into_iter().map(of).collect()
    };
    let headers = || model.facts.headers.iter();
    let judged = |h: &&Header| {
        let name = h.extension.as_ref().map(|e| &e.name);
        name.is_some_and(|name| model.overlay.extensions.contains_key(name))
    };
    let mut all = each("calls", headers().map(|h| &h.module).collect());
    all.extend(each(
        "extension",
        headers().filter(judged).map(|h| &h.module).collect(),
    ));
    all.extend(each("plugin", vec![&"core".to_owned()]));
    all.extend(each("handle", model.overlay.handles.keys().collect()));
    all.extend(each("enum", model.overlay.enums.keys().collect()));
    all.extend(each("value", model.overlay.values.keys().collect()));
    all
}

fn expand(model: &Model, invocation: &Invocation) -> String {
    let tokens = invocation.expand(model);
    tokens.unwrap_or_else(|e| panic!("{e}")).to_string()
}

/// What a generator writes otherwise for the renamed model, each with its invocation.
fn differences(
    before: &Model,
    after: &Model,
    to: &Renaming,
    generate: impl Fn(&Model, &Invocation) -> String,
) -> Vec<String> {
    let mut found = Vec::new();
    for invocation in invocations(before) {
        let expected = generate(before, &invocation);
        let other = Invocation {
            kind: invocation.kind.clone(),
            name: to.name(&invocation.name),
        };
        let got = to.undo(&generate(after, &other));
        if let Some(difference) = difference(&expected, &got) {
            let Invocation { kind, name } = invocation;
            found.push(format!("{kind} {name}: {difference}"));
        }
    }
    found
}

/// The first place where two texts differ, with what stands around it.
fn difference(expected: &str, got: &str) -> Option<String> {
    if expected == got {
        return None;
    }
    let pairs = expected.chars().zip(got.chars());
    let same = pairs.take_while(|(a, b)| a == b).count();
    let around = |text: &str| -> String {
        let start = same.saturating_sub(80);
        text.chars().skip(start).take(160).collect()
    };
    Some(format!(
        "\n    expected ..{}\n    found    ..{}",
        around(expected),
        around(got)
    ))
}

#[test]
fn the_generator_writes_the_same_under_other_names() {
    let before = real();
    for seed in [1, 2] {
        let to = Renaming::seeded(seed);
        let after = renamed(&before, &to);
        let found = differences(&before, &after, &to, expand);
        assert!(found.is_empty(), "{}", found.join("\n"));
        // The C declarations and the assertions of layouts too.
        let texts = |model: &Model| {
            let headers: Vec<&Header> = model.facts.headers.iter().collect();
            let unit = c_header::unit(headers.iter().copied());
            [unit, witness::cpp(&headers), witness::rust(&headers)]
        };
        for (expected, got) in texts(&before).iter().zip(&texts(&after)) {
            let found = difference(expected, &to.undo(got));
            assert_eq!(found, None, "{}", found.clone().unwrap_or_default());
        }
    }
}

#[test]
fn a_name_that_a_generator_knows_shows() {
    let before = real();
    let to = Renaming::seeded(3);
    let after = renamed(&before, &to);
    let knows = |word: &'static str| {
        move |model: &Model, invocation: &Invocation| {
            let tokens = match invocation.kind.as_str() {
                "handle" => expand(model, invocation),
                _ => String::new(),
            };
            // A method, a field, a type: what a rule for one name alone would do.
            tokens.replace(word, "special")
        }
    };
    for word in [
        "PJRT_Device_IsAddressable",
        "fn is_addressable",
        "local_hardware_id",
    ] {
        assert!(
            !differences(&before, &after, &to, knows(word)).is_empty(),
            "{word}"
        );
    }
    assert!(differences(&before, &after, &to, knows("struct_size")).is_empty());
}

#[test]
fn every_name_changes_and_comes_back() {
    let before = real();
    let to = Renaming::seeded(4);
    let names = facts::names(&before.facts);
    assert!(names.len() > 1500, "{}", names.len());
    for name in names {
        let other = to.name(name);
        assert_eq!(to.undo(&other), name);
        assert_eq!(other == name, words::stays(name), "{name} -> {other}");
    }
}
