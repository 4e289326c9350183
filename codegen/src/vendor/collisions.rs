//! What a vendor's header and upstream's cannot both have, and what neither declares.

use crate::diag::{Diagnostic, Diagnostics};
use crate::lower::ctype::primitive;
use crate::model::Model;
use crate::model::gates::Gates;
use crate::overlay::Node;
use crate::schema::alike::words;
use crate::schema::{Field, Header, Schema, Signature};
use std::collections::{BTreeMap, BTreeSet};

/// The enumeration of the numbers of extensions.
const NUMBERS: &str = "PJRT_Extension_Type";

/// The first number that a vendor may take. Upstream's grow from 0 by one each.
const FLOOR: u32 = 256;

/// Names and numbers of a vendor's that upstream has too, and types that neither declares or that
/// have two sizes. `file` is what errors call the vendor's facts.
pub fn collisions(upstream: &Schema, own: &Schema, file: &str) -> Diagnostics {
    let mut found = Diagnostics::default();
    let mut refuse = |code, message: String, help: &str| {
        found.push(Diagnostic::new(code, file, message).help(help));
    };
    let theirs = names(&upstream.headers);
    for header in &own.headers {
        if upstream.headers.iter().any(|h| h.module == header.module) {
            refuse(
                "N002",
                format!("the module `{}` is upstream's", header.module),
                "give another with `cargo xtask vendor new --module NAME`",
            );
        }
        for (name, line) in names(std::slice::from_ref(header)) {
            if let Some((_, module)) = theirs
                .get_key_value(name)
                .map(|(n, _)| (n, of(upstream, n)))
            {
                refuse(
                    "N003",
                    format!(
                        "`{name}` ({}:{line}) is declared by upstream too, in the header `{module}`",
                        header.path
                    ),
                    "rename it in the vendor's header: one name is one thing to a compiler",
                );
            }
        }
        number(upstream, header, &mut refuse);
        let mut known: BTreeSet<&str> = theirs.keys().copied().collect();
        known.extend(names(std::slice::from_ref(header)).into_keys());
        for (place, ty) in types(header) {
            for word in words(&ty).filter(|w| unknown(w, &known)) {
                refuse(
                    "N005",
                    format!("{place}: nobody declares the type `{word}`"),
                    "the header was read with other headers of PJRT than those here; use a type that PJRT has, or take a newer `pjrt`",
                );
            }
        }
        sizes(upstream, header, &mut refuse);
    }
    found
}

/// A number that upstream's extensions have.
fn number(upstream: &Schema, header: &Header, refuse: &mut impl FnMut(&'static str, String, &str)) {
    let Some(extension) = &header.extension else {
        return;
    };
    if extension.number < FLOOR {
        refuse(
            "N004",
            format!(
                "the extension {} has the number {}, and those below {FLOOR} are upstream's to give",
                extension.name, extension.number
            ),
            "take a larger one: a newer plugin may have an extension of upstream's under it",
        );
    }
    let mut enums = upstream.headers.iter().flat_map(|h| &h.enums);
    let numbers = enums.find(|e| e.name == NUMBERS);
    let value = numbers.and_then(|e| {
        let mut values = e.values.iter();
        values.find(|v| v.value == i64::from(extension.number))
    });
    if let Some(value) = value {
        refuse(
            "N004",
            format!(
                "the extension {} has the number {}, which is upstream's {}",
                extension.name, extension.number, value.name
            ),
            "take a number that upstream does not have",
        );
    }
    let mut others = upstream.headers.iter().filter_map(|h| h.extension.as_ref());
    if others.any(|e| e.name == extension.name) {
        refuse(
            "N004",
            format!(
                "an extension of upstream's has the name {} too",
                extension.name
            ),
            "give another with `cargo xtask vendor new --name NAME`",
        );
    }
}

/// Structs of upstream's that the vendor's hold by value with another size than they have here.
fn sizes(upstream: &Schema, header: &Header, refuse: &mut impl FnMut(&'static str, String, &str)) {
    let structs = upstream.headers.iter().flat_map(|h| &h.structs);
    let structs: BTreeMap<&str, u64> = structs.map(|s| (s.name.as_str(), s.size)).collect();
    for owner in &header.structs {
        for field in &owner.fields {
            let here = structs.get(field.ty.as_str());
            if let Some(size) = here.filter(|size| **size != field.size) {
                refuse(
                    "N006",
                    format!(
                        "{}.{}: `{}` has {} bytes in the headers of PJRT that the header was read with, and {size} here",
                        owner.name, field.name, field.ty, field.size
                    ),
                    "read the header with the PJRT headers of this version of `pjrt`",
                );
            }
        }
    }
}

/// Everything that headers declare, by name, with its line.
fn names(headers: &[Header]) -> BTreeMap<&str, u32> {
    let mut names = BTreeMap::new();
    for header in headers {
        names.extend(header.opaques.iter().map(|i| (i.name.as_str(), i.line)));
        names.extend(header.aliases.iter().map(|i| (i.name.as_str(), i.line)));
        names.extend(header.enums.iter().map(|i| (i.name.as_str(), i.line)));
        names.extend(header.structs.iter().map(|i| (i.name.as_str(), i.line)));
        names.extend(header.callbacks.iter().map(|i| (i.name.as_str(), i.line)));
        names.extend(header.functions.iter().map(|i| (i.name.as_str(), i.line)));
    }
    names
}

/// The module that declares a name.
fn of<'s>(schema: &'s Schema, name: &str) -> &'s str {
    let mut headers = schema.headers.iter();
    let declares = |h: &&Header| names(std::slice::from_ref(*h)).contains_key(name);
    headers.find(declares).map_or("?", |h| h.module.as_str())
}

fn unknown(word: &str, known: &BTreeSet<&str>) -> bool {
    let name = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    let language = [
        "const", "unsigned", "signed", "long", "short", "union", "char",
    ];
    name && !language.contains(&word) && primitive(word).is_none() && !known.contains(word)
}

/// The types that a header's declarations use, each with its place.
fn types(header: &Header) -> Vec<(String, String)> {
    let mut types = Vec::new();
    for item in &header.structs {
        fields(&item.name, &item.fields, &mut types);
    }
    for item in &header.aliases {
        types.push((item.name.clone(), item.ty.clone()));
    }
    for item in &header.callbacks {
        of_signature(&item.name, &item.signature, &mut types);
    }
    for item in &header.functions {
        of_signature(&item.name, &item.signature, &mut types);
    }
    types
}

fn fields(owner: &str, all: &[Field], types: &mut Vec<(String, String)>) {
    for field in all {
        let place = format!("{owner}.{}", field.name);
        match &field.signature {
            Some(signature) => of_signature(&place, signature, types),
            None => types.push((place, field.ty.clone())),
        }
        fields(owner, &field.members, types);
    }
}

fn of_signature(place: &str, signature: &Signature, types: &mut Vec<(String, String)>) {
    types.push((place.to_owned(), signature.returns.clone()));
    let params = signature.params.iter();
    types.extend(params.map(|p| (place.to_owned(), p.ty.clone())));
}

/// Functions whose arguments are told apart by nobody: of a struct of upstream's, whose rows count
/// otherwise, and of one that two functions with different histories share.
pub(super) fn shared_arguments(
    upstream: &Schema,
    header: &Header,
    gates: &Gates,
    file: &str,
) -> Diagnostics {
    let mut found = Diagnostics::default();
    let theirs = names(&upstream.headers);
    let mut first: BTreeMap<&str, &str> = BTreeMap::new();
    for function in &header.functions {
        let Some(args) = function.args.as_deref() else {
            continue;
        };
        let mut refuse = |message: String| {
            found.push(
                Diagnostic::new("N008", file, message)
                    .help("give each function a struct of arguments of its own"),
            );
        };
        if theirs.contains_key(args) && args.ends_with("_Args") {
            refuse(format!(
                "{}: its arguments are upstream's `{args}`",
                function.name
            ));
        }
        let other = first.entry(args).or_insert(&function.name);
        if gates.of(other) != gates.of(&function.name) {
            refuse(format!(
                "{} and {other} share `{args}`, of which the revisions with the one know less than those with the other",
                function.name
            ));
        }
    }
    found
}

/// Entries of a vendor's judgements about what is not the vendor's.
pub(super) fn entries(upstream: &Model, own: &Schema, tree: &Node, file: &str) -> Diagnostics {
    let mut found = Diagnostics::default();
    let mut refuse = |entry: &Node, message: String| {
        found.push(
            Diagnostic::new("N007", file, message)
                .at(entry.place.line, entry.place.column)
                .help("remove the entry: a vendor's overlay judges its own header"),
        );
    };
    let theirs = names(&upstream.facts.headers);
    let ours = names(&own.headers);
    for (section, node) in tree.entries() {
        if ["support", "platform"].contains(&section.as_str()) {
            refuse(
                node,
                format!("[{section}] is about what `pjrt` itself supports"),
            );
            continue;
        }
        for (name, entry) in node.entries() {
            let judged = upstream.judgements.get(section);
            let judged = judged.and_then(|s| s.get(name)).is_some();
            let upstreams = theirs.contains_key(name.as_str()) && !ours.contains_key(name.as_str());
            if judged || upstreams {
                refuse(
                    entry,
                    format!("[{section}.{name}] is about what `pjrt` itself has"),
                );
            }
        }
    }
    found
}
