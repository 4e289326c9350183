//! The overlay under other names: those of C and those of Rust. Reasons and documentation stay.

use super::words::Renaming;
use pjrt_codegen::overlay::vocabulary::{Kind, Section, keys};
use pjrt_codegen::overlay::{Node, Tree};

/// The judgements with every name replaced.
pub fn rename(tree: &Node, to: &Renaming) -> Node {
    table(tree, |section, entries| {
        // `[SECTION.NAME]`, and `[SECTION.NAME.field.NAME]` or `[.. .param.NAME]` below.
        let (own, inner) = match section {
            // Platforms and their options are named by plugins, not by any header.
            "platform" => return (section.to_owned(), entries.clone()),
            "handle" => (Section::Handle, None),
            "enum" => (Section::Enum, None),
            "value" => (Section::Value, Some(Section::Member)),
            "group" => (Section::Group, Some(Section::Field)),
            "callback" => (Section::Callback, Some(Section::Param)),
            "extension" => (Section::Extension, None),
            "table" => (Section::Table, None),
            "support" => (Section::Support, None),
            "vtable" => (Section::Vtable, Some(Section::Slot)),
            "function" => (Section::Function, Some(Section::Field)),
            other => panic!("the section `{other}` is new: say what in it is a name"),
        };
        let named = names(entries, to, |entry| {
            table(entry, |key, value| match inner {
                Some(inner) if matches!(key, "field" | "param" | "slot") => {
                    let each = |field: &Node| table(field, |key, v| word(inner, key, v, to));
                    (key.to_owned(), names(value, to, each))
                }
                _ => word(own, key, value, to),
            })
        });
        (section.to_owned(), named)
    })
}

/// A table whose keys are names.
fn names(node: &Node, to: &Renaming, each: impl Fn(&Node) -> Node) -> Node {
    table(node, |name, entry| (to.name(name), each(entry)))
}

fn table(node: &Node, each: impl Fn(&str, &Node) -> (String, Node)) -> Node {
    let Tree::Table(entries) = &node.tree else {
        panic!("a table was expected, found {}", node.type_name())
    };
    let mut entries: Vec<_> = entries.iter().map(|(key, v)| each(key, v)).collect();
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Node {
        tree: Tree::Table(entries),
        ..node.clone()
    }
}

/// A key with its value, which is a name or is not.
fn word(section: Section, key: &str, value: &Node, to: &Renaming) -> (String, Node) {
    let Some(known) = keys(section).iter().find(|known| known.name == key) else {
        panic!("no key `{key}` in {section:?}")
    };
    let text = |f: &dyn Fn(&str) -> String| Node {
        tree: match &value.tree {
            Tree::Text(text) => Tree::Text(f(text)),
            other => other.clone(),
        },
        ..value.clone()
    };
    let renamed = match known.kind {
        Kind::Identifier
        | Kind::Function
        | Kind::Enum
        | Kind::Field
        | Kind::HandleOrNone
        | Kind::FieldOrNul => text(&|name| match name {
            "none" | "nul" | "all" => name.to_owned(),
            name => to.name(name),
        }),
        Kind::Product => text(&|names| {
            let each: Vec<String> = names.split(" * ").map(|n| to.name(n)).collect();
            each.join(" * ")
        }),
        // Names of a callback's parameters.
        Kind::Text if matches!((section, key), (Section::Callback, "user_data")) => {
            text(&|name| to.name(name))
        }
        Kind::Text if matches!((section, key), (Section::Param, "len")) => {
            text(&|name| to.name(name))
        }
        // The object, its counting slots, and what a slot fills.
        Kind::Text
            if matches!(
                (section, key),
                (Section::Vtable, "object" | "clone" | "drop")
            ) =>
        {
            text(&|name| to.name(name))
        }
        Kind::Text if matches!((section, key), (Section::Slot, "outputs")) => text(&|names| {
            let each: Vec<String> = names.split(", ").map(|n| to.name(n)).collect();
            each.join(", ")
        }),
        Kind::Text | Kind::Path | Kind::Flag | Kind::OneOf(_) | Kind::Number | Kind::Natural => {
            value.clone()
        }
    };
    (key.to_owned(), renamed)
}
