//! Facts to JSON: one line for each field, so that a change of one is a change of one line.

use super::facts::{Enumeration, Field, File, Label, MessageFacts};
use crate::schema::json::Json;

/// The text of a file of facts.
pub fn to_text(file: &File) -> String {
    let mut doc = vec![
        ("format", Json::Int(1)),
        ("path", Json::str(&file.path)),
        (
            "source",
            Json::Obj(vec![
                ("repository", Json::str(&file.source.repository)),
                ("revision", Json::str(&file.source.revision)),
                ("sha256", Json::str(&file.source.sha256)),
            ]),
        ),
        ("package", Json::str(&file.package)),
        ("syntax", Json::str(&file.syntax)),
    ];
    if !file.features.is_empty() {
        let pair =
            |(name, value): (&String, &String)| Json::Arr(vec![Json::str(name), Json::str(value)]);
        doc.push((
            "features",
            Json::Arr(file.features.iter().map(pair).collect()),
        ));
    }
    doc.push((
        "messages",
        Json::Arr(file.messages.iter().map(message).collect()),
    ));
    doc.push((
        "enums",
        Json::Arr(file.enums.iter().map(enumeration).collect()),
    ));
    Json::Doc(doc).render()
}

fn message(message: &MessageFacts) -> Json {
    let mut doc = vec![("name", Json::str(&message.name))];
    reserved(&message.reserved, &message.reserved_names, &mut doc);
    doc.push((
        "fields",
        Json::Arr(message.fields.iter().map(field).collect()),
    ));
    Json::Obj(doc)
}

fn enumeration(one: &Enumeration) -> Json {
    let mut doc = vec![("name", Json::str(&one.name))];
    reserved(&one.reserved, &one.reserved_names, &mut doc);
    let value = |(name, number): &(String, i32)| {
        Json::Obj(vec![
            ("number", Json::Int((*number).into())),
            ("name", Json::str(name)),
        ])
    };
    doc.push(("values", Json::Arr(one.values.iter().map(value).collect())));
    Json::Obj(doc)
}

fn reserved(ranges: &[(i32, i32)], names: &[String], doc: &mut Vec<(&'static str, Json)>) {
    if !ranges.is_empty() {
        let range =
            |(a, b): &(i32, i32)| Json::Arr(vec![Json::Int((*a).into()), Json::Int((*b).into())]);
        doc.push(("reserved", Json::Arr(ranges.iter().map(range).collect())));
    }
    if !names.is_empty() {
        let names = names.iter().map(|name| Json::str(name)).collect();
        doc.push(("reserved_names", Json::Arr(names)));
    }
}

fn field(field: &Field) -> Json {
    let mut doc = vec![
        ("number", Json::Int(field.number.into())),
        ("name", Json::str(&field.name)),
        ("type", Json::str(&field.ty)),
    ];
    match &field.label {
        Label::Implicit => {}
        Label::Explicit => doc.push(("presence", Json::str("explicit"))),
        Label::OneOf(group) => doc.push(("oneof", Json::str(group))),
        Label::Map(key) => doc.push(("map", Json::str(key))),
        Label::Repeated { packed } => {
            doc.push(("label", Json::str("repeated")));
            if *packed {
                doc.push(("packed", Json::Bool(true)));
            }
        }
    }
    if field.deprecated {
        doc.push(("deprecated", Json::Bool(true)));
    }
    Json::Obj(doc)
}
