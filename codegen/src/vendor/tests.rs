//! What is made for a vendor is what is made for `pjrt` itself, and what cannot be made is told.

use super::*;
use crate::expand::Invocation;
use crate::model::from_json;
use crate::overlay::Tree;
use crate::schema::{self, Enum, EnumValue, Extension, Field, Function, Slot, Struct};
use crate::schema::{Header, Signature, StructKind};

fn upstream() -> Model {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../pjrt/model.json");
    from_json(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A model in which a header of upstream's is a vendor's.
fn as_vendors(upstream: &Model, module: &str) -> Model {
    Model::new(
        upstream.facts.clone(),
        upstream.overlay.clone(),
        upstream.judgements.clone(),
        upstream.versions.clone(),
    )
    .for_vendor(module)
}

/// Tokens as one line, the paths of a module's items as the vendor's crate spells them.
fn line(tokens: proc_macro2::TokenStream, module: &str) -> String {
    let text = tokens.to_string();
    let text = text.replace(&format!(":: pjrt :: sys :: {module} :: "), "sys :: ");
    let text = text.replace(&format!(":: pjrt :: raw :: {module} :: "), "raw :: ");
    text.replace(&format!(":: pjrt :: {module} :: "), "")
}

#[test]
fn a_vendors_safe_types_are_those_of_the_built_in_extensions() {
    let upstream = upstream();
    let mut compared = 0;
    for header in upstream
        .facts
        .headers
        .iter()
        .filter(|h| h.extension.is_some())
    {
        let module = header.module.as_str();
        let ours = as_vendors(&upstream, module);
        let entries = &upstream.overlay;
        let of = |kind: &str, name: &String| Invocation {
            kind: kind.to_owned(),
            name: name.clone(),
        };
        let mut all: Vec<Invocation> = Vec::new();
        all.extend(entries.handles.keys().map(|n| of("handle", n)));
        all.extend(entries.enums.keys().map(|n| of("enum", n)));
        all.extend(entries.values.keys().map(|n| of("value", n)));
        all.retain(|i| upstream.home(&i.name) == Some(module));
        all.push(of("extension", &header.module));
        for invocation in all {
            let built_in = invocation.expand(&upstream);
            let Ok(built_in) = built_in else { continue };
            let vendors = invocation.expand(&ours).unwrap();
            assert_eq!(
                line(vendors, module),
                line(built_in, module),
                "{module}: {} {}",
                invocation.kind,
                invocation.name
            );
            compared += 1;
        }
    }
    assert!(compared > 40, "only {compared} compared");
}

#[test]
fn every_built_in_header_has_bindings_and_items_as_a_vendors() {
    let upstream = upstream();
    for header in upstream
        .facts
        .headers
        .iter()
        .filter(|h| h.extension.is_some())
    {
        let model = as_vendors(&upstream, &header.module);
        let entry = header.extension.as_ref().map(|e| &e.name);
        if entry.is_none_or(|name| !upstream.overlay.extensions.contains_key(name)) {
            continue;
        }
        let made = items::items(&model, &["upstream".to_owned()]);
        let text = made
            .unwrap_or_else(|e| panic!("{}: {e}", header.module))
            .to_string();
        let table = header.extension.as_ref().map_or("", |e| e.table.as_str());
        assert!(text.contains("pub mod sys") && text.contains(table));
    }
}

fn field(name: &str, ty: &str, offset: u64, size: u64) -> Field {
    Field {
        name: name.to_owned(),
        ty: ty.to_owned(),
        offset,
        size,
        ..Field::default()
    }
}

/// A vendor's header whose table has functions `Acme_F0`, `Acme_F1`, ..; the arguments of the
/// first have so many numbers.
fn header(functions: u64, numbers: u64) -> Header {
    let mut table = Struct {
        name: "Acme_Table".to_owned(),
        kind: StructKind::ExtensionTable,
        size: 24 + 8 * functions,
        align: 8,
        struct_size: Some(24 + 8 * functions),
        fields: vec![field("base", "PJRT_Extension_Base", 0, 24)],
        ..Struct::default()
    };
    let mut header = Header {
        module: "acme".to_owned(),
        path: "acme.h".to_owned(),
        sha256: "0".repeat(64),
        uses: vec!["core".to_owned()],
        extension: Some(Extension {
            number: 1000,
            name: "Acme".to_owned(),
            table: table.name.clone(),
            version: None,
        }),
        ..Header::default()
    };
    for at in 0..functions {
        let name = format!("Acme_F{at}");
        let count = if at == 0 { numbers } else { 1 };
        let mut args = Struct {
            name: format!("{name}_Args"),
            kind: StructKind::Args,
            size: 8 + 8 * count,
            align: 8,
            struct_size: Some(8 + 8 * count),
            fields: vec![field("struct_size", "size_t", 0, 8)],
            ..Struct::default()
        };
        for number in 0..count {
            let of = field(&format!("n{number}"), "int64_t", 8 + 8 * number, 8);
            args.fields.push(of);
        }
        let mut slot = field(&format!("f{at}"), &format!("{name}*"), 24 + 8 * at, 8);
        slot.slot = Some(Slot::Function);
        table.fields.push(slot);
        header.functions.push(Function {
            name,
            signature: Signature {
                returns: "PJRT_Error*".to_owned(),
                params: vec![schema::Param {
                    name: "args".to_owned(),
                    ty: format!("{}*", args.name),
                }],
            },
            args: Some(args.name.clone()),
            table: table.name.clone(),
            slot: format!("f{at}"),
            index: u32::try_from(at).unwrap() + 1,
            offset: 24 + 8 * at,
            ..Function::default()
        });
        header.structs.push(args);
    }
    header.structs.push(table);
    header.structs.sort_by(|a, b| a.name.cmp(&b.name));
    header
}

fn schema_of(header: Header) -> Schema {
    Schema {
        major: 0,
        minor: 114,
        headers: vec![header],
    }
}

/// The rows of a function of the newest header, given older ones.
fn rows(older: Vec<Header>, newest: &Header, name: &str) -> Vec<[u32; 4]> {
    let older = Revisions(older.into_iter().map(schema_of).collect());
    let sized = older.sized(newest);
    let rows = sized.gates.of(name).iter().map(|r| r.numbers());
    rows.collect()
}

#[test]
fn what_a_revision_has_is_told_by_the_size_of_its_table() {
    let newest = header(3, 2);
    let of = |name: &str| rows(vec![header(2, 1)], &newest, name);
    assert_eq!(of("Acme_F0"), [[0, 0, 16, 16], [48, 0, 24, 24]]);
    assert_eq!(of("Acme_F1"), Vec::<[u32; 4]>::new(), "it never changed");
    assert_eq!(of("Acme_F2"), [[0, 0, 0, 0], [48, 0, 16, 16]]);
}

#[test]
fn of_revisions_with_one_size_of_table_only_what_all_have_is_used() {
    // What only the newest knows is not relied upon, until a table is larger than all known.
    let found = rows(vec![header(3, 1)], &header(3, 2), "Acme_F0");
    assert_eq!(found, [[0, 0, 24, 16], [49, 0, 24, 24]]);
    let found = rows(vec![header(2, 1), header(3, 1)], &header(3, 2), "Acme_F0");
    assert_eq!(found, [[0, 0, 16, 16], [48, 0, 24, 16], [49, 0, 24, 24]]);
}

#[test]
fn arguments_that_changed_under_one_size_of_table_are_refused() {
    let mut before = header(2, 1);
    before.structs[0].fields[1].ty = "char*".to_owned();
    let found = rows(vec![before], &header(2, 1), "Acme_F0");
    assert_eq!(found, [[0, 0, 0, 1], [41, 0, 16, 16]]);
}

#[test]
fn a_table_that_shrank_is_not_taken_for_the_newest() {
    let mut newest = header(2, 1);
    // The first function is gone: the second stands in its place.
    newest.functions.remove(0);
    newest.functions[0].offset = 24;
    for table in newest.structs.iter_mut().filter(|s| s.name == "Acme_Table") {
        table.fields.remove(1);
        table.fields[1].offset = 24;
        table.size = 32;
        table.struct_size = Some(32);
    }
    let older = Revisions(vec![schema_of(header(3, 1))]);
    let sized = older.sized(&newest);
    assert_eq!(sized.largest["Acme_Table"], 48);
    let rows: Vec<_> = sized
        .gates
        .of("Acme_F1")
        .iter()
        .map(|r| r.numbers())
        .collect();
    assert_eq!(rows, [[0, 0, 16, 16], [48, 0, 0, 1], [49, 0, 16, 16]]);
}

#[test]
fn a_revision_reports_the_constant_or_the_size_of_its_table() {
    let flagged = |name: &str| {
        let mut header = header(1, 1);
        for table in header.structs.iter_mut().filter(|s| s.name == "Acme_Table") {
            let mut flag = field(name, "bool", 32, 1);
            flag.slot = Some(Slot::Flag);
            table.fields.push(flag);
            table.size = 40;
            table.struct_size = Some(33);
        }
        header
    };
    let older = Revisions(vec![schema_of(header(1, 1))]);
    let newest = flagged("fast");
    let rows: Vec<_> = older.sized(&newest).gates.of("Acme_Table.fast").to_vec();
    let rows: Vec<_> = rows.iter().map(|r| r.numbers()).collect();
    assert_eq!(rows, [[0, 0, 0, 0], [33, 0, 1, 1]]);
}

#[test]
fn a_callback_that_takes_something_else_is_refused() {
    let with = |params: &str| {
        let mut header = header(1, 1);
        header.structs[0].fields[1].ty = "Acme_Call".to_owned();
        header.callbacks.push(schema::Callback {
            name: "Acme_Call".to_owned(),
            signature: Signature {
                returns: "void".to_owned(),
                params: vec![schema::Param {
                    name: String::new(),
                    ty: params.to_owned(),
                }],
            },
            line: 1,
        });
        header
    };
    let found = rows(vec![with("int64_t")], &with("double"), "Acme_F0");
    assert_eq!(found, [[0, 0, 0, 1], [33, 0, 16, 16]]);
    let found = rows(vec![with("double")], &with("double"), "Acme_F0");
    assert_eq!(found, Vec::<[u32; 4]>::new());
}

#[test]
fn an_array_whose_items_grew_is_refused() {
    let with = |size: u64| {
        let mut header = header(1, 1);
        header.structs[0].fields[1].ty = "const Acme_Item*".to_owned();
        let mut item = Struct {
            name: "Acme_Item".to_owned(),
            size,
            align: 8,
            ..Struct::default()
        };
        for at in 0..size / 8 {
            item.fields
                .push(field(&format!("x{at}"), "double", 8 * at, 8));
        }
        header.structs.push(item);
        header
    };
    let found = rows(vec![with(16)], &with(24), "Acme_F0");
    assert_eq!(found, [[0, 0, 0, 1], [33, 0, 16, 16]]);
}

#[test]
fn a_slot_that_moved_is_laid_out_otherwise() {
    let mut before = header(2, 1);
    for function in &mut before.functions {
        function.offset = 24 + 8 * (1 - (function.offset - 24) / 8);
    }
    let found = rows(vec![before], &header(3, 1), "Acme_F0");
    assert_eq!(found, [[0, 0, 0, 1], [48, 0, 16, 16]]);
}

#[test]
fn functions_that_share_arguments_of_different_age_are_refused() {
    let mut before = header(1, 1);
    before.structs.retain(|s| s.name != "Acme_F1_Args");
    let mut newest = header(2, 2);
    let upstream = upstream();
    newest.functions[1].args = Some("Acme_F0_Args".to_owned());
    let older = Revisions(vec![schema_of(before)]);
    let gates = older.sized(&newest).gates;
    let found = collisions::shared_arguments(&upstream.facts, &newest, &gates, "acme.json");
    assert!(
        found
            .to_string()
            .contains("Acme_F1 and Acme_F0 share `Acme_F0_Args`"),
        "{found}"
    );
    newest.functions[1].args = Some("PJRT_Client_Devices_Args".to_owned());
    let found = collisions::shared_arguments(&upstream.facts, &newest, &gates, "acme.json");
    assert!(found.to_string().contains("are upstream's"), "{found}");
}

#[test]
fn the_older_revisions_survive_their_file() {
    let mut one = header(2, 1);
    one.digest = schema::digest(&one);
    let revisions = Revisions(vec![schema_of(one)]);
    let text = revisions::write(&revisions);
    assert_eq!(
        revisions::read(&("h.json".to_owned(), text)).unwrap(),
        revisions
    );
    let error = revisions::read(&("h.json".to_owned(), "{}".to_owned())).unwrap_err();
    assert!(
        error.to_string().contains("cargo xtask vendor update"),
        "{error}"
    );
}

#[test]
fn names_and_numbers_of_upstreams_are_refused() {
    let upstream = upstream();
    let mut own = header(1, 1);
    own.structs[0].name = "PJRT_Program".to_owned();
    own.enums.push(Enum {
        name: "Acme_Unit".to_owned(),
        repr: "uint32_t".to_owned(),
        size: 4,
        values: vec![EnumValue::default()],
        ..Enum::default()
    });
    if let Some(extension) = &mut own.extension {
        extension.number = 4;
    }
    own.structs[1]
        .fields
        .push(field("x", "Acme_Nothing*", 40, 8));
    own.structs[1]
        .fields
        .push(field("y", "PJRT_Program", 48, 8));
    let found = collisions(&upstream.facts, &schema_of(own), "acme.json").to_string();
    for told in [
        "N003]: `PJRT_Program` (acme.h:0) is declared by upstream too, in the header `core`",
        "N004]: the extension Acme has the number 4, which is upstream's PJRT_Extension_Type_Layouts",
        "N005]: Acme_Table.x: nobody declares the type `Acme_Nothing`",
        "N006]: Acme_Table.y: `PJRT_Program` has 8 bytes",
    ] {
        assert!(found.contains(told), "{told}\n{found}");
    }
}

#[test]
fn an_overlay_that_judges_upstreams_items_is_refused_at_its_line() {
    let mut own = header(1, 1);
    own.digest = schema::digest(&own);
    let schema = ("acme.json".to_owned(), schema::to_text(&schema_of(own)));
    let overlay = "[handle.PJRT_Client]\nrust = \"Client\"\n\n[extension.Acme]\nbogus = 1\n";
    let overlay = [("acme.toml".to_owned(), overlay.to_owned())];
    let found = model(&upstream(), &schema, &overlay, None)
        .unwrap_err()
        .to_string();
    assert!(
        found.contains(
            "acme.toml:1:9: error[N007]: [handle.PJRT_Client] is about what `pjrt` itself has"
        ),
        "{found}"
    );
}

#[test]
fn faults_of_the_overlay_are_told_together_at_their_lines() {
    let mut own = header(1, 1);
    own.digest = schema::digest(&own);
    let schema = ("acme.json".to_owned(), schema::to_text(&schema_of(own)));
    let overlay = "[extension.Acme]\nbogus = 1\n\n[function.Acme_F7]\nsafe = \"generated\"\n";
    let overlay = [("acme.toml".to_owned(), overlay.to_owned())];
    let found = model(&upstream(), &schema, &overlay, None).unwrap_err();
    let text = found.to_string();
    assert!(found.len() > 1, "{text}");
    assert!(
        text.contains("acme.toml:2:") && text.contains("acme.toml:4:"),
        "{text}"
    );
}

#[test]
fn the_judgements_of_upstream_stay() {
    let upstream = upstream();
    assert!(matches!(upstream.judgements.tree, Tree::Table(_)));
    let mut own = header(1, 1);
    own.digest = schema::digest(&own);
    let schema = ("acme.json".to_owned(), schema::to_text(&schema_of(own)));
    let overlay = "[extension.Acme]\nrust = \"Acme\"\ndoc = \"An example.\"\n";
    let overlay = [("acme.toml".to_owned(), overlay.to_owned())];
    let model = model(&upstream, &schema, &overlay, None).unwrap();
    assert!(model.overlay.handles.contains_key("PJRT_Client"));
    assert_eq!(model.vendor().map(|h| h.module.as_str()), Some("acme"));
    let text = items::items(&model, &[]).unwrap().to_string();
    assert!(text.contains("pub struct Acme"), "{text}");
}

#[test]
fn values_of_one_name_in_two_enumerations_are_told_apart() {
    let upstream = upstream();
    let mut own = header(1, 1);
    for (name, second) in [("Acme_Unit", "kWatt"), ("Acme_Mode", "kBoost")] {
        let value = |name: &str, value| EnumValue {
            name: name.to_owned(),
            value,
            ..EnumValue::default()
        };
        own.enums.push(Enum {
            name: name.to_owned(),
            repr: "int32_t".to_owned(),
            size: 4,
            values: vec![value("kNone", 0), value(second, 1)],
            ..Enum::default()
        });
    }
    own.digest = schema::digest(&own);
    let schema = ("acme.json".to_owned(), schema::to_text(&schema_of(own)));
    let overlay = "[extension.Acme]\nrust = \"Acme\"\ndoc = \"An example.\"\n";
    let overlay = [("acme.toml".to_owned(), overlay.to_owned())];
    let model = model(&upstream, &schema, &overlay, None).unwrap();
    let text = items::items(&model, &[]).unwrap().to_string();
    for constant in [
        "pub const Acme_Unit_kNone : Acme_Unit",
        "pub const Acme_Mode_kNone : Acme_Mode",
        "pub const kWatt : Acme_Unit",
        "pub const kBoost : Acme_Mode",
    ] {
        assert!(text.contains(constant), "no `{constant}` in {text}");
    }
}
